"""Redirection of the standard error of child processes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["children_print_to"]


@contextlib.contextmanager
def children_print_to(log: Path) -> Iterator[None]:
    """For the length of the block, append the standard error of new child processes to a file; that of this
    process stays as it is.

    Worker processes that are ended while they start print tracebacks, and libraries print noise; the errors
    of tasks come back with their results. Messages of this process stay whole and in order.
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
