"""Members of zip and tar files, listed in place. Nothing is ever unpacked to disk, so a hostile name does no
harm.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from par_core.archive.containers import SEPARATOR, is_container_name
from par_core.archive.entries import Entry, Place, is_hidden
from par_core.archive.formats import why_passed_over
from par_core.archive.raw_files import OpenContainer
from par_core.archive.shortage import can_allocate, raise_shortage
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = [
    "DAMAGE",
    "DECOMPRESSORS",
    "STORED",
    "ZIP_METHODS",
    "Member",
    "TarHeader",
    "archive_version",
    "list_members",
    "raise_member_shortage",
    "readable",
    "walk",
]

#: Errors that zipfile, tarfile and their decompressors raise for archives that are damaged or hostile.
# Storage that fails raises others (``raw_files``).
DAMAGE: Final = (
    *(
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OverflowError,
        OSError,
    ),
    *(MemoryError, RecursionError),
)
STORED: Final = "stored"
ZIP_METHODS: Final[Mapping[int, str]] = {
    zipfile.ZIP_STORED: STORED,
    zipfile.ZIP_DEFLATED: "deflate",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "lzma",
}
#: How a tar that is compressed as a whole is opened.
DECOMPRESSORS: Final[Mapping[str, Callable[[Any], io.BufferedIOBase]]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_MAGIC: Final = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz", b"\x5d\x00\x00\x80": "xz"}
_ROOM: Final = 2**30  # bytes, more than any member takes; a header can ask for gigabytes
_LARGEST: Final = 2**63 - 1  # bytes, the largest number that a listing can hold
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


@dataclass(frozen=True, slots=True)
class Member:
    """The header of a member of a zip or tar file, in one form for both.

    Attributes:
        name: Name that is unique in the archive: a second member of a name gets ``#2``.
        path: Name as it is in the archive.
        kind: ``file``, ``directory`` or ``other`` (links and devices, which are never followed).
        size: Size in bytes by the header.
        version: Text that changes when the content does, as far as the header shows it.
        encrypted: Whether it needs a password.
        place: Where it is.
        inherited: Attributes that earlier headers of a tar set for all later members.
    """

    name: str
    path: str
    kind: str
    size: int
    version: str
    encrypted: bool
    place: Place
    inherited: Mapping[str, str] = field(default_factory=dict)


def list_members(container: OpenContainer) -> tuple[list[Entry], Counter[str]]:
    """List an archive.

    Returns:
        Entries, and the number of skipped members by reason. A damaged archive gives the entries before the
        damage and one for itself.

    Raises:
        TransientError: The storage cannot be reached, or this machine is short of memory or of file
            descriptors.
    """
    entries: list[Entry] = []
    skipped: Counter[str] = Counter()
    trouble: list[Entry] = []
    try:
        for member in walk(container):
            reason = _passed_over(member)
            if member.kind == "directory" and reason == "not_an_image":
                continue
            if reason:
                skipped[reason] += 1
                continue
            status, message = (Status.ENCRYPTED, "needs a password") if member.encrypted else (Status.OK, "")
            uri, place = container.uri + SEPARATOR + member.name, None if member.inherited else member.place
            entries.append(Entry(uri, member.size, member.version, status, message, place))
    except UnreadableImageError as error:
        trouble = [_trouble(container, error.status, error.message)]
    except DAMAGE as error:
        raise_member_shortage(error)
        trouble = [_trouble(container, Status.DAMAGED_ARCHIVE, f"cannot be read to its end: {error}"[:300])]
    return _versioned(entries, container) + trouble, skipped


def walk(container: OpenContainer) -> Iterator[Member]:
    """Yield every member of an archive, in the order of its table of contents.

    Raises:
        UnreadableImageError: The archive cannot be read.
        TransientError: The storage cannot be reached. For a damaged archive one of ``DAMAGE``.
    """
    names: Counter[str] = Counter()
    container.file.seek(0)
    if container.is_zip:
        with zipfile.ZipFile(container.file) as archive:
            for info in archive.infolist():
                method = ZIP_METHODS.get(info.compress_type, f"method {info.compress_type}")
                yield Member(
                    _unique(info.filename, names),
                    info.filename,
                    "directory" if info.filename.endswith("/") else "file",
                    min(info.file_size, _LARGEST),
                    f"crc32:{info.CRC:08x}",
                    bool(info.flag_bits & 1),
                    Place(min(info.header_offset, _LARGEST), min(info.compress_size, _LARGEST), method),
                )
    else:
        yield from _walk_tar(container.file, names)


def _walk_tar(file: io.BufferedReader, names: Counter[str]) -> Iterator[Member]:
    start = file.read(max(map(len, _MAGIC)))
    compression = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), STORED)
    file.seek(0)
    stream = file if compression == STORED else DECOMPRESSORS[compression](file)
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
                _unique(header.name, names),
                header.name,
                "file" if header.isreg() else "directory" if header.isdir() else "other",
                min(header.size, _LARGEST),
                f"mtime:{int(header.mtime)}",
                False,
                Place(header.offset, min(max(tar.offset - header.offset, 0), _LARGEST), compression),
                inherited,
            )


class TarHeader(tarfile.TarInfo):
    """A header of a tar file with a limit on its size, so that Python does not read gigabytes as one name."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "TarHeader":
        """Return the header that 512 bytes hold.

        Raises:
            tarfile.ReadError: Its names or attributes are too long.
        """
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTRA_HEADERS and header.size > _LONGEST_EXTRA:
            raise tarfile.ReadError(
                f"a name or attributes of {header.size} bytes, {_LONGEST_EXTRA} are allowed"
            )
        return header


def readable(name: str) -> str:
    """Return a name of an archive as text that is UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def archive_version(container: OpenContainer) -> str:
    """Return what the version of a member ends in, after a semicolon, if its own time says nothing."""
    return f"archive:{container.raw.size}:{container.version}"


def raise_member_shortage(error: Exception) -> None:
    """As ``raise_shortage``; but if there is memory for any real member, the archive's header is at fault."""
    if not isinstance(error, MemoryError) or not can_allocate(_ROOM):
        raise_shortage(error)


def _trouble(container: OpenContainer, status: Status, message: str) -> Entry:
    return Entry(container.uri, container.raw.size, container.version, status, message)


def _versioned(entries: list[Entry], container: OpenContainer) -> list[Entry]:
    """Entries with the archive's own version where the time of a member says nothing: it is zero, or that of
    all others, as of archives that are made to be reproducible.
    """
    if container.is_zip:
        return entries  # the CRC tells
    silent = {"mtime:0"} | ({entries[0].version} if len({entry.version for entry in entries}) == 1 else set())
    return [
        replace(entry, version=f"{entry.version};{archive_version(container)}")
        if entry.version in silent
        else entry
        for entry in entries
    ]


def _unique(name: str, names: Counter[str]) -> str:
    text = readable(name)
    names[text] += 1
    return text if names[text] == 1 else f"{text}#{names[text]}"


def _passed_over(member: Member) -> str | None:
    parts = [part for part in member.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    reasons = [reason for part in parts if (reason := is_hidden(part))]
    if reasons:
        return reasons[0]
    if is_container_name(member.path):
        return "archive"
    return why_passed_over(member.path) if member.kind == "file" else "not_an_image"
