"""Files that only their owner may read, changed by one process at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from par_core import locks
from par_core.atomic import write_atomic

__all__ = ["locked", "private_folder", "write_private"]

_OWNER_ONLY: Final = 0o600


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; an existing folder keeps its mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold a lock file: other processes and threads wait until the block ends."""
    private_folder(lock.parent)
    with locks.locked(lock, mode=_OWNER_ONLY):
        yield


def write_private(path: Path, content: bytes) -> None:
    """Write a file atomically and synced. Only its owner may read it, from the first byte on."""
    private_folder(path.parent)
    write_atomic(path, content, mode=_OWNER_ONLY)
