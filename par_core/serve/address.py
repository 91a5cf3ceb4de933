"""Where the server of a store can be reached: ``server.json`` in the store.

The server holds a lock on the file as long as it runs, and the kernel drops the lock with the process: a file
that nobody holds is of a server that has ended, however it did. The port of one that lives is its own.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

__all__ = ["ServerAddress", "announced", "local_address", "server_of"]

_FILE: Final = "server.json"
_TRIES: Final = 10
_PAUSE_S: Final = 0.02
_EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server of a store.

    Attributes:
        url: Its address, as this machine reaches it.
        pid: Its process.
        host: Name of its machine.
    """

    url: str
    pid: int
    host: str


@contextlib.contextmanager
def announced(root: Path, url: str) -> Iterator[str]:
    """Say in a store, for the length of the block, where its server is.

    Args:
        root: Folder of the store.
        url: Address of the server.

    Yields:
        Why nothing is said: another server of this store is announced already, or the file cannot be written;
        empty otherwise.
    """
    try:
        descriptor = os.open(root / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        yield f"{root / _FILE} cannot be written: {error.strerror}"
        return
    try:
        if not _taken(descriptor):
            yield "another server of this store is announced"
            return
        address = ServerAddress(url, os.getpid(), socket.gethostname())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(address)).encode(), 0)
        try:
            yield ""
        finally:
            os.ftruncate(descriptor, 0)  # not deleted: another server may wait for this very file
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now; those who only look hold it for a moment."""
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_S)
    return False


def server_of(root: Path) -> ServerAddress | None:
    """Return the server of a store that runs on this machine now, or None.

    Args:
        root: Folder of the store.
    """
    try:
        with (root / _FILE).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                content = json.loads(file.read())
            else:  # nobody holds it
                return None
        address = ServerAddress(str(content["url"]), int(content["pid"]), str(content["host"]))
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that is just starting
        return None
    return address if address.host == socket.gethostname() else None


def local_address(listening: socket.socket, host: str) -> str:
    """Return the address by which this machine reaches a server, whose own name it may not know.

    Args:
        listening: The socket of the server.
        host: The host that it was started with.
    """
    name = "127.0.0.1" if host in _EVERY_ADDRESS else f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"
