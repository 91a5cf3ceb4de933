"""A line to a server that counts what passes, and that can be cut."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Wire:
    """A TCP proxy on this machine.

    Attributes:
        target: Host and port of the server.
        received: Bytes that the server has sent.
        requests: Number of times that a client has spoken.
        cut_after: Bytes after which the line is cut for good; None for never.
    """

    target: tuple[str, int]
    received: int = 0
    requests: int = 0
    cut_after: int | None = None
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        """Address of this end."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def reset(self, cut_after: int | None = None) -> None:
        """Count from zero."""
        self.received, self.requests, self.cut_after = 0, 0, cut_after

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self._is_cut():
                client.close()
                continue
            server = socket.create_connection(self.target)
            for source, sink, from_server in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=(source, sink, from_server), daemon=True).start()

    def _is_cut(self) -> bool:
        return self.cut_after is not None and self.received >= self.cut_after

    def _pass(self, source: socket.socket, sink: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(2**14):
                if from_server:
                    self.received += len(data)
                else:
                    self.requests += data.startswith((b"GET ", b"HEAD "))
                if self._is_cut():
                    break
                sink.sendall(data)
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def wire_to(target: tuple[str, int]) -> Iterator[Wire]:
    """Yield a line to a server."""
    wire = Wire(target)
    thread = threading.Thread(target=wire.serve, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.listener.shutdown(socket.SHUT_RDWR)
        wire.listener.close()
        thread.join(timeout=5)
