"""The page: HTML over the same session as the API. Every address returns a whole page that works without any
script.

``static/page.js`` requests the same addresses with the header ``Par-Part`` and receives only that part:
``main`` (the answer), ``more`` (further hits of it), ``filters``, ``timeline``, ``panel`` (one person) or
``help``. The content is prepared in ``page_view.py`` and ``page_filters.py``; queries are edited in
``page_query.py``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from par_core.errors import StoreError
from par_core.query.fields import FIELDS
from par_core.serve import (
    page_browse,
    page_pictures,
    page_review,
    page_searches,
    page_selection,
    session_tags,
)
from par_core.serve.facets import Facets
from par_core.serve.page_address import After, Offset, Part, QueryOfAddress, Searching
from par_core.serve.page_filters import Filters, filters_of, widened_by
from par_core.serve.page_look import page, static_file
from par_core.serve.page_query import PageQuery, set_field
from par_core.serve.page_timeline import timeline_view
from par_core.serve.page_view import answer_view, person_view, split_message
from par_core.serve.problems import GoneError, Problem
from par_core.serve.service import SearchPage
from par_core.serve.user_session import UserSession, session_for
from par_core.tags.record import TaggedPerson

__all__ = ["error_page", "router"]

_A_PAGE: Final = 60  # hits
_EVENTS: Final = 100  # a page of the audit log

router = APIRouter(include_in_schema=False)
router.include_router(page_review.router)
router.include_router(page_browse.router)
router.include_router(page_searches.router)
router.include_router(page_selection.router)
router.include_router(page_pictures.router)
router.include_router(page_review.before)


@router.get("/")
async def search(
    request: Request,
    session: Searching,
    query: QueryOfAddress,
    part: Part = None,
    offset: Offset = 0,
    after: After = None,
    since: Annotated[str | None, Query(max_length=32)] = None,
    until: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """Return an answer, or the start page."""
    if since is not None or until is not None:
        q = set_field(query.q, "on", "") if since != until else query.q
        return RedirectResponse(
            query.with_text(set_field(set_field(q, "since", since or ""), "until", until or "")).url(), 303
        )
    if part == "filters":
        return page(request, "part_filters.html", {"query": query, "filters": await _filters(session, query)})
    if part == "timeline":
        timeline = timeline_view(query, await _facets(session, query))
        return page(request, "part_timeline.html", {"timeline": timeline})
    answer = await _answer(session, query, offset, after) if query else None
    content = await _content(session, query, answer, after)
    if part == "more" and answer is not None:
        return page(request, "part_more.html", content)
    if part == "main":
        return page(request, "part_main.html", content)
    return page(request, "search.html", {**content, "view": None, "outline": None})


@router.get("/filters")
async def filters(request: Request, session: Searching, query: QueryOfAddress) -> Response:
    """Return the filters alone on a page, for browsers without scripts."""
    timeline = timeline_view(query, await _facets(session, query))
    shown = await _filters(session, query)
    content = {"query": query, "filters": shown, "timeline": timeline}
    return page(request, "filters.html", content)


@router.get("/people/{person_id}")
async def person(
    request: Request,
    session: Searching,
    query: QueryOfAddress,
    person_id: str,
    part: Part = None,
    at: Offset = 0,
    after: After = None,
) -> Response:
    """Return one person, beside the answer to the query if there is one."""
    details = await session.person(person_id)
    answer = await _answer(session, query, at, after) if query else None
    try:
        outline = await session.outline(person_id)
    except GoneError:
        outline = None
    tags, trouble = await _tags(session, [person_id])
    view = {
        "view": person_view(query, details, answer),
        "outline": outline,
        "query": query,
        "person_id": person_id,
        "tagged": tags.get(person_id),
        "tag_trouble": trouble,
        "back": query.url(f"/people/{person_id}"),
    }
    if part == "panel":
        return page(request, "part_panel.html", view)
    if part == "main":
        return page(request, "part_main.html", await _content(session, query, answer, after))
    return page(request, "search.html", {**await _content(session, query, answer, after), **view})


@router.get("/help")
async def help_page(request: Request, session: Searching, part: Part = None) -> Response:
    """Return the help: the query language and the keys."""
    return page(
        request,
        "part_help.html" if part == "help" else "help.html",
        {"query": PageQuery(), "fields": [(name, meaning) for name, (_, meaning) in FIELDS.items()]},
    )


@router.get("/status")
async def status(request: Request, session: Searching, part: Part = None) -> Response:
    """Return the state of the store and of the server; as the part ``progress``, how far a run is."""
    if part == "progress":
        running, progress = await session.progress()
        return page(request, "part_progress.html", {"running": running, "progress": progress})
    return page(
        request,
        "status.html",
        {
            "status": await session.status(),
            "query": PageQuery(),
            "root": session.app_state.service.store.place,
        },
    )


@router.get("/audit")
async def audit(
    request: Request,
    session: Annotated[UserSession, Depends(session_for("admin"))],
    before: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """Return a page of the audit log."""
    return page(
        request,
        "audit.html",
        {"audit": await session.audit(_EVENTS, before), "before": before, "query": PageQuery()},
    )


@router.get("/static/{name}")
async def static(name: str, v: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Return a file of the page."""
    return static_file(name, v)


async def error_page(request: Request, problem: Problem) -> Response:
    """Return the page of an error, with the search box as it was, so that the query can be corrected."""
    params = parse_qs(urlsplit(str(request.url)).query)
    query = PageQuery(params.get("q", [""])[0][:2000], params.get("where", [""])[0][:2000])
    said, below = split_message(problem.message)
    then = f"{request.url.path}?{request.url.query}" if request.method == "GET" else "/"
    content = {"problem": problem, "said": said, "shown": below, "query": query, "then": then}
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    if request.headers.get("Par-Part"):
        return page(request, "part_error.html", content, problem.status, headers)
    return page(request, "error.html", content, problem.status, headers)


async def _facets(session: UserSession, query: PageQuery) -> Facets:
    return await session.facets(query.where or None, q=query.q or None, absent=query.absent, weak=query.weak)


async def _filters(session: UserSession, query: PageQuery) -> Filters:
    wider = {name: await _facets(session, other) for name, other in widened_by(query).items()}
    return filters_of(query, await _facets(session, query), wider)


async def _answer(session: UserSession, query: PageQuery, offset: int, after: str | None) -> SearchPage:
    return await session.search(
        query.q or None,
        where=query.where or None,
        top=_A_PAGE,
        offset=offset,
        absent=query.absent,
        weak=query.weak,
        sort=query.sort,
        after=after,
    )


async def _examples(session: UserSession, query: PageQuery) -> list[tuple[str, str]]:
    texts = () if query else await session.examples()
    return [(text, PageQuery(text).url()) for text in texts]


async def _tags(session: UserSession, person_ids: list[str]) -> tuple[dict[str, TaggedPerson], str]:
    """Return the tags of people, and why there are none to show; an answer is shown all the same."""
    try:
        return await session_tags.tags_of(session, person_ids), ""
    except StoreError as error:
        return {}, str(error)


async def _content(
    session: UserSession, query: PageQuery, answer: SearchPage | None, after: str | None
) -> Mapping[str, Any]:
    shown = [one.person_id for hit in (answer.result.hits if answer else ()) for one in (hit, *hit.similar)]
    tags, trouble = await _tags(session, shown)
    return {
        "tags": tags,
        "tag_trouble": trouble,
        "examples": await _examples(session, query),
        "query": query,
        "answer": answer_view(query, answer, after) if answer else None,
        "versions": answer.versions if answer else None,
        "running": session.app_state.service.store.is_held(),
    }
