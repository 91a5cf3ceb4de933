"""The page: HTML over the same session as the API. Every address gives a whole page that works without any
script.

``static/page.js`` asks for the same addresses with the header ``Par-Part``, and is given only that part:
``main`` (the answer), ``more`` (further hits of it), ``filters``, ``panel`` (one person) or ``help``. What
there is to see is worked out in ``page_view.py``; questions are edited in ``page_query.py``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, File, Form, Header, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from par_core.query.fields import FIELDS
from par_core.serve import page_review
from par_core.serve.page_look import page, static_file
from par_core.serve.page_query import Asked, narrowed, set_field
from par_core.serve.page_view import EXAMPLES, filters_of, found_of, person_view, split_message
from par_core.serve.problems import GoneError, Problem, TooLargeError
from par_core.serve.service import SearchPage
from par_core.serve.user_session import UserSession, session_for

__all__ = ["error_page", "router"]

_A_PAGE: Final = 60  # hits
_EVENTS: Final = 100  # a page of the audit log

router = APIRouter(include_in_schema=False)
router.include_router(page_review.router)
router.include_router(page_review.before)

Searching = Annotated[UserSession, Depends(session_for("search"))]
Part = Annotated[str | None, Header(alias="Par-Part", max_length=16)]


def asked_of(
    q: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
    absent: Annotated[bool, Query()] = False,
    weak: Annotated[bool, Query()] = False,
) -> Asked:
    """What an address asks."""
    return Asked(q.strip(), where.strip(), absent, weak)


Question = Annotated[Asked, Depends(asked_of)]


@router.get("/")
async def search(
    request: Request,
    session: Searching,
    asked: Question,
    part: Part = None,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    since: Annotated[str | None, Query(max_length=32)] = None,
    until: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """An answer, or the page to ask from."""
    if since is not None or until is not None:
        q = set_field(asked.q, "on", "") if since != until else asked.q
        return RedirectResponse(
            asked.asking(set_field(set_field(q, "since", since or ""), "until", until or "")).url(), 303
        )
    if part == "filters":
        return page(
            request,
            "part_filters.html",
            {"asked": asked, "filters": filters_of(asked, await session.facets(asked.where or None))},
        )
    answer = await _answer(session, asked, offset) if asked else None
    content = _content(session, asked, answer)
    if part == "more" and answer is not None:
        return page(request, "part_more.html", content)
    if part == "main":
        return page(request, "part_main.html", content)
    return page(request, "search.html", {**content, "view": None, "outline": None})


@router.get("/filters")
async def filters(request: Request, session: Searching, asked: Question) -> Response:
    """The filters alone on a page, for browsers without scripts."""
    shown = filters_of(asked, await session.facets(asked.where or None))
    return page(request, "filters.html", {"asked": asked, "filters": shown})


@router.get("/people/{person_id}")
async def person(
    request: Request,
    session: Searching,
    asked: Question,
    person_id: str,
    part: Part = None,
    at: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """One person, beside the answer to a question if one was asked."""
    found = await session.person(person_id)
    answer = await _answer(session, asked, at) if asked else None
    try:
        outline = await session.outline(person_id)
    except GoneError:
        outline = None
    view = {"view": person_view(asked, found, answer), "outline": outline, "asked": asked}
    if part == "panel":
        return page(request, "part_panel.html", view)
    if part == "main":
        return page(request, "part_main.html", _content(session, asked, answer))
    return page(request, "search.html", {**_content(session, asked, answer), **view})


@router.post("/picture")
async def picture(
    session: Searching, picture: Annotated[UploadFile, File()], q: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """People like the largest person of a picture that is uploaded; together with a question if there is one."""
    most = session.app_state.settings.upload_bytes
    content = await picture.read(most + 1)
    if len(content) > most:
        raise TooLargeError(
            f"the picture is larger than {most // 2**20} MB, which is all that is taken; make it smaller"
        )
    name = (await session.add_picture(content)).name
    return RedirectResponse(Asked(narrowed(q.strip(), f"picture:{name}")).url(), 303)


@router.get("/help")
async def help_page(request: Request, session: Searching, part: Part = None) -> Response:
    """How to ask, and the keys."""
    return page(
        request,
        "part_help.html" if part == "help" else "help.html",
        {"asked": Asked(), "fields": [(name, told) for name, (_, told) in FIELDS.items()]},
    )


@router.get("/status")
async def status(request: Request, session: Searching) -> Response:
    """What the store holds, and who answers from it."""
    return page(
        request,
        "status.html",
        {
            "status": await session.status(),
            "asked": Asked(),
            "root": str(session.app_state.service.store.root),
        },
    )


@router.get("/audit")
async def audit(
    request: Request,
    session: Annotated[UserSession, Depends(session_for("admin"))],
    before: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """Who asked what."""
    return page(
        request,
        "audit.html",
        {"audit": await session.audit(_EVENTS, before), "before": before, "asked": Asked()},
    )


@router.get("/static/{name}")
async def static(name: str, v: Annotated[str, Query(max_length=64)] = "") -> Response:
    """A file of the page."""
    return static_file(name, v)


async def error_page(request: Request, problem: Problem) -> Response:
    """Say why there is no page, with the search box as it was, so that it can be mended."""
    params = parse_qs(urlsplit(str(request.url)).query)
    asked = Asked(params.get("q", [""])[0][:2000], params.get("where", [""])[0][:2000])
    said, shown = split_message(problem.message)
    then = f"{request.url.path}?{request.url.query}" if request.method == "GET" else "/"
    content = {"problem": problem, "said": said, "shown": shown, "asked": asked, "then": then}
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after else {}
    if request.headers.get("Par-Part"):
        return page(request, "part_error.html", content, problem.status, headers)
    return page(request, "error.html", content, problem.status, headers)


async def _answer(session: UserSession, asked: Asked, offset: int) -> SearchPage:
    return await session.search(
        asked.q or None,
        where=asked.where or None,
        top=_A_PAGE,
        offset=offset,
        absent=asked.absent,
        weak=asked.weak,
    )


def _content(session: UserSession, asked: Asked, answer: SearchPage | None) -> Mapping[str, Any]:
    return {
        "asked": asked,
        "found": found_of(asked, answer) if answer else None,
        "versions": answer.versions if answer else None,
        "running": session.app_state.service.store.is_held(),
        "examples": [(each, Asked(each).url()) for each in EXAMPLES],
    }
