"""The tables of contents of zip files, also of several in one file: ``cat a.zip b.zip`` leaves the table of
``a`` in the middle, and programs read that of ``b`` alone.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from par_core.archive.entries import Place
from par_core.archive.member import LARGEST_SIZE, STORED, Member, unique_name

__all__ = ["ZIP_METHODS", "walk_zip"]

ZIP_METHODS: Final[Mapping[int, str]] = {
    zipfile.ZIP_STORED: STORED,
    zipfile.ZIP_DEFLATED: "deflate",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "lzma",
}
_END: Final = b"PK\5\6"  # of the record that ends a zip file, whose last two bytes count those of a comment
_END_SIZE: Final = 22
_LONGEST_COMMENT: Final = 2**16
_MOST_JOINED: Final = 10_000


def walk_zip(file: io.BufferedIOBase, names: Counter[str]) -> Iterator[Member]:
    """Yield every member: of joined files those of the last file first.

    Args:
        file: The file.
        names: Counts the names; a second member of a name gets ``#2``.

    Raises:
        Whatever zipfile raises for damaged files.
    """
    part: io.BufferedIOBase | _Beginning = file
    for _ in range(_MOST_JOINED):
        with zipfile.ZipFile(part) as archive:
            for info in archive.infolist():
                yield _member(info, names)
            begin = min((info.header_offset for info in archive.infolist()), default=archive.start_dir)
        if begin < _END_SIZE:
            return
        part = _Beginning(file, begin)
        if not _ends_a_zip(part):
            return  # an archive that unpacks itself has a program there
    raise zipfile.BadZipFile(f"more than {_MOST_JOINED} zip files in one")


def _member(info: zipfile.ZipInfo, names: Counter[str]) -> Member:
    method = ZIP_METHODS.get(info.compress_type, f"method {info.compress_type}")
    return Member(
        unique_name(info.filename, names),
        info.filename,
        "directory" if info.filename.endswith("/") else "file",
        min(info.file_size, LARGEST_SIZE),
        f"crc32:{info.CRC:08x}",
        bool(info.flag_bits & 1),
        Place(min(info.header_offset, LARGEST_SIZE), min(info.compress_size, LARGEST_SIZE), method),
    )


def _ends_a_zip(part: "_Beginning") -> bool:
    size = part.seek(0, io.SEEK_END)
    part.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
    tail = part.read()
    at = tail.rfind(_END)
    while at >= 0:
        comment = len(tail) - at - _END_SIZE
        if comment >= 0 and int.from_bytes(tail[at + 20 : at + _END_SIZE], "little") == comment:
            return True
        at = tail.rfind(_END, 0, at)
    return False


class _Beginning(io.RawIOBase):
    """The first bytes of a file, as a file."""

    def __init__(self, file: io.BufferedIOBase, size: int) -> None:
        self._file, self._size, self._at = file, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("a place before the file")  # as of any file; zipfile asks for it
        self._at = start + offset
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        content = self._file.read(min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
