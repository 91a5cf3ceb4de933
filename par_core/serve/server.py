"""A socket, and the server that answers on it."""

import asyncio
import ipaddress
import os
import socket
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from par_core.errors import BadConfigError

__all__ = ["address_of", "bind", "is_local", "make_server"]

_BACKLOG: Final = 256
_GRACE_S: Final = 5  # requests under way may take so long once the server is to stop
_HEAD_S: Final = 10  # in which the head of a request must have come


def bind(host: str, port: int) -> socket.socket:
    """Take a port: connections wait from then on until the server answers.

    Args:
        host: Name or address of this machine.
        port: 0 takes one that is free.

    Raises:
        BadConfigError: The port is taken, or the host is not this machine's.
    """
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as error:
        reason = (
            os.strerror(error.errno)
            if error.errno is not None and error.errno > 0
            else error.strerror or str(error)
        )
        raise BadConfigError(
            f"cannot answer on {host} port {port}: {reason}; choose another with --port (or --host)"
        ) from error


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens on a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_of(listening: socket.socket, host: str) -> str:
    """Return the address for a browser: with the host as given, or with this machine's name where all its
    addresses are answered.
    """
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - compared, not bound
    return f"http://{name}:{listening.getsockname()[1]}"


def make_server(app: FastAPI) -> uvicorn.Server:
    """Return a server for the application; ``run(sockets=[...])`` answers until Ctrl-C or SIGTERM.

    A reverse proxy on the same machine may name the client (X-Forwarded-For); no other may.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            http=_Punctual,
            ws="none",
        )
    )


class _Punctual(H11Protocol):
    """HTTP that closes a connection on which the head of a request does not come: uvicorn waits for ever, and
    connections are few.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late = self.loop.call_later(_HEAD_S, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._let_be()
        elif self._late is None:  # the next request has begun
            self._late = self.loop.call_later(_HEAD_S, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_be()
        super().connection_lost(exc)

    def _let_be(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
