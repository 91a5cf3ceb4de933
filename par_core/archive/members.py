"""Members of zip and tar files, listed and read in place. Nothing is ever unpacked to disk, so a hostile name
does no harm.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO, Final

from par_core.archive.entries import Entry, is_hidden, is_image_name
from par_core.archive.shortage import can_allocate, raise_shortage
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = ["SEPARATOR", "is_container_name", "list_members", "read_members"]

#: Separator between the uri of an archive and the name of its member.
SEPARATOR: Final = "!/"

_TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
#: Errors that zipfile, tarfile and their decompressors raise for archives that are damaged or hostile.
_DAMAGE: Final = (
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
_ROOM: Final = 2**30  # bytes, more than any member takes; a header can ask for gigabytes
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


def is_container_name(name: str) -> bool:
    """Whether a name has the suffix of an archive that PAR reads."""
    return name.lower().endswith((".zip", *_TAR_SUFFIXES))


def list_members(file: BinaryIO, uri: str, size: int, version: str) -> tuple[list[Entry], Counter[str]]:
    """List an archive.

    Args:
        file: The archive, seekable.
        uri: Uri of the archive; its ending distinguishes zip from tar.
        size: Size of the archive in bytes.
        version: Version of the archive, for the entry of a damaged one.

    Returns:
        Entries, and the number of skipped members by reason. A damaged archive gives the entries before the
        damage and one for itself.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    entries: list[Entry] = []
    skipped: Counter[str] = Counter()
    try:
        for member in _members(file, uri):
            reason = _passed_over(member)
            if member.kind == "directory" and reason == "not_an_image":
                continue
            if reason:
                skipped[reason] += 1
                continue
            status, message = (Status.ENCRYPTED, "needs a password") if member.encrypted else (Status.OK, "")
            entries.append(Entry(uri + SEPARATOR + member.name, member.size, member.version, status, message))
    except _DAMAGE as error:
        _raise_shortage(error)
        entries.append(
            Entry(uri, size, version, Status.DAMAGED_ARCHIVE, f"cannot be read to its end: {error}"[:300])
        )
    return entries, skipped


def read_members(
    file: BinaryIO, uri: str, names: Collection[str], max_bytes: int
) -> Iterator[tuple[str, bytes | UnreadableImageError]]:
    """Read some members, in the order of the archive; a member that cannot be read comes as an error.

    Args:
        file: The archive, seekable.
        uri: Uri of the archive.
        names: Names of the members, as ``list_members`` gave them.
        max_bytes: Largest number of bytes of a member, whatever its header says.

    Raises:
        TransientError: This machine is short of memory or of file descriptors.
    """
    wanted = set(names)
    try:
        for member in _members(file, uri):
            if member.name in wanted:
                wanted.remove(member.name)
                yield member.name, _read(member, max_bytes)
            if not wanted:
                return
        trouble = UnreadableImageError(Status.VANISHED, "no longer in the archive")
    except _DAMAGE as error:
        _raise_shortage(error)
        trouble = UnreadableImageError(Status.DAMAGED_ARCHIVE, f"the archive cannot be read: {error}"[:300])
    for name in sorted(wanted):
        yield name, trouble


@dataclass(frozen=True, slots=True)
class _Member:
    """The header of a member of a zip or tar file, in one form for both.

    Attributes:
        name: Name that is unique in the archive: a second member of a name gets ``#2``.
        path: Name as it is in the archive.
        kind: ``file``, ``directory`` or ``other`` (links and devices, which are never followed).
        size: Size in bytes by the header.
        version: Text that changes when the content does.
        encrypted: Whether it needs a password.
        open: Function that opens its content.
    """

    name: str
    path: str
    kind: str
    size: int
    version: str
    encrypted: bool
    open: Callable[[], IO[bytes] | None]


def _members(file: BinaryIO, uri: str) -> Iterator[_Member]:
    names: Counter[str] = Counter()
    if uri.lower().endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                kind, version = (
                    "directory" if info.filename.endswith("/") else "file",
                    f"crc32:{info.CRC:08x}",
                )
                encrypted = bool(info.flag_bits & 1)
                yield _Member(
                    _unique(info.filename, names),
                    info.filename,
                    kind,
                    info.file_size,
                    version,
                    encrypted,
                    partial(archive.open, info),
                )
    else:
        with tarfile.open(fileobj=file, mode="r:*", tarinfo=_TarHeader) as tar:
            last = -1
            for member in tar:
                if member.offset <= last:  # a negative size: the archive would be read for ever
                    raise tarfile.ReadError("a header that leads back to one before it")
                last = member.offset
                kind = "file" if member.isreg() else "directory" if member.isdir() else "other"
                opened = partial(tar.extractfile, member)
                yield _Member(
                    _unique(member.name, names),
                    member.name,
                    kind,
                    member.size,
                    f"mtime:{int(member.mtime)}",
                    False,
                    opened,
                )


class _TarHeader(tarfile.TarInfo):
    """A header of a tar file with a limit on its size, so that Python does not read gigabytes as one name."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_TarHeader":
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTRA_HEADERS and header.size > _LONGEST_EXTRA:
            raise tarfile.ReadError(
                f"a name or attributes of {header.size} bytes, {_LONGEST_EXTRA} are allowed"
            )
        return header


def _unique(name: str, names: Counter[str]) -> str:
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    names[readable] += 1
    return readable if names[readable] == 1 else f"{readable}#{names[readable]}"


def _passed_over(member: _Member) -> str | None:
    parts = [part for part in member.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    reasons = [reason for part in parts if (reason := is_hidden(part))]
    if reasons:
        return reasons[0]
    if member.kind == "file" and is_image_name(member.path):
        return None
    return "archive" if is_container_name(member.path) else "not_an_image"


def _read(member: _Member, max_bytes: int) -> bytes | UnreadableImageError:
    if member.encrypted:
        return UnreadableImageError(Status.ENCRYPTED, "needs a password")
    if member.size > max_bytes:
        return UnreadableImageError(
            Status.TOO_LARGE, f"{member.size} bytes, {max_bytes} are allowed (archive.max_bytes)"
        )
    try:
        opened = member.open()
        assert opened is not None  # only links and devices have no content, and they are not listed
        with opened:
            content = opened.read(max_bytes + 1)
    except (*_DAMAGE, RuntimeError) as error:
        _raise_shortage(error)
        return UnreadableImageError(Status.DAMAGED_ARCHIVE, f"this member cannot be read: {error}"[:300])
    if len(content) > max_bytes:
        return UnreadableImageError(
            Status.TOO_LARGE, f"more than {max_bytes} bytes, whatever its header says (archive.max_bytes)"
        )
    return content


def _raise_shortage(error: Exception) -> None:
    """As ``raise_shortage``; but if there is memory for any real member, the archive's header is at fault."""
    if not isinstance(error, MemoryError) or not can_allocate(_ROOM):
        raise_shortage(error)
