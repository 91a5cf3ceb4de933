"""Bytes of members of zip and tar files, read where the listing says that they are.

A shard costs its own members, however many the archive has. A tar that is compressed as a whole is one
stream: a process that reads shard after shard of it goes on where it stopped.
"""

import bz2
import io
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from par_core.archive.containers import SEPARATOR, read_order
from par_core.archive.entries import Entry
from par_core.archive.kept import Kept
from par_core.archive.member import STORED, Member, readable
from par_core.archive.members import DAMAGE, archive_version, raise_member_shortage, walk
from par_core.archive.raw_files import OpenContainer
from par_core.archive.tars import DECOMPRESSORS, TarHeader
from par_core.archive.zips import ZIP_METHODS
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status

__all__ = ["read_members"]

_Content = bytes | UnreadableImageError
_ReadMember = Callable[[io.BufferedIOBase, Member], bytes]
_Contents = tuple[dict[str, Member], UnreadableImageError]

_LOCAL_HEADER: Final = struct.Struct("<4s2xH18xHH")  # signature, flags, lengths of name and of extra field
_SIGNATURE: Final = b"PK\3\4"
_ENCRYPTED: Final = 0x1  # flags of a local header
_PATCH: Final = 0x20
_STRONG_ENCRYPTION: Final = 0x40
_UTF8: Final = 0x800
_USUAL_EXTRA: Final = 128  # bytes of a zip's extra field, more than most have
_SMALL_READ: Final = 4_096  # bytes of LZMA, which expand to some ten megabytes at most
_STREAM_TROUBLE: Final = frozenset([Status.DAMAGED_ARCHIVE, Status.IO_ERROR])
_METHOD_NUMBERS: Final = {name: number for number, name in ZIP_METHODS.items()}


def _close_stream(stream: tuple[io.BufferedIOBase, io.BufferedIOBase]) -> None:
    for file in stream:
        file.close()


#: The compressed tar that was read last: the stream of its members, and the file below.
_STREAM: Final = Kept[tuple[io.BufferedIOBase, io.BufferedIOBase]](_close_stream)
#: Names and places in the archive of which members were last read by name alone.
_CONTENTS: Final = Kept[_Contents](lambda _: None)


def read_members(
    container: OpenContainer, entries: Sequence[Entry], max_bytes: int
) -> Iterator[tuple[Entry, _Content]]:
    """Read members of one archive, in the order of its bytes; a member that cannot be read comes as an error.

    A member whose place is not known, or where another is now, is looked up in the archive's table of
    contents (a tar is walked for it).

    Args:
        container: The archive; it is closed at the end.
        entries: The members.
        max_bytes: Largest number of bytes of a member, whatever its header says.

    Raises:
        TransientError: The storage cannot be reached, or this machine is short of memory or of file
            descriptors.
    """
    start = len(container.uri + SEPARATOR)
    placed = {entry.uri[start:]: entry for entry in read_order(entries) if entry.place is not None}
    other = {entry.uri[start:]: entry for entry in entries if entry.place is None}
    lost: dict[str, _Content] = {
        name: _replaced() for name, entry in placed.items() if not _is_of(container, entry)
    }
    wanted = [_as_listed(name, entry) for name, entry in placed.items() if name not in lost]
    with container.file:
        for name, content in _read(container, wanted, max_bytes):
            if isinstance(content, UnreadableImageError) and content.status is Status.DAMAGED_ARCHIVE:
                lost[name] = content
            else:
                yield placed[name], content
        if not other and not lost:
            return
        contents, trouble = _contents(container)
        found: list[Member] = []
        for name, entry in (*other.items(), *((name, placed[name]) for name in lost)):
            member = contents.get(name)
            if member is None:
                yield entry, trouble
            elif name in lost and not (_is_of(container, entry) and _is_listed(member, entry)):
                yield entry, _replaced()
            elif name in lost and member.place == entry.place:
                yield entry, lost[name]
            else:
                found.append(member)
        found.sort(key=lambda member: member.place.offset)
        for name, content in _read(container, found, max_bytes):
            yield other.get(name) or placed[name], content


def _as_listed(name: str, entry: Entry) -> Member:
    assert entry.place is not None
    return Member(name, name, "file", entry.size, entry.version.partition(";")[0], False, entry.place)


def _is_of(container: OpenContainer, entry: Entry) -> bool:
    """Whether the archive is the one that the entry's version names, if it names one."""
    return entry.version.partition(";")[2] in ("", archive_version(container))


def _is_listed(member: Member, entry: Entry) -> bool:
    return (member.size, member.version) == (entry.size, entry.version.partition(";")[0])


def _replaced() -> UnreadableImageError:
    return UnreadableImageError(
        Status.VANISHED, "the archive was replaced after it was listed, and holds another file of this name"
    )


def _contents(container: OpenContainer) -> _Contents:
    """Files of an archive by name, and what became of those that are not among them."""
    contents = _CONTENTS.take(container.key) or _look_up(container)
    if contents[1].status is not Status.IO_ERROR:  # which may pass
        _CONTENTS.keep(container.key, contents)
    return contents


def _look_up(container: OpenContainer) -> _Contents:
    members: dict[str, Member] = {}
    try:
        for member in walk(container):
            if member.kind == "file":
                members[member.name] = member
        return members, UnreadableImageError(Status.VANISHED, "no longer in the archive")
    except UnreadableImageError as error:
        return members, error
    except DAMAGE as error:
        raise_member_shortage(error)
        return members, UnreadableImageError(
            Status.DAMAGED_ARCHIVE, f"the archive cannot be read: {error}"[:300]
        )


def _read(
    container: OpenContainer, members: Sequence[Member], max_bytes: int
) -> Iterator[tuple[str, _Content]]:
    """Read members, by ascending offset."""
    if not container.is_zip and members and members[0].place.compression != STORED:
        yield from _read_stream(container, members, max_bytes)
        return
    container.raw.expect(_span(member, container.is_zip) for member in members if member.size <= max_bytes)
    read = _zip_member if container.is_zip else _tar_member
    for member in members:
        yield member.name, _content(read, container.file, member, max_bytes)


def _span(member: Member, is_zip: bool) -> tuple[int, int]:
    headers = _LOCAL_HEADER.size + len(member.name.encode()) + _USUAL_EXTRA if is_zip else 0
    return member.place.offset, member.place.offset + headers + member.place.stored_size


def _read_stream(
    container: OpenContainer, members: Sequence[Member], max_bytes: int
) -> Iterator[tuple[str, _Content]]:
    """As ``_read``, from the stream where the call before left it, which is kept for the next call unless
    there was trouble with it.
    """
    stream = _STREAM.take(container.key) or _open_stream(container, members[0].place.compression)
    sound = True
    try:
        for member in members:
            content = _content(_tar_member, stream[0], member, max_bytes)
            if isinstance(content, UnreadableImageError) and content.status in _STREAM_TROUBLE:
                sound = False
            yield member.name, content
    except TransientError:
        sound = False
        raise
    finally:
        if sound:
            _STREAM.keep(container.key, stream)
        else:
            _close_stream(stream)


def _open_stream(container: OpenContainer, compression: str) -> tuple[io.BufferedIOBase, io.BufferedIOBase]:
    below = io.BufferedReader(container.raw.again())
    return DECOMPRESSORS[compression](below), below


def _content(read: _ReadMember, file: io.BufferedIOBase, member: Member, max_bytes: int) -> _Content:
    if member.encrypted:
        return _encrypted()
    if member.size > max_bytes:
        return UnreadableImageError(
            Status.TOO_LARGE, f"{member.size} bytes, {max_bytes} are allowed (archive.max_bytes)"
        )
    try:
        return read(file, member)
    except UnreadableImageError as error:
        return error
    except DAMAGE as error:
        raise_member_shortage(error)
        reason = str(error) or "it ends too early"
        return UnreadableImageError(Status.DAMAGED_ARCHIVE, f"this member cannot be read: {reason}"[:300])


def _zip_member(file: io.BufferedIOBase, member: Member) -> bytes:
    """Read a member of a zip; its local header must be that of this member, and its content have its CRC."""
    file.seek(member.place.offset)
    signature, flags, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != _SIGNATURE:
        raise zipfile.BadZipFile("there is no header at its place")
    name = file.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437")
    _require_name(name.partition("\0")[0], member.name)
    if flags & _ENCRYPTED:
        raise _encrypted()
    if flags & (_PATCH | _STRONG_ENCRYPTION):
        raise NotImplementedError("patch data, or strong encryption")
    file.seek(extra_length, io.SEEK_CUR)
    method, crc = _method_number(member.place.compression), int(member.version.removeprefix("crc32:"), 16)
    if method == zipfile.ZIP_BZIP2:
        return _expand_bzip2(file, member, crc)
    info = zipfile.ZipInfo(member.name)
    info.file_size, info.compress_size = member.size, member.place.stored_size
    info.compress_type, info.CRC = method, crc
    with zipfile.ZipExtFile(file, "r", info) as opened:
        if method == zipfile.ZIP_LZMA:  # which expands all that is read at once, whatever size is stated
            return b"".join(iter(partial(opened.read, _SMALL_READ), b""))
        return opened.read(member.size + 1)


def _expand_bzip2(file: io.BufferedIOBase, member: Member, crc: int) -> bytes:
    """Expand no more than the size that is stated; ``zipfile`` would expand a kilobyte to gigabytes."""
    most = member.size + member.size // 50 + 1_000  # above its worst case, 1 % and 600 bytes
    stored = file.read(min(member.place.stored_size, most))
    content = bz2.BZ2Decompressor().decompress(stored, member.size)
    if zlib.crc32(content) != crc:
        raise zipfile.BadZipFile("bad CRC-32")
    return content


def _tar_member(file: io.BufferedIOBase, member: Member) -> bytes:
    """Read a member of a tar; the header before it must have its name, size and time."""
    file.seek(member.place.offset)
    with tarfile.TarFile(fileobj=file, tarinfo=TarHeader, pax_headers=dict(member.inherited)) as tar:
        header = tar.next()
        if header is None or not header.isreg():
            raise tarfile.ReadError("there is no header at its place")
        _require_name(header.name, member.target or member.name)
        if header.size != member.size or f"mtime:{int(header.mtime)}" != member.version:
            raise tarfile.ReadError("a member of another size or time is at its place")
        opened = tar.extractfile(header)
        assert opened is not None  # as it is a file
        with opened:
            return opened.read(member.size)


def _require_name(found: str, expected: str) -> None:
    """Require that a header's name is that of a member, which has a number if it is not the first of it."""
    text = readable(found)
    if expected != text and not re.fullmatch(re.escape(text) + r"#\d+", expected):
        raise tarfile.ReadError(f"{text!r} is at its place")


def _method_number(compression: str) -> int:
    known = _METHOD_NUMBERS.get(compression)
    return int(compression.removeprefix("method ")) if known is None else known


def _encrypted() -> UnreadableImageError:
    return UnreadableImageError(Status.ENCRYPTED, "needs a password")
