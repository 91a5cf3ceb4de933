"""Tar files, walked header by header: plain ones and those that are compressed as a whole, joined ones, and
hard links, which are further names of a file.
"""

import bz2
import gzip
import io
import lzma
import posixpath
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from par_core.archive.entries import Place
from par_core.archive.member import LARGEST_SIZE, STORED, Member, unique_name

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["DECOMPRESSORS", "TarHeader", "ZstdError", "walk_tar"]

ZstdError = zstd.ZstdError
#: How a tar that is compressed as a whole is opened.
DECOMPRESSORS: Final[Mapping[str, Callable[[Any], io.BufferedIOBase]]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zst": lambda file: zstd.ZstdFile(file, options={zstd.DecompressionParameter.window_log_max: _WINDOW}),
}
_MAGIC: Final = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ": "xz",
    b"\x5d\x00\x00\x80": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}
_WINDOW: Final = 27  # of zstd, as a power of two: 128 MB, what its own tools accept
_BLOCK: Final = tarfile.BLOCKSIZE
# bytes of a tar header that only holds names and attributes of the next member; Python reads it as a whole,
# whatever its size
_LONGEST_EXTRA: Final = 2**20
_EXTRA_HEADERS: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def walk_tar(file: io.BufferedReader, names: Counter[str]) -> Iterator[Member]:
    """Yield every member of a tar, in the order of its headers; hard links come last, as the files that they
    are further names of.

    Args:
        file: The archive.
        names: Counts names, so that each becomes unique.

    Raises:
        tarfile.TarError: The archive is damaged; or an error of a decompressor.
    """
    links: dict[str, Member] = {}
    for member in _walk_tar(file, names):
        if member.kind == "link":
            links[member.path] = member
        else:
            yield member
    if links:
        yield from _linked(file, links)


def _linked(file: io.BufferedReader, links: Mapping[str, Member]) -> Iterator[Member]:
    """Yield the links of a tar as the files that they are further names of; the archive is walked again, for
    few have any. A link whose file is not in the archive is a ``lost link``.
    """
    wanted = {_plain(link.target) for link in links.values()}
    file.seek(0)
    files = {
        name: one
        for one in _walk_tar(file, Counter())
        if one.kind == "file" and (name := _plain(one.path)) in wanted
    }
    of_links = {_plain(path): _plain(link.target) for path, link in links.items()}
    for link in links.values():
        target = _plain(link.target)
        found = files.get(of_links.get(target, target))
        if found is None:
            yield replace(link, kind="lost link")
        else:
            yield replace(found, name=link.name, path=link.path, target=found.name)


def _plain(name: str) -> str:
    """A name without what does not count in it: ``./a.jpg`` is ``a.jpg``."""
    return posixpath.normpath(name)


def _walk_tar(file: io.BufferedReader, names: Counter[str]) -> Iterator[Member]:
    """Yield the members of a tar, and of further ones behind it: tars are joined by ``cat``."""
    file.seek(0)
    start = file.read(max(map(len, _MAGIC)))
    compression = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), STORED)
    file.seek(0)
    stream = file if compression == STORED else DECOMPRESSORS[compression](file)
    yield from _walk_one_tar(stream, names, compression)
    while _skip_zeros(stream):
        yield from _walk_one_tar(stream, names, compression)


def _skip_zeros(stream: io.BufferedIOBase) -> bool:
    """Skip blocks of zeros, which end a tar; return whether the header of another follows. What follows and
    is no header is padding.
    """
    while len(block := stream.read(_BLOCK)) == _BLOCK:
        if any(block):
            try:
                TarHeader.frombuf(block, tarfile.ENCODING, "surrogateescape")
            except tarfile.TarError:
                return False
            stream.seek(stream.tell() - _BLOCK)
            return True
    return False


def _walk_one_tar(stream: io.BufferedIOBase, names: Counter[str], compression: str) -> Iterator[Member]:
    with tarfile.TarFile(fileobj=stream, tarinfo=TarHeader) as tar:
        last, inherited = -1, dict[str, str]()
        while (header := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # or every header of the archive is held
            if header.offset <= last:  # a negative size: the archive would be read for ever
                raise tarfile.ReadError("a header that leads back to one before it")
            last = header.offset
            if tar.pax_headers.keys() - {"comment"} and tar.pax_headers != inherited:
                inherited = dict(tar.pax_headers)
            yield Member(
                unique_name(header.name, names),
                header.name,
                _kind_of(header),
                min(header.size, LARGEST_SIZE),
                f"mtime:{int(header.mtime)}",
                False,
                Place(header.offset, min(max(tar.offset - header.offset, 0), LARGEST_SIZE), compression),
                inherited,
                header.linkname if header.islnk() else "",
            )


def _kind_of(header: tarfile.TarInfo) -> str:
    if header.islnk():
        return "link"
    return "file" if header.isreg() else "directory" if header.isdir() else "other"


class TarHeader(tarfile.TarInfo):
    """A header of a tar file with a limit on its size, so that Python does not read gigabytes as one name."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "TarHeader":
        """Return the header that 512 bytes hold.

        Raises:
            tarfile.ReadError: Its names or attributes are too long.
        """
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.InvalidHeaderError as error:  # type: ignore[attr-defined]
            # which tarfile takes for the end of the archive, and what follows would be lost
            raise tarfile.ReadError("a header that is damaged") from error
        if bytes(buf[257:265]) == tarfile.GNU_MAGIC and header.type not in tarfile.GNU_TYPES:
            # GNU's headers of incremental archives hold times where POSIX has the folder, and tarfile takes
            # them for one
            name = tarfile.nts(buf[:100], encoding, errors)  # type: ignore[attr-defined]
            header.name = name.rstrip("/") if header.isdir() else name
        if header.type in _EXTRA_HEADERS and header.size > _LONGEST_EXTRA:
            raise tarfile.ReadError(
                f"a name or attributes of {header.size} bytes, {_LONGEST_EXTRA} are allowed"
            )
        return header
