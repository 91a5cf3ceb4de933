"""Where processes that this one starts print to."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["children_print_to"]


@contextlib.contextmanager
def children_print_to(log: Path) -> Iterator[None]:
    """For the length of the block, a file takes the standard error of processes that are started; this
    process's own goes where it did.

    Worker processes print when they are ended while they start, and libraries print what nobody asked for;
    what goes wrong in a task comes back with its result. Messages of this process stay whole and in order.
    """
    before = sys.stderr
    before.flush()
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        with os.fdopen(
            os.dup(kept), "w", buffering=1, encoding=before.encoding, errors=before.errors
        ) as sys.stderr:
            yield
    finally:
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)
        if not log.stat().st_size:
            log.unlink()
