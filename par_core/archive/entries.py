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

from par_core.status import Status

__all__ = ["IMAGE_SUFFIXES", "Entry", "Listing", "is_hidden", "is_image_name", "path_of", "uri_of"]

IMAGE_SUFFIXES: Final = frozenset(
    [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".mpo"]
)
_SYSTEM_NAMES: Final = frozenset(
    {"@eadir", "__macosx", "$recycle.bin", "system volume information", "thumbs.db", "lost+found"}
)
_ENCODED: Final = "file://"


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
    """

    uri: str
    size: int
    version: str
    status: Status = Status.OK
    message: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The content of one source.

    Attributes:
        source: Canonical path of the source (``par_core.archive.canonical``), or its URL.
        entries: Entries by ascending uri; no uri twice.
        skipped: Number of skipped files by reason: ``hidden``, ``system``, ``not_an_image``, ``archive``,
            ``directory_link``.
    """

    source: str
    entries: tuple[Entry, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)


def is_image_name(name: str) -> bool:
    """Whether a name has the suffix of a format that PAR reads."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_hidden(name: str) -> str | None:
    """Return why a single name (no slashes) is skipped, ``hidden`` or ``system``; None if it is not."""
    if name.lower() in _SYSTEM_NAMES:
        return "system"
    return "hidden" if name.startswith(".") else None


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
