"""The pages of hunts: start one, judge people, see how many are left. For callers who may judge."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from fastapi.responses import RedirectResponse, Response

from par_core.errors import BadConfigError
from par_core.serve.page_look import page
from par_core.serve.page_query import Asked
from par_core.serve.problems import UnknownIdError
from par_core.serve.reviews import Hunts, HuntState
from par_core.serve.user_session import Desk, desk_for

__all__ = ["router"]

T = TypeVar("T")

router = APIRouter(prefix="/hunts", include_in_schema=False)

Judging = Annotated[Desk, Depends(desk_for("judge"))]
Part = Annotated[str | None, Header(alias="Par-Part", max_length=16)]


async def hunts_of(request: Request, desk: Judging) -> Hunts:
    """The hunts of the application's store."""
    if not hasattr(request.app.state, "hunts"):
        request.app.state.hunts = Hunts(desk.house.service)
    hunts: Hunts = request.app.state.hunts
    return hunts


Open = Annotated[Hunts, Depends(hunts_of)]


@router.get("")
async def listed(
    request: Request,
    desk: Judging,
    hunts: Open,
    text: Annotated[str, Query(max_length=1000)] = "",
    where: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """The hunts there are, and a form to start one."""
    records = await desk.house.searches.run(hunts.records)
    return page(request, "hunts.html", {"records": records, "asked": Asked(), "text": text, "where": where})


@router.post("")
async def start(desk: Judging, hunts: Open, text: Annotated[str, Form(max_length=1000)], where: Annotated[str, Form(max_length=2000)] = "") -> Response:
    """Start a hunt and go to it."""
    what = text + (f"; where: {where}" if where.strip() else "")
    name = await _recorded(desk, what, lambda: hunts.start(text, where.strip() or None))
    return RedirectResponse(f"/hunts/{name}", 303)


@router.get("/{name}")
async def judge(request: Request, desk: Judging, hunts: Open, name: str, part: Part = None) -> Response:
    """People to judge."""
    return _shown(request, part, await _recorded(desk, name, lambda: _known(hunts, name)))


@router.post("/{name}/answers")
async def answer(
    request: Request,
    desk: Judging,
    hunts: Open,
    name: str,
    judged: Annotated[str, Form(max_length=100, description="ID:yes, ID:no, ID:skip, or rest.")],
    part: Part = None,
) -> Response:
    """Judge somebody, or all that still wait."""
    person_id, _, word = judged.partition(":")
    what = f"{name}: {judged}"
    state = await _recorded(desk, what, lambda: hunts.answer_rest(name) if judged == "rest" else hunts.answer(name, person_id, word))
    return _shown(request, part, state, posted=True)


@router.post("/{name}/undo")
async def undo(request: Request, desk: Judging, hunts: Open, name: str, part: Part = None) -> Response:
    """Take the latest answer back."""
    return _shown(request, part, await _recorded(desk, f"{name}: undo", lambda: hunts.undo(name)), posted=True)


def _known(hunts: Hunts, name: str) -> HuntState:
    try:
        return hunts.state(name)
    except BadConfigError as error:
        raise UnknownIdError(str(error)) from error


def _shown(request: Request, part: str | None, state: HuntState, *, posted: bool = False) -> Response:
    if part == "hunt":
        return page(request, "part_hunt.html", {"state": state})
    if posted:
        return RedirectResponse(f"/hunts/{state.record.name}", 303)
    return page(request, "hunt.html", {"state": state, "asked": Asked()})


async def _recorded(desk: Desk, what: str, work: Callable[[], T]) -> T:
    """Do something with a hunt, and write it to the audit log."""

    def recorded() -> T:
        with desk.house.access.recording(desk.caller, "hunt", what, how=desk.how, source=desk.source):
            return work()

    return await desk.house.searches.run(recorded)
