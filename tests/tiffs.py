"""TIFFs of one strip, not compressed, of numbers that Pillow does not write."""

import struct
from collections.abc import Mapping

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3}
_LONGS = (256, 257, 273, 278, 279)


def tiff_of(
    values: np.ndarray, orientation: int = 1, more: Mapping[int, int] | None = None, order: str = "<"
) -> bytes:
    """A TIFF of grey (h, w) or of colours (h, w, channels).

    Args:
        values: Numbers.
        orientation: EXIF's.
        more: Further tags of one short number.
        order: Byte order.
    """
    height, width, n_channels = (*values.shape, 1)[:3]
    data = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(order))).tobytes()
    return stored_tiff(
        data,
        width,
        height,
        n_channels,
        8 * values.dtype.itemsize,
        _KINDS[values.dtype.kind],
        {274: orientation} | dict(more or {}),
        order,
    )


def stored_tiff(
    data: bytes,
    width: int,
    height: int,
    n_channels: int,
    bits: int,
    kind: int = 1,
    more: Mapping[int, int] | None = None,
    order: str = "<",
) -> bytes:
    """A TIFF of bytes as they are given; the arguments are what its directory says of them."""
    tags = {258: [bits] * n_channels, 259: [1], 262: [1 if n_channels < 3 else 2], 277: [n_channels]}
    tags |= {256: [width], 257: [height], 278: [height], 279: [len(data)], 273: [0], 339: [kind] * n_channels}
    tags |= ({338: [2]} if n_channels == 4 else {}) | {tag: [value] for tag, value in (more or {}).items()}
    packed = {
        tag: struct.pack(f"{order}{len(each)}{'I' if tag in _LONGS else 'H'}", *each)
        for tag, each in tags.items()
    }
    start = 8 + 2 + 12 * len(tags) + 4
    packed[273] = struct.pack(
        f"{order}I", start + sum(len(each) for each in packed.values() if len(each) > 4)
    )
    entries, body = b"", b""
    for tag, value in sorted(packed.items()):
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field, body = struct.pack(f"{order}I", start + len(body)), body + value
        entries += struct.pack(f"{order}HHI", tag, 4 if tag in _LONGS else 3, len(tags[tag])) + field
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HIH", 42, 8, len(tags)) + entries + bytes(4) + body + data
