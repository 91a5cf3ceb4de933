"""The colours that the primary picture of an AVIF names. A file may hold more pictures with colours of their
own, such as a gain map and what it makes of the primary one.

Source: ISO/IEC 14496-12 (boxes ``meta``, ``pitm``, ``iprp``, ``ipco``, ``ipma``, ``colr``).
"""

import struct
from collections.abc import Iterator
from typing import Final

__all__ = ["primary_nclx"]

_MOST_BOXES: Final = 10_000
_FULL: Final = 4  # bytes of version and flags
_LONG_NUMBERS: Final = 1  # flag of ipma

Span = tuple[int, int]


def primary_nclx(content: bytes) -> tuple[int, int] | None:
    """Return the numbers of primaries and transfer (H.273) of the primary picture; None if it names none, has
    a profile beside them, or the boxes are damaged.
    """
    try:
        return _primary_nclx(content)
    except (struct.error, IndexError, KeyError):
        return None


def _primary_nclx(content: bytes) -> tuple[int, int] | None:
    start, end = dict(_boxes(content, (0, len(content))))[b"meta"]
    meta = dict(_boxes(content, (start + _FULL, end)))
    place = meta[b"pitm"][0]
    primary = struct.unpack_from(">I" if content[place] else ">H", content, place + _FULL)[0]
    iprp = dict(_boxes(content, meta[b"iprp"]))
    properties = list(_boxes(content, iprp[b"ipco"]))
    numbers = None
    for number in _associations(content, iprp[b"ipma"]).get(primary, ()):
        if not 0 < number <= len(properties):
            continue
        kind, (at, _) = properties[number - 1]
        if kind == b"colr" and content[at : at + 4] in (b"prof", b"rICC"):
            return None
        if kind == b"colr" and content[at : at + 4] == b"nclx":
            numbers = struct.unpack_from(">HH", content, at + 4)
    return numbers


def _boxes(content: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield kind and place of the content of each box."""
    place, end = span
    for _ in range(_MOST_BOXES):
        if place + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", content, place)
        header = 8
        if size == 1:
            size, header = struct.unpack_from(">Q", content, place + 8)[0], 16
        stop = end if size == 0 else place + size
        if stop > end or stop < place + header:
            return
        yield kind, (place + header, stop)
        place = stop


def _associations(content: bytes, span: Span) -> dict[int, list[int]]:
    """Numbers of the properties, from 1, by item."""
    place = span[0]
    version, long_numbers = content[place], content[place + 3] & _LONG_NUMBERS
    count = struct.unpack_from(">I", content, place + _FULL)[0]
    place += _FULL + 4
    found: dict[int, list[int]] = {}
    for _ in range(min(count, _MOST_BOXES)):
        item = struct.unpack_from(">I" if version else ">H", content, place)[0]
        place += 4 if version else 2
        n_properties = content[place]
        form, mask = (">H", 0x7FFF) if long_numbers else (">B", 0x7F)
        size = struct.calcsize(form)
        found[item] = [
            struct.unpack_from(form, content, place + 1 + size * each)[0] & mask
            for each in range(n_properties)
        ]
        place += 1 + size * n_properties
    return found
