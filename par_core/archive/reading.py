"""Reading the bytes of entries: every entry exactly once, containers opened once, errors as values."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from par_core.archive.canonical import split_member
from par_core.archive.entries import Entry, path_of
from par_core.archive.members import read_members
from par_core.archive.remote import is_remote, read_remote, read_remote_members
from par_core.archive.shortage import raise_shortage
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["read_entries"]

Content = bytes | UnreadableImageError


def read_entries(entries: Iterable[Entry], config: ArchiveConfig) -> Iterator[tuple[Entry, Content]]:
    """Read entries, grouped by their places.

    Args:
        entries: Entries of any sources, in any order; no uri twice.
        config: Settings with the limit on bytes.

    Yields:
        Each entry once, with its bytes or its error.

    Raises:
        TransientError: A remote storage cannot be reached at all, or this machine is short of memory or of
            file descriptors.
    """
    files: list[Entry] = []
    urls: dict[str, list[Entry]] = {}
    members: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        container, name = split_member(entry.uri)
        if entry.status is not Status.OK:
            yield entry, UnreadableImageError(entry.status, entry.message)
        elif container is not None:
            members.setdefault(container, {})[name] = entry
        elif is_remote(entry.uri):
            urls.setdefault(entry.uri.split("://")[0], []).append(entry)
        else:
            files.append(entry)
    for entry in files:
        yield entry, _checked(_read_file(path_of(entry.uri), config.max_bytes))
    for group in urls.values():
        yield from ((entry, _checked(content)) for entry, content in read_remote(group, config.max_bytes))
    for container, wanted in members.items():
        yield from (
            (wanted[name], _checked(content))
            for name, content in _read_container(container, list(wanted), config.max_bytes)
        )


def _read_container(container: str, names: list[str], max_bytes: int) -> Iterator[tuple[str, Content]]:
    if is_remote(container):
        yield from read_remote_members(container, names, max_bytes)
        return
    file = _opened(path_of(container))
    if isinstance(file, UnreadableImageError):
        yield from ((name, file) for name in names)
        return
    with file:
        yield from read_members(file, container, names, max_bytes)


def _opened(path: bytes) -> BinaryIO | UnreadableImageError:
    """Open a regular file for reading; never wait on a pipe or device with a picture's or archive's name."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        return _unreadable(error)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return UnreadableImageError(Status.DAMAGED, "not a file any more")


def _read_file(path: bytes, max_bytes: int) -> Content:
    file = _opened(path)
    if isinstance(file, UnreadableImageError):
        return file
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            return UnreadableImageError(
                Status.TOO_LARGE, f"{size} bytes, {max_bytes} are allowed (archive.max_bytes)"
            )
        try:
            return file.read(max_bytes + 1)
        except MemoryError as error:
            raise TransientError("out of memory while a file was read") from error
        except OSError as error:
            return _unreadable(error)


def _checked(content: Content) -> Content:
    return UnreadableImageError(Status.EMPTY, "zero bytes") if content == b"" else content


def _unreadable(error: OSError) -> UnreadableImageError:
    raise_shortage(error)
    known = {
        errno.ENOENT: Status.VANISHED,
        errno.ENOTDIR: Status.VANISHED,
        errno.EACCES: Status.PERMISSION,
        errno.EPERM: Status.PERMISSION,
        errno.ELOOP: Status.SYMLINK_LOOP,
    }
    return UnreadableImageError(
        known.get(error.errno or 0, Status.IO_ERROR), f"cannot be read: {error.strerror}"
    )
