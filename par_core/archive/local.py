"""Files and archives on a local disk, opened and read."""

import errno
import os
import stat
from typing import Final

from par_core.archive.entries import path_of
from par_core.archive.raw_files import LocalFile, OpenContainer
from par_core.archive.shortage import raise_shortage
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["open_local_container", "read_local"]

_KNOWN: Final = {
    errno.ENOENT: Status.VANISHED,
    errno.ENOTDIR: Status.VANISHED,
    errno.EACCES: Status.PERMISSION,
    errno.EPERM: Status.PERMISSION,
    errno.ELOOP: Status.SYMLINK_LOOP,
}


def open_local_container(uri: str) -> OpenContainer:
    """Open an archive.

    Raises:
        UnreadableImageError: It is gone, no file, or may not be read.
        TransientError: This machine is short of file descriptors.
    """
    descriptor = _open(path_of(uri))
    raw = LocalFile(descriptor)
    return OpenContainer.of(uri, raw, str(os.fstat(descriptor).st_mtime_ns))


def read_local(uri: str, max_bytes: int) -> bytes | UnreadableImageError:
    """Read a file whole.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    try:
        descriptor = _open(path_of(uri))
    except UnreadableImageError as error:
        return error
    with os.fdopen(descriptor, "rb") as file:
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


def _open(path: bytes) -> int:
    """Open a regular file for reading; never wait on a pipe or device with a picture's or archive's name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(error) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise UnreadableImageError(Status.DAMAGED, "not a file any more")


def _unreadable(error: OSError) -> UnreadableImageError:
    raise_shortage(error)
    return UnreadableImageError(
        _KNOWN.get(error.errno or 0, Status.IO_ERROR), f"cannot be read: {error.strerror}"
    )
