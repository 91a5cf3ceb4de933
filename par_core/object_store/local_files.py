"""Which files of a folder belong to a version of the store, and which have changed since."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from par_core.object_store.copy_state import Mark
from par_core.object_store.names import COPY

__all__ = ["RECORDS", "changed", "files_below", "is_of_version", "versioned_files"]

#: Folders of files that many hosts change, and that are in no version.
RECORDS: Final = ("access", "reviews", "searches", "tags")
_OF_THE_HOST: Final = ("workers.log", "run.lock", "server.json", "work/progress.json", COPY)
# partial files and folders, those that were put aside, LanceDB's, marks of workers, locks, SQLite's
_PASSING: Final = re.compile(
    r"\..+\.(partial|old)|\.tmp.*|.+\.begun|.+\.lock|.+\.db-(journal|wal|shm)", re.DOTALL
)


def is_of_version(path: str) -> bool:
    """Whether a file belongs to a version of the store: no record, and nothing of this host alone.

    >>> [is_of_version(path) for path in ("status.json", "access/tokens.json", "work/1f.1.begun")]
    [True, False, False]
    """
    parts = path.split("/")
    return (
        parts[0] not in RECORDS
        and parts[0] not in _OF_THE_HOST
        and path not in _OF_THE_HOST
        and not any(_PASSING.fullmatch(part) for part in parts)
    )


def versioned_files(root: Path) -> Iterator[tuple[str, Mark]]:
    """Yield the files of a folder that belong to a version, and how they look."""
    yield from _walked(root, "", is_of_version)


def files_below(root: Path, name: str) -> Iterator[tuple[str, Mark]]:
    """Yield the files in a folder of a folder, but for locks and partial ones."""
    if (root / name).is_dir():
        yield from _walked(root / name, f"{name}/", lambda path: not _PASSING.fullmatch(path.split("/")[-1]))


def _walked(folder: Path, prefix: str, belongs: Callable[[str], bool]) -> Iterator[tuple[str, Mark]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:  # a folder that has just been renamed or deleted
        return
    for entry in entries:
        path = prefix + entry.name
        if not belongs(path):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walked(Path(entry.path), f"{path}/", belongs)
            else:
                yield path, Mark.of(entry.stat())
        except FileNotFoundError:
            continue


def changed(now: Mapping[str, Mark], before: Mapping[str, Mark]) -> tuple[list[str], list[str]]:
    """Return the paths that are new or look different, and those that are gone, in order."""
    return (
        sorted(path for path, mark in now.items() if before.get(path) != mark),
        sorted(path for path in before if path not in now),
    )
