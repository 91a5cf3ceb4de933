"""Saved searches in the JSON API: seen by the role search, changed by reviewers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from par_core.serve.contents import saved_search_content
from par_core.serve.saved_searches import Saving
from par_core.serve.schemas_searches import SavedSearchesResponse, SavedSearchJson, SaveSearchRequest
from par_core.serve.user_session import UserSession, session_for

__all__ = ["add_routes"]

Searching = Annotated[UserSession, Depends(session_for("search"))]
Reviewer = Annotated[UserSession, Depends(session_for("reviewer"))]
Name = Annotated[
    str,
    Path(
        pattern="^[a-z0-9][a-z0-9-]{0,63}$", description="Name of the saved search.", examples=["red-coats"]
    ),
]


def add_routes(router: APIRouter, errors: dict[str, dict[int | str, dict[str, Any]]]) -> None:
    """Add the operations to the router of the API.

    Args:
        router: The router.
        errors: Documented errors: of ``reading`` and of ``changing``.
    """

    @router.get("/searches", responses=errors["reading"])
    async def searches(session: Searching) -> SavedSearchesResponse:
        """Return the saved searches with their news."""
        return SavedSearchesResponse(
            searches=[saved_search_content(one) for one in await session.saved_searches()]
        )

    @router.get("/searches/{name}", responses=errors["reading"])
    async def search(session: Searching, name: Name) -> SavedSearchJson:
        """Return one saved search with its news."""
        return saved_search_content(await session.saved_search(name))

    @router.post("/searches", responses=errors["changing"])
    async def save(session: Reviewer, wanted: SaveSearchRequest) -> SavedSearchJson:
        """Save a search: it tells after each run who is new. Whom it finds now counts as seen."""
        return saved_search_content(
            await session.save_search(Saving(wanted.name, wanted.q, wanted.where, wanted.weak))
        )

    @router.delete("/searches/{name}", status_code=204, responses=errors["reading"])
    async def remove(session: Reviewer, name: Name) -> Response:
        """Remove a saved search."""
        await session.remove_search(name)
        return Response(status_code=204)
