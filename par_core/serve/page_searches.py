"""The pages of saved searches: seen by the role search, changed by reviewers."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from par_core.alerts.record import SavedSearch
from par_core.serve.page_look import page
from par_core.serve.page_query import PageQuery
from par_core.serve.saved_searches import Saving
from par_core.serve.user_session import UserSession, session_for

__all__ = ["router"]

_SHOWN: Final = 24  # people of each of the news

router = APIRouter(prefix="/searches", include_in_schema=False)

Searching = Annotated[UserSession, Depends(session_for("search"))]
Reviewer = Annotated[UserSession, Depends(session_for("reviewer"))]


@router.get("")
async def listed(
    request: Request,
    session: Searching,
    q: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Return the saved searches, and a form to save one."""
    content = {
        "searches": [(search, url_of(search)) for search in await session.saved_searches()],
        "q": q.strip(),
        "where": where.strip(),
        "may_save": session.caller.may("reviewer"),
        "query": PageQuery(),
    }
    return page(request, "searches.html", content)


@router.post("")
async def save(
    session: Reviewer,
    q: Annotated[str, Form(max_length=1000)] = "",
    where: Annotated[str, Form(max_length=2000)] = "",
    name: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Save a search and go to it."""
    saved = await session.save_search(Saving(name, q, where))
    return RedirectResponse(f"/searches/{saved.name}", 303)


@router.get("/{name}")
async def shown(request: Request, session: Searching, name: str) -> Response:
    """Return a saved search with its news."""
    search = await session.saved_search(name)
    news = [(one, one.people[:_SHOWN]) for one in reversed(search.news)]
    content = {
        "search": search,
        "news": news,
        "url": url_of(search),
        "may_save": session.caller.may("reviewer"),
        "query": PageQuery(),
        "back": f"/searches/{search.name}",
    }
    return page(request, "saved_search.html", content)


@router.post("/{name}/remove")
async def remove(session: Reviewer, name: str) -> Response:
    """Remove a saved search."""
    await session.remove_search(name)
    return RedirectResponse("/searches", 303)


def url_of(search: SavedSearch) -> str:
    """Return the address of the present answer of a saved search, newest first."""
    return PageQuery(search.text or "", search.where or "", weak=search.weak, sort="newest").url()
