"""Entries of a listing, and their uris.

The uri of a local file is its absolute path if that is UTF-8, else ``file://`` and the percent-encoded bytes
of the path; of a remote file its URL; of a member of an archive ``<archive>!/<member>``. Names are never used
to write anything.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from par_core.archive.formats import why_passed_over
from par_core.status import Status

__all__ = [
    "Entry",
    "Listing",
    "Place",
    "is_hidden",
    "is_image_name",
    "is_remote",
    "path_of",
    "uri_of",
]

_SYSTEM_NAMES: Final = frozenset(
    {"@eadir", "__macosx", "$recycle.bin", "system volume information", "thumbs.db", "lost+found"}
)
_ENCODED: Final = "file://"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member is in its archive, so that it can be read without walking there.

    Attributes:
        offset: Bytes before the member's first header, >= 0; in a compressed tar they are counted in the
            uncompressed stream.
        stored_size: Bytes that the member takes, >= 0: in a zip its compressed data; in a tar its headers,
            data and padding.
        compression: ``stored``, or how the bytes are compressed: in a zip ``deflate``, ``bzip2``, ``lzma`` or
            ``method N`` with the number that the zip states; in a tar that is compressed as a whole ``gz``,
            ``bz2``, ``xz`` or ``zst``.
    """

    offset: int
    stored_size: int
    compression: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or archive member that may be a picture.

    Attributes:
        uri: Uri of the file or member.
        size: Size in bytes; of a member, uncompressed.
        version: Text that changes when the content may have changed: a later run takes an entry with the same
            uri, size and version as unchanged.
        status: ``ok``, or the reason why it cannot be read, as far as the listing shows it.
        message: One sentence on the status.
        place: Where an archive member is in its archive; None for a file, and where it is not known.
    """

    uri: str
    size: int
    version: str
    status: Status = Status.OK
    message: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The content of one source.

    Attributes:
        source: Canonical path of the source (``par_core.archive.canonical``), or its URL.
        entries: Entries by ascending uri; no uri twice.
        skipped: Number of skipped files by reason: ``hidden``, ``system``, ``not_an_image``, ``archive``,
            ``archive_link`` (to one that is read itself), ``directory_link``, or the suffix of pictures that
            PAR does not read, such as ``.cr3``.
    """

    source: str
    entries: tuple[Entry, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)


def is_image_name(name: str) -> bool:
    """Whether a name has the suffix of a format that PAR reads."""
    return why_passed_over(name) is None


def is_hidden(name: str) -> str | None:
    """Return why a single name (no slashes) is skipped, ``hidden`` or ``system``; None if it is not."""
    if name.lower() in _SYSTEM_NAMES:
        return "system"
    return "hidden" if name.startswith(".") else None


def is_remote(source: str) -> bool:
    """Whether a source or uri is a URL of fsspec."""
    return "://" in source and not source.startswith(_ENCODED)


def uri_of(path: str) -> str:
    """Return the uri of an absolute local path as Python gives it (with surrogates if it is no UTF-8)."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return _ENCODED + quote(os.fsencode(path))
    return path


def path_of(uri: str) -> bytes:
    """Return the local path of a uri; the inverse of ``uri_of``."""
    return unquote_to_bytes(uri.removeprefix(_ENCODED)) if uri.startswith(_ENCODED) else os.fsencode(uri)
