"""Tags, comparisons and erasures in the JSON API: seen by the role search, tagged by reviewers, erased by
admins.
"""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from par_core.serve import session_tags
from par_core.serve.contents import comparison_content, tagged_content
from par_core.serve.forgettings import Forgetting
from par_core.serve.schemas_tags import (
    ChangeTagsRequest,
    ComparisonResponse,
    ForgetRequest,
    ForgettingResponse,
    TaggedPeopleResponse,
    TaggedPersonJson,
    TagsResponse,
)
from par_core.serve.user_session import UserSession, session_for
from par_core.tags.change import TagChange

__all__ = ["add_routes"]

Searching = Annotated[UserSession, Depends(session_for("search"))]
Reviewer = Annotated[UserSession, Depends(session_for("reviewer"))]
Admin = Annotated[UserSession, Depends(session_for("admin"))]
_HEX = "^[0-9a-f]{1,64}$"
Identity = Annotated[str, Path(pattern=_HEX, description="Hexadecimal, as a search gives it.")]
Erasing = Annotated[
    str, Path(pattern="^[0-9a-f]{1,32}$", description="Name of the erasure, as the answer to POST gives it.")
]
Chosen = Annotated[
    str,
    Query(pattern=_HEX, description="Id of a person.", examples=["1eba3ecb27aa3da0f6df4c4231b98568"]),
]


def add_routes(router: APIRouter, errors: dict[str, dict[int | str, dict[str, Any]]]) -> None:
    """Add the operations to the router of the API.

    Args:
        router: The router.
        errors: Documented errors: of ``reading`` and of ``changing``.
    """

    @router.get("/tags", responses=errors["reading"])
    async def tags(session: Searching) -> TagsResponse:
        """Return the tags of the store, with the number of people of each."""
        known = await session_tags.all_tags(session)
        return TagsResponse(tags=known.counts(), people=len(known.people), not_indexed=len(known.stray))

    @router.post("/tags", responses={**errors["reading"], **errors["changing"]})
    async def change(session: Reviewer, wanted: ChangeTagsRequest) -> TaggedPeopleResponse:
        """Add and remove tags of people, or write a note on them."""
        asked = TagChange.of(wanted.add, wanted.remove, wanted.note)
        people = await session_tags.change_tags(session, wanted.people, asked)
        return TaggedPeopleResponse(people=[tagged_content(one.person_id, one) for one in people])

    @router.get("/people/{person_id}/tags", responses=errors["reading"])
    async def of_person(session: Searching, person_id: Identity) -> TaggedPersonJson:
        """Return tags and note of one person."""
        await session.person(person_id)
        known = await session_tags.tags_of(session, [person_id])
        return tagged_content(person_id, known.get(person_id))

    @router.get("/compare", responses=errors["reading"])
    async def compare(session: Searching, first: Chosen, second: Chosen) -> ComparisonResponse:
        """Compare two people: how alike they look to the model, and in which attributes they differ."""
        found = await session_tags.compare(session, [first, second])
        return comparison_content(found)

    @router.post("/forget", status_code=202, responses={**errors["reading"], **errors["changing"]})
    async def forget(session: Admin, wanted: ForgetRequest) -> ForgettingResponse:
        """Begin to erase people for good; ask for the erasure by its name to learn how it ended."""
        return _erasure(await session_tags.start_forgetting(session, wanted.people, wanted.number))

    @router.get("/forget/{name}", responses=errors["reading"])
    async def forgetting(session: Admin, name: Erasing) -> ForgettingResponse:
        """Return an erasure that this server began."""
        return _erasure(session.app_state.forgettings.one(name))


def _erasure(forgetting: Forgetting) -> ForgettingResponse:
    return ForgettingResponse.model_validate(asdict(forgetting))
