"""The bytes of an archive, on a disk or behind a URL, read so that trouble with the storage is never taken
for a damaged archive.

``zipfile``, ``tarfile`` and the decompressors raise or catch OSError where the content is wrong. So the files
here raise errors of PAR's own when reading itself fails, which pass through those libraries.
"""

import errno
import io
import os
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from par_core.archive.shortage import raise_shortage
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["LocalFile", "OpenContainer", "RawFile", "RemoteFile", "remote_trouble"]

_LARGEST_REQUEST: Final = 8 * 2**20  # bytes
_GAP: Final = 64 * 2**10  # bytes that are cheaper to read than to leave out by another request


class RawFile(io.RawIOBase):
    """A file with a position of its own, of which reading raises TransientError or UnreadableImageError and
    never OSError.

    Args:
        size: Size of the file in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self._position = size, 0

    @abstractmethod
    def read_at(self, position: int, view: memoryview) -> int:
        """Read into ``view`` from a position before the end, and return the number of bytes."""

    @abstractmethod
    def again(self) -> "RawFile":
        """Return the same file opened once more, at its start."""

    def expect(self, spans: Iterable[tuple[int, int]]) -> None:
        """Take note of the bytes (start, end; ascending) that will be read next."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read from the position on."""
        if self._position >= self.size:
            return 0
        n_read = self.read_at(self._position, memoryview(buffer).cast("B"))
        self._position += n_read
        return n_read

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position.

        Raises:
            OSError: It would be before the start; ``zipfile`` expects this of a file that is too short.
        """
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise OSError(errno.EINVAL, f"a position before the start of the file: {position}")
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position."""
        return self._position


class LocalFile(RawFile):
    """A file on a local disk.

    Args:
        descriptor: Descriptor of the open file; closed with this object.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(os.fstat(descriptor).st_size)
        self._descriptor = descriptor

    def read_at(self, position: int, view: memoryview) -> int:
        """Read; an error of the disk is an UnreadableImageError with the status ``io_error``."""
        try:
            return os.preadv(self._descriptor, [view], position)
        except OSError as error:
            raise_shortage(error)
            raise UnreadableImageError(Status.IO_ERROR, f"cannot be read: {error.strerror}") from error

    def again(self) -> "LocalFile":
        """Return the same file, even if another has its name now.

        Raises:
            TransientError: This machine is short of file descriptors.
        """
        try:
            return LocalFile(os.dup(self._descriptor))
        except OSError as error:
            raise_shortage(error)
            raise

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class RemoteFile(RawFile):
    """A file behind a URL, read by ranges; at most 8 MiB of it are held, or as much as is read at once.

    Args:
        files: The file system of fsspec.
        path: Path of the file there.
        size: Its size in bytes.
        ahead: Bytes to fetch where it is not known what will be read.
    """

    def __init__(self, files: Any, path: str, size: int, ahead: int) -> None:
        super().__init__(size)
        self._files, self._path, self._ahead = files, path, ahead
        self._spans: list[tuple[int, int]] = []
        self._start, self._block = 0, b""

    def read_at(self, position: int, view: memoryview) -> int:
        """Read from the bytes that are here, or fetch the next.

        Raises:
            TransientError: The storage cannot be reached, or the connection was lost.
            UnreadableImageError: The file is gone, or may not be read.
        """
        if not self._start <= position < self._start + len(self._block):
            self._fetch(position, len(view))
        at = position - self._start
        piece = self._block[at : at + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    def again(self) -> "RemoteFile":
        """Return the same file; of what was fetched nothing is shared."""
        return RemoteFile(self._files, self._path, self.size, self._ahead)

    def expect(self, spans: Iterable[tuple[int, int]]) -> None:
        """Fetch these bytes with as few requests as possible, when the first of them is read."""
        self._spans = []
        for start, end in spans:
            if self._spans and start - self._spans[-1][1] <= _GAP:
                self._spans[-1] = self._spans[-1][0], max(end, self._spans[-1][1])
            else:
                self._spans.append((start, end))

    def _fetch(self, start: int, wanted: int) -> None:
        ends = (end for first, end in self._spans if first <= start < end)
        end = min(next(ends, start + max(wanted, self._ahead)), start + _LARGEST_REQUEST, self.size)
        try:
            self._block = self._files.cat_file(self._path, start=start, end=end)
        except Exception as error:
            raise remote_trouble(error, self._path) from error
        self._start = start


def remote_trouble(error: Exception, name: str) -> TransientError | UnreadableImageError:
    """Return what a backend's error means: of the file if it is gone or may not be read; else trouble of the
    storage or the connection, which may pass.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    raise_shortage(error)
    if isinstance(error, FileNotFoundError):
        return UnreadableImageError(Status.VANISHED, f"cannot be read: {error}"[:300])
    if isinstance(error, PermissionError):
        return UnreadableImageError(Status.PERMISSION, f"cannot be read: {error}"[:300])
    reason = str(error) or type(error).__name__
    return TransientError(f"{name} cannot be read to its end: {reason}"[:300])


@dataclass(frozen=True, slots=True)
class OpenContainer:
    """An archive that is open for reading.

    Attributes:
        uri: Its uri; the ending distinguishes zip from tar.
        raw: Its bytes.
        file: Its bytes, buffered.
        version: Text that changes when the archive does: modification time or ETag.
    """

    uri: str
    raw: RawFile
    file: io.BufferedReader
    version: str

    @classmethod
    def of(cls, uri: str, raw: RawFile, version: str) -> "OpenContainer":
        """Return an archive of which the bytes are given."""
        return cls(uri, raw, io.BufferedReader(raw), version)

    @property
    def key(self) -> tuple[str, int, str]:
        """What distinguishes this state of the archive from an earlier one."""
        return self.uri, self.raw.size, self.version

    @property
    def is_zip(self) -> bool:
        """Whether it is a zip, and not a tar."""
        return self.uri.lower().endswith(".zip")
