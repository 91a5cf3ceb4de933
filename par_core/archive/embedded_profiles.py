"""Colour profiles in files of which Pillow does not read them: JPEG 2000 and BMP.

Sources: ISO/IEC 15444-1, annex I.5.3.3 (box ``colr``); Microsoft, BITMAPV5HEADER.
"""

from collections.abc import Iterator
from typing import Final

__all__ = ["embedded_profile"]

_OF_PROFILES: Final = (2, 3)  # methods of a box colr: a restricted profile, and any (ISO/IEC 15444-2)
_MOST_BOXES: Final = 1_000
_BMP_HEADER: Final = 14  # bytes before the header that names the profile
_VERSION_5: Final = 124  # its size
_EMBEDDED: Final = b"DEBM"  # PROFILE_EMBEDDED, a little-endian number


def embedded_profile(form: str | None, content: bytes) -> bytes | None:
    """Return the profile that a file embeds; None if it is of another format, has none, or is damaged there.

    Args:
        form: Its format.
        content: Its bytes.
    """
    if form == "JPEG2000":
        return _of_jpeg_2000(content)
    return _of_bmp(content) if form in ("BMP", "DIB") else None


def _of_jpeg_2000(content: bytes) -> bytes | None:
    for kind, start, end in _boxes(content, 0, len(content)):
        if kind == b"jp2h":
            for inner, first, behind in _boxes(content, start, end):
                if inner == b"colr" and behind > first + 3 and content[first] in _OF_PROFILES:
                    return content[first + 3 : behind]
    return None


def _boxes(content: bytes, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, first byte and end of the boxes in a part of a file."""
    for _ in range(_MOST_BOXES):
        if place + 8 > end:
            return
        size, kind, head = (
            int.from_bytes(content[place : place + 4], "big"),
            content[place + 4 : place + 8],
            8,
        )
        if size == 1:
            size, head = int.from_bytes(content[place + 8 : place + 16], "big"), 16
        behind = end if size == 0 else place + size
        if behind > end or behind < place + head:
            return
        yield kind, place + head, behind
        place = behind


def _of_bmp(content: bytes) -> bytes | None:
    start = _BMP_HEADER if content.startswith(b"BM") else 0
    header = content[start : start + _VERSION_5]
    if (
        len(header) < _VERSION_5
        or int.from_bytes(header[:4], "little") < _VERSION_5
        or header[56:60] != _EMBEDDED
    ):
        return None
    place, size = (int.from_bytes(header[at : at + 4], "little") for at in (112, 116))
    profile = content[start + place : start + place + size]
    return profile if len(profile) == size > 0 else None
