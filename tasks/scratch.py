"""A folder of this machine for the length of a task, deleted at its end, or by the next task if this one is
killed.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["scratch_folder"]

_PREFIX: Final = "par-task-"
_LOCK: Final = "lock"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Provide an empty folder below ``TMPDIR`` that only this user can read.

    Folders that killed processes of this user left there are deleted first: they are known by a lock that
    nobody holds.
    """
    _delete_left()
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        with (folder / f".{_LOCK}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f".{_LOCK}").rename(folder / _LOCK)  # with the lock, so that it is never seen without
            (folder / "store").mkdir()
            yield folder / "store"


def _delete_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid != os.geteuid():
                continue
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
