"""What a listing finds: entries and how they are named.

A uri is an absolute path where the name is UTF-8, else ``file://`` and the percent-encoded bytes of the path;
a URL for remote files; and ``<archive>!/<member>`` for members of archives. Names are only names: they are
never used to write anything.
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
        uri: Where it is.
        size: Bytes; of a member, uncompressed.
        version: Changes when the content may have: a later run knows (uri, size, version) as unchanged.
        status: ``ok``, or why it cannot be read, as far as listing can tell.
        message: One sentence on the status.
    """

    uri: str
    size: int
    version: str
    status: Status = Status.OK
    message: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one source holds.

    Attributes:
        source: As the user named it, made absolute.
        entries: By ascending uri; no uri twice.
        skipped: What was passed over, counted by reason: ``hidden``, ``system``, ``not_an_image``,
            ``archive``, ``directory_link``.
    """

    source: str
    entries: tuple[Entry, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)


def is_image_name(name: str) -> bool:
    """Whether a name has the suffix of a format that PAR reads."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_hidden(name: str) -> str | None:
    """Why a single name (no slashes) is passed over, ``hidden`` or ``system``; None if it is not."""
    if name.lower() in _SYSTEM_NAMES:
        return "system"
    return "hidden" if name.startswith(".") else None


def uri_of(path: str) -> str:
    """The uri of an absolute local path as Python gives it (with surrogates where the name is no UTF-8)."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return _ENCODED + quote(os.fsencode(path))
    return path


def path_of(uri: str) -> bytes:
    """The local path of a uri; the inverse of ``uri_of``."""
    return unquote_to_bytes(uri.removeprefix(_ENCODED)) if uri.startswith(_ENCODED) else os.fsencode(uri)
