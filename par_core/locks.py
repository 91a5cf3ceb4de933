"""A lock between processes and threads: ``flock`` on a file beside what it guards.

The kernel drops it with the process, however that ends. ``filelock`` uses the same call but polls, so that
those who wait get no order (docs/decisions/0013-libraries-and-own-code.md).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(lock: Path, *, mode: int = 0o666) -> Iterator[None]:
    """Wait until no other process or thread is in a block with the same lock file, and keep them out.

    Args:
        lock: The file; it is made where it is missing, with its folder, and never deleted.
        mode: Permissions of a file that is made, less the umask.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
