"""A server that takes news, or does not, on a real port."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Received:
    """What came, and how the next requests are answered.

    Attributes:
        statuses: Status of each request to come; the last one answers all further ones.
        location: Where a redirect leads.
        slow_s: Seconds before an answer.
    """

    def __init__(self) -> None:
        self.address = ""
        self.statuses = [200]
        self.location = ""
        self.slow_s = 0.0
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def contents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.requests]


@contextmanager
def receiver() -> Iterator[Received]:
    """A server on a free port of this machine."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, dict(self.headers), body))
            status = received.statuses.pop(0) if len(received.statuses) > 1 else received.statuses[0]
            time.sleep(received.slow_s)
            self.send_response(status)
            if received.location:
                self.send_header("Location", received.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - as http.server calls it

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    received.address = f"http://127.0.0.1:{server.server_port}/hook/SECRETPATH?key=SECRETKEY"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
