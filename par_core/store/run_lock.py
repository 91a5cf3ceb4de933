"""The lock of the one writer of a store: ``run.lock``. It goes with its process, however that ends."""

import contextlib
import fcntl
import time
from typing import IO, Final

__all__ = ["lock_for_a_look", "lock_for_writing"]

_TRIES: Final = 25
_PAUSE_S: Final = 0.02


def lock_for_writing(file: IO[str]) -> bool:
    """Lock an open file until it is closed; False if another process writes. Looks are waited for."""
    return _locked(file, fcntl.LOCK_EX, _TRIES)


def lock_for_a_look(file: IO[str]) -> bool:
    """Lock an open file beside other looks; False if a process writes."""
    return _locked(file, fcntl.LOCK_SH, 1)


def _locked(file: IO[str], kind: int, tries: int) -> bool:
    for attempt in range(tries):
        if attempt:
            time.sleep(_PAUSE_S)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
    return False
