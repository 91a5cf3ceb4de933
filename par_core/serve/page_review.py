"""The pages of reviews: start one, judge people, see how many are left. For the role reviewer."""

from collections.abc import Callable
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import RedirectResponse, Response

from par_core.errors import BadConfigError
from par_core.serve.page_look import page
from par_core.serve.page_query import PageQuery
from par_core.serve.problems import UnknownIdError
from par_core.serve.reviews import Reviews, ReviewState
from par_core.serve.user_session import UserSession, session_for

__all__ = ["router"]

T = TypeVar("T")

router = APIRouter(prefix="/reviews", include_in_schema=False)
before = APIRouter(include_in_schema=False)

Reviewer = Annotated[UserSession, Depends(session_for("reviewer"))]
Part = Annotated[str | None, Header(alias="Par-Part", max_length=16)]


@before.api_route("/hunts{rest:path}", methods=["GET", "POST"])
async def moved(request: Request, rest: str) -> Response:
    """Redirect from the address of these pages in the release before."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/reviews{quote(rest)}{query}", 308)


async def reviews_of(request: Request, session: Reviewer) -> Reviews:
    """Return the reviews of the application's store."""
    if not hasattr(request.app.state, "reviews"):
        request.app.state.reviews = Reviews(session.app_state.service)
    reviews: Reviews = request.app.state.reviews
    return reviews


Open = Annotated[Reviews, Depends(reviews_of)]


@router.get("")
async def listed(
    request: Request,
    session: Reviewer,
    reviews: Open,
    text: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Return the list of reviews, and a form to start one."""
    records = await session.app_state.searches.run(reviews.records)
    return page(
        request, "reviews.html", {"records": records, "query": PageQuery(), "text": text, "where": where}
    )


@router.post("")
async def start(
    session: Reviewer,
    reviews: Open,
    text: Annotated[str, Form(max_length=1000)],
    where: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Start a review and go to it."""
    what = text + (f"; where: {where}" if where.strip() else "")
    name = await _recorded(session, what, lambda: reviews.start(text, where.strip() or None))
    return RedirectResponse(f"/reviews/{name}", 303)


@router.get("/{name}")
async def show(request: Request, session: Reviewer, reviews: Open, name: str, part: Part = None) -> Response:
    """Return the people to judge."""
    return _shown(request, part, await _recorded(session, name, lambda: _known(reviews, name)))


@router.post("/{name}/answers")
async def answer(
    request: Request,
    session: Reviewer,
    reviews: Open,
    name: str,
    judged: Annotated[str, Form(max_length=100, description="ID:yes, ID:no, ID:skip, or rest.")],
    part: Part = None,
) -> Response:
    """Judge one person, or all that still wait."""
    person_id, _, word = judged.partition(":")
    what = f"{name}: {judged}"
    state = await _recorded(
        session,
        what,
        lambda: reviews.answer_rest(name) if judged == "rest" else reviews.answer(name, person_id, word),
    )
    session.app_state.metrics.judged(word or "rest")  # the review has taken it, so it is one of its words
    return _shown(request, part, state, posted=True)


@router.post("/{name}/undo")
async def undo(request: Request, session: Reviewer, reviews: Open, name: str, part: Part = None) -> Response:
    """Take the latest answer back."""
    return _shown(
        request, part, await _recorded(session, f"{name}: undo", lambda: reviews.undo(name)), posted=True
    )


def _known(reviews: Reviews, name: str) -> ReviewState:
    try:
        return reviews.state(name)
    except BadConfigError as error:
        raise UnknownIdError(str(error)) from error


def _shown(request: Request, part: str | None, state: ReviewState, *, posted: bool = False) -> Response:
    if part == "review":
        return page(request, "part_review.html", {"state": state})
    if posted:
        return RedirectResponse(f"/reviews/{state.record.name}", 303)
    return page(request, "review.html", {"state": state, "query": PageQuery()})


async def _recorded(session: UserSession, what: str, work: Callable[[], T]) -> T:
    """Run a change of a review, and write it to the audit log."""

    def recorded() -> T:
        with session.app_state.access.recording(
            session.caller, "review", what, how=session.how, source=session.source
        ):
            return work()

    return await session.app_state.searches.run(recorded)
