"""Log-in and log-out of a browser: the token goes into a cookie that scripts cannot read and other
sites cannot use.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from par_core.serve.app_state import COOKIE, AppState
from par_core.serve.problems import UnauthorizedError

__all__ = ["router"]

_SECONDS: Final = 12 * 60 * 60  # after which the token must be given again

router = APIRouter(include_in_schema=False)


@router.post("/login")
async def login(
    request: Request,
    token: Annotated[str, Form(max_length=200)],
    then: Annotated[str, Form(max_length=4000)] = "/",
) -> Response:
    """Keep a valid token for this browser, and go on to a page of this server."""
    app_state: AppState = request.app.state.app_state
    caller = await run_in_threadpool(app_state.access.caller_of, token.strip())
    if caller is None:
        raise UnauthorizedError(
            "this token is not valid (any more); ask the person who runs this server for another"
        )
    response = RedirectResponse(_own(then), 303)
    response.set_cookie(
        COOKIE,
        token.strip(),
        max_age=_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.get("/login")
async def login_page() -> Response:
    """Redirect to the start page: the form is on every page that needs a token."""
    return RedirectResponse("/", 303)


@router.post("/logout")
async def logout() -> Response:
    """Delete the token of this browser."""
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _own(place: str) -> str:
    """Return the path if it is one of this server, otherwise the start page."""
    inside = (
        place.startswith("/")
        and not place.startswith(("//", "/\\"))
        and all(" " < character < "\x7f" for character in place)
    )
    return place if inside else "/"
