"""Members of zip and tar files, listed in place. Nothing is ever unpacked to disk, so a hostile name does no
harm.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from par_core.archive.containers import SEPARATOR, is_container_name
from par_core.archive.entries import Entry, is_hidden
from par_core.archive.formats import why_passed_over
from par_core.archive.member import Member
from par_core.archive.raw_files import OpenContainer
from par_core.archive.shortage import can_allocate, raise_shortage
from par_core.archive.tars import ZstdError, walk_tar
from par_core.archive.zips import walk_zip
from par_core.errors import UnreadableImageError
from par_core.status import Status

__all__ = [
    "DAMAGE",
    "archive_version",
    "list_members",
    "raise_member_shortage",
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
        ZstdError,
        struct.error,
        EOFError,
        NotImplementedError,
        ValueError,
        OverflowError,
        OSError,
    ),
    *(MemoryError, RecursionError),
)
_UNREAD_METHODS: Final = {
    "method 9": "Deflate64",
    "method 93": "Zstandard",
    "method 95": "XZ",
    "method 98": "PPMd",
}
_ROOM: Final = 2**30  # bytes, more than any member takes; a header can ask for gigabytes


def list_members(container: OpenContainer) -> tuple[list[Entry], Counter[str]]:
    """List an archive, and close it.

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
        for member in _closing(container):
            reason = _passed_over(member)
            if member.kind == "directory" and reason == "not_an_image":
                continue
            if reason:
                skipped[reason] += 1
                continue
            status, message = _readable_status(member)
            uri = container.uri + SEPARATOR + member.name
            place = None if member.inherited or member.target else member.place
            entries.append(Entry(uri, member.size, member.version, status, message, place))
    except UnreadableImageError as error:
        trouble = [_trouble(container, error.status, error.message)]
    except DAMAGE as error:
        raise_member_shortage(error)
        trouble = [_trouble(container, Status.DAMAGED_ARCHIVE, f"cannot be read to its end: {error}"[:300])]
    return _versioned(entries, container) + trouble, skipped


def _closing(container: OpenContainer) -> Iterator[Member]:
    with container.file:
        yield from walk(container)


def _readable_status(member: Member) -> tuple[Status, str]:
    if member.kind == "lost link":
        return Status.VANISHED, f"a hard link to {member.target!r}, which is not in the archive"
    if member.encrypted:
        return Status.ENCRYPTED, "needs a password"
    method = member.place.compression
    if method.startswith("method "):
        known = _UNREAD_METHODS.get(method, method)
        return (
            Status.UNREAD_COMPRESSION,
            f"compressed by {known}, which is not read; pack it again with deflate",
        )
    return Status.OK, ""


def walk(container: OpenContainer) -> Iterator[Member]:
    """Yield every member of an archive, in the order of its table of contents.

    Raises:
        UnreadableImageError: The archive cannot be read.
        TransientError: The storage cannot be reached. For a damaged archive one of ``DAMAGE``.
    """
    names: Counter[str] = Counter()
    container.file.seek(0)
    if container.is_zip:
        yield from walk_zip(container.file, names)
    else:
        yield from walk_tar(container.file, names)


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


def _passed_over(member: Member) -> str | None:
    parts = [part for part in member.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    reasons = [reason for part in parts if (reason := is_hidden(part))]
    if reasons:
        return reasons[0]
    if is_container_name(member.path):
        return "archive"
    return why_passed_over(member.path) if member.kind in ("file", "lost link") else "not_an_image"
