"""An HTTP server in front of another one that fails as networks and object stores do.

Each fault is a function of the request that says what happens to it; the first that says something counts.

As a program it stands before a server on a host of its own, and a file says what it does, from one request to
the next: {"delay_s": 0.3} adds to each request, {"refuses": true} answers all with 503, and {} or no file is
no trouble.

    python -P benchmarks/faulty_proxy.py --listen 0.0.0.0:5000 --target 127.0.0.1:5001 --orders orders.json
"""

import argparse
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

#: ``error``: answered with 503, not passed on; ``cut``: the connection ends before it is passed on; ``lost``:
#: it is passed on, and the answer is lost; ``twice``: it is passed on twice, the second answer counts;
#: ``late``: as ``cut``, and it is passed on after a while; ``short``: half of the answer arrives; ``denied``:
#: answered with 403, not passed on.
Kind = Literal["error", "cut", "lost", "twice", "late", "short", "denied"]
Fault = Callable[["Request"], Kind | None]


@dataclass(frozen=True)
class Request:
    """A request: its method, path, and number from 1."""

    method: str
    path: str
    number: int


@dataclass
class FaultyProxy:
    """The proxy.

    Attributes:
        target: Host and port of the server.
        faults: What fails.
        delay_s: Seconds that are added to every request.
        late_s: Seconds after which a late request arrives.
        away: Whether connections are refused.
        seen: All requests.
    """

    target: tuple[str, int]
    faults: list[Fault] = field(default_factory=list)
    delay_s: float = 0.0
    late_s: float = 0.3
    away: bool = False
    seen: list[Request] = field(default_factory=list)
    url: str = ""
    orders: Path | None = None

    def follow_orders(self) -> None:
        """Take the trouble that the file asks for."""
        if self.orders is None:
            return
        try:
            orders = json.loads(self.orders.read_text())
        except FileNotFoundError:
            orders = {}
        self.delay_s = float(orders.get("delay_s", 0.0))
        self.faults = [lambda _: "error"] if orders.get("refuses") else []

    def fail(self, kind: Kind, method: str, part: str, *, times: int = 1, after: int = 0) -> None:
        """Let some requests fail: of a method, with a text in the path, the first ones after some others."""
        left = [after, times]

        def fault(request: Request) -> Kind | None:
            if request.method != method or part not in request.path:
                return None
            if left[0] > 0:
                left[0] -= 1
                return None
            if left[1] > 0:
                left[1] -= 1
                return kind
            return None

        self.faults.append(fault)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy
    lock = threading.Lock()

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server_end: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        if self.server_end is not None:
            self.server_end.close()
        with contextlib.suppress(OSError):
            super().finish()

    def _handle(self) -> None:
        proxy = self.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.lock:
            proxy.follow_orders()
            request = Request(self.command, self.path, len(proxy.seen) + 1)
            proxy.seen.append(request)
            kind = next((found for fault in proxy.faults if (found := fault(request))), None)
        if proxy.delay_s:
            time.sleep(proxy.delay_s)
        if proxy.away or kind == "cut":
            return self._cut()
        if kind == "error":
            return self._answer(
                503, [("Content-Type", "application/xml")], b"<Error><Code>SlowDown</Code></Error>"
            )
        if kind == "denied":
            return self._answer(
                403, [("Content-Type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>"
            )
        if kind == "late":
            threading.Timer(proxy.late_s, self._passed_on, (body, True)).start()
            return self._cut()
        status, headers, content = self._passed_on(body)
        if kind == "twice":
            status, headers, content = self._passed_on(body)
        if kind == "lost":
            return self._cut()
        return self._answer(status, headers, content, short=kind == "short")

    def _passed_on(self, body: bytes, anew: bool = False) -> tuple[int, list[tuple[str, str]], bytes]:
        if anew or self.server_end is None:
            connection = http.client.HTTPConnection(*self.proxy.target, timeout=60)
            if not anew:
                self.server_end = connection
        else:
            connection = self.server_end
        headers = {key: value for key, value in self.headers.items() if key != "Expect"}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, answer.getheaders(), content

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, short: bool = False
    ) -> None:
        self.send_response_only(status)
        for key, value in headers:
            if key.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(key, value)
        length = [value for key, value in headers if key.lower() == "content-length"]
        self.send_header(
            "Content-Length", length[0] if self.command == "HEAD" and length else str(len(content))
        )
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if short else content)
        if short:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - as http.server calls them


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that clients drop are part of the game."""


def _server_of(proxy: FaultyProxy, address: tuple[str, int]) -> _Server:
    return _Server(address, type("Handler", (_Handler,), {"proxy": proxy}))


@contextlib.contextmanager
def faulty_proxy(target: tuple[str, int]) -> Iterator[FaultyProxy]:
    """Yield a proxy to a server."""
    proxy = FaultyProxy(target)
    server = _server_of(proxy, ("127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Stand before a server until this is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=_address, required=True)
    parser.add_argument("--target", type=_address, required=True)
    parser.add_argument("--orders", type=Path, required=True)
    options = parser.parse_args()
    _server_of(FaultyProxy(options.target, orders=options.orders), options.listen).serve_forever()


if __name__ == "__main__":
    main()
