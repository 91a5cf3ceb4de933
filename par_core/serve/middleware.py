"""The checks of every request, and the headers of every response. Plain ASGI, so that bodies are counted
while they arrive.

Caller   Where no token is needed, only this machine is answered, however far the server can be reached: the
         file of tokens may be deleted while it runs. Where one is needed, no request without a token may
         have a body, except to log in.
Host     Where no token is needed, only names of this machine are answered: another site's name that was made
         to point here (DNS rebinding) is not.
Origin   A request that changes something must come from the server's own page, or bear a token in its header.
Size     The body may not be too large, nor arrive too slowly.
Rate     Each client may send so many requests a minute.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from par_core.access import Caller
from par_core.serve.app_state import AppState
from par_core.serve.problems import (
    UNKNOWN_CALLER,
    ForbiddenError,
    ServeError,
    TooLargeError,
    TooManyError,
    UnauthorizedError,
)
from par_core.serve.rate import Rate

__all__ = ["AccessMiddleware"]

_log = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src"
        " 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE: Final = frozenset(["GET", "HEAD", "OPTIONS"])
_LOCAL: Final = frozenset(["localhost", "127.0.0.1", "::1"])
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
_SMALL_BODY: Final = 64 * 2**10  # bytes; only pictures are larger
_FORM_BYTES: Final = 16 * 2**10  # around an uploaded picture
_SLOWEST: Final = 16 * 2**10  # bytes of a body a second, after the first seconds


class AccessMiddleware:
    """ASGI middleware.

    Args:
        app: The application behind it.
        app_state: State of the application.
        respond: Returns the response of an error.
    """

    def __init__(
        self, app: ASGIApp, app_state: AppState, respond: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._app_state = app_state
        self._respond = respond
        self._rate = Rate(app_state.settings.requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, started = Request(scope), False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            request.state.caller = None
            request.state.caller = self._app_state.caller_of(request)
            self._check(request)
            await self._app(scope, self._counted(request, receive), answer)
        except Exception as error:  # noqa: BLE001 - the last stop before the client
            if not isinstance(error, ServeError):
                # quoted: it may hold what moves a terminal
                _log.exception("%s %r", request.method, request.scope["path"])
            if not started:
                await (await self._respond(request, error))(scope, receive, answer)

    def _check(self, request: Request) -> None:
        headers = request.headers
        if self._app_state.open_to_all and not _is_here(request):
            raise ForbiddenError(
                "no token is needed yet, so only the server's own machine is answered; make one with: par"
                " tokens add NAME --role search"
            )
        if self._app_state.open_to_all and _name(headers.get("host", "")) not in _LOCAL:
            raise ForbiddenError(
                "this server answers on this machine only: open it as http://localhost, or http://127.0.0.1"
            )
        if self._app_state.open_to_all and any(name in headers for name in _PASSED_ON):
            raise ForbiddenError(
                "a proxy has passed this request on, and no token is needed yet; make one with: par tokens"
                " add NAME --role search"
            )
        if request.method not in _SAFE and not headers.get("authorization", "").lower().startswith("bearer "):
            _require_own_origin(headers)
        if request.method not in _SAFE and request.state.caller is None and request.scope["path"] != "/login":
            raise UnauthorizedError(UNKNOWN_CALLER)
        length = headers.get("content-length", "")
        # anything else is counted as it comes
        if length.isascii() and length.isdigit() and int(length) > self._most_bytes(request):
            raise _too_large(self._most_bytes(request))
        if not request.url.path.startswith("/static/") and not self._rate.take(self._client(request)):
            raise TooManyError(
                f"more than {self._app_state.settings.requests_per_minute} requests a minute; wait a few"
                " seconds"
            )

    def _client(self, request: Request) -> str:
        """Return the account of a client: one for each token, wherever its bearers are, or else one for each
        address.
        """
        caller: Caller | None = request.state.caller
        if caller is not None and not self._app_state.open_to_all:
            return f"token {caller.name}"
        return f"address {request.client.host}" if request.client else ""

    def _most_bytes(self, request: Request) -> int:
        return (
            self._app_state.settings.upload_bytes + _FORM_BYTES if _is_form(request.headers) else _SMALL_BODY
        )

    def _counted(self, request: Request, receive: Receive) -> Receive:
        """Return a reader of the body that raises once the body is larger than allowed, whatever its headers
        said, or once it arrives too slowly.
        """
        most, seconds, got, complete, started = (
            self._most_bytes(request),
            self._app_state.settings.seconds,
            0,
            False,
            time.monotonic(),
        )

        async def counted() -> Message:
            nonlocal got, complete
            if complete:  # the only message left is that the client has disconnected
                return await receive()
            try:
                message = await asyncio.wait_for(
                    receive(), started + seconds + got / _SLOWEST - time.monotonic()
                )
            except TimeoutError as error:
                raise HTTPException(
                    408, f"the body came too slowly: {got} bytes in {time.monotonic() - started:.0f} seconds"
                ) from error
            got += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if got > most:
                raise HTTPException(413, str(_too_large(most)))
            return message

        return counted


def _is_here(request: Request) -> bool:
    """Whether a request comes from this machine."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_form(headers: Headers) -> bool:
    """Whether the headers of a body declare a form with files."""
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def _require_own_origin(headers: Headers) -> None:
    origin = headers.get("origin")
    if origin is None:
        raise ForbiddenError(
            "a request that changes something must say where it comes from: send the header Origin, or a"
            " token in the header Authorization"
        )
    if origin == "null" or urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise ForbiddenError(
            f"this request comes from another site ({origin}); only PAR's own page may make it"
        )


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {most} bytes, which is all that is taken")


def _name(host: str) -> str:
    """Return the name of a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
