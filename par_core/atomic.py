"""Write files and folders so that they are complete or absent.

Everything is first written beside its place under a hidden name, ``.NAME.<16 hexadecimal digits>.partial``.
A killed process leaves only that, and ``remove_partials`` deletes it.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = [
    "ABANDONED_S",
    "folder_aside",
    "partial_name",
    "remove_partials",
    "sync_files",
    "sync_folder",
    "write_aside",
    "write_atomic",
]

#: Seconds without a change after which a partial file counts as left by a killed process, where no lock shows
#: that.
ABANDONED_S: Final = 3600.0
# torch.hub adds an ending of its own to the name, so that the ending may occur twice
_PARTIAL: Final = re.compile(r"\.(.+?)(?:\.[0-9a-f]+\.partial)+", re.DOTALL)


def partial_name(path: Path) -> Path:
    """Return a name beside ``path`` for a file or folder that is not complete yet.

    No two processes choose the same one, not even on two hosts with one shared folder.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")


def write_atomic(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file that is complete or absent, also after a power cut.

    Args:
        path: The file; its folder is made where it is missing.
        content: The whole content.
        mode: Permissions from the first byte on, less the umask.
    """
    with write_aside(path, mode=mode) as partial:
        partial.write_bytes(content)


@contextmanager
def write_aside(path: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """Provide an empty file to fill in the block. It gets its name at the end, synced; after an error it is
    deleted.

    Args:
        path: The name that it takes, in place of a file that has it; the folder is made where it is missing.
        mode: Permissions from the first byte on, less the umask.

    Yields:
        The path to write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield partial
        _sync(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextmanager
def folder_aside(path: Path, *, check: Callable[[], None] = lambda: None) -> Iterator[Path]:
    """Provide an empty folder to fill in the block. It gets its name at the end; after an error it is
    deleted.

    A folder that has the name is deleted once the new one is in its place. It is moved aside just before,
    since a file system cannot replace one that holds something; where the new one cannot take the name, it
    is moved back. A process that is killed between the renames leaves it as ``.NAME.<digits>.old``, which
    nothing deletes. Files in the folder are synced only if the block does that.

    Args:
        path: The name that it takes; its parents are made where they are missing.
        check: Called just before the renames; raises where the name was taken meanwhile.

    Yields:
        The folder to fill.
    """
    partial = partial_name(path)
    old = partial.with_suffix(".old")
    partial.mkdir(parents=True)
    try:
        yield partial
        check()
        if path.exists():
            path.rename(old)
        try:
            partial.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
        _sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def remove_partials(folder: Path, *, of: str | None = None, idle_s: float = 0.0) -> None:
    """Delete partial files and folders that killed processes left in a folder.

    Args:
        folder: The folder; it may be missing. Its subfolders are not looked at.
        of: Only those of one file or folder, by the name that it would have taken.
        idle_s: Only those that did not change for so many seconds; 0 where a lock keeps other writers out.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _PARTIAL.fullmatch(path.name)
        if match and of in (None, match[1]) and (not idle_s or time.time() - _last_change(path) > idle_s):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(PermissionError):  # another user's
                    path.unlink(missing_ok=True)


def sync_files(paths: Iterable[Path]) -> None:
    """Make the contents and the names of many files outlast a power cut: quicker than one by one as they are
    written.
    """
    files = list(paths)
    for path in (*files, *dict.fromkeys(path.parent for path in files)):
        _sync(path)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder outlast a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_change(path: Path) -> float:
    """Return the time of the last change of a file, or of anything in a folder; now, if it cannot be read."""
    try:
        return max(changed.lstat().st_mtime for changed in (path, *path.rglob("*")))
    except OSError:
        return time.time()
