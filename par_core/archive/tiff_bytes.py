"""The numbers of a TIFF as the bytes that they are, whatever kind of number they mean.

Pillow and OpenCV know a few kinds of numbers each, and take the planes of others for pixels. Here libtiff, in
Pillow, decompresses alone: the file is declared, in memory, to be one of single bytes. Differences between
neighbours (predictors) are undone here, as libtiff does it by the kind of number.

Source: TIFF 6.0 (Adobe 1992), sections 8, 13 to 15; Adobe Photoshop TIFF Technical Note 3 (predictor 3).
"""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

__all__ = ["COMPRESSIONS", "StoredNumbers"]

#: Values of Compression that bring bytes back as they were: none, LZW, Deflate, PackBits, LZMA, Zstandard.
COMPRESSIONS: Final = frozenset([1, 5, 8, 32_773, 32_946, 34_925, 50_000])
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _CHANNELS, _ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_SHORTS: Final = frozenset([_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _CHANNELS])
_APART: Final = 2  # value of PlanarConfiguration
_DIFFERENCES: Final = 2  # values of Predictor
_REAL_DIFFERENCES: Final = 3
_ROWS_AT_ONCE: Final = 64
_MOST_OF_TILES: Final = 2**24  # numbers in tiles beyond four times the picture


@dataclass(frozen=True, slots=True)
class StoredNumbers:
    """Where and how the numbers of a TIFF are stored.

    Attributes:
        tags: Its first directory.
        width: Numbers of pixels.
        height: The same.
        channels: Numbers of a pixel.
        bits: Bits of a number; those of less than whole bytes are packed, each row for itself.
        dtype: The kind of the numbers, in the byte order of the file.
    """

    tags: Mapping[int, Any]
    width: int
    height: int
    channels: int
    bits: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, content: bytes, tags: Mapping[int, Any], kind: str, bits: int) -> "StoredNumbers":
        """Read the directory of a file.

        Args:
            content: The file.
            tags: Its directory.
            kind: Kind of the numbers as numpy writes it, ``u2``, ``f4``, ..., which holds their bits.
            bits: Bits of a number.
        """
        dtype = np.dtype((">" if content.startswith(b"MM") else "<") + kind)
        return cls(tags, tags[_WIDTH], tags[_HEIGHT], int(tags.get(_CHANNELS, 1)), bits, dtype)

    def read(self, content: bytes, n_channels: int) -> np.ndarray:
        """Return the first channels, shape (h, w, n_channels), as they are stored: not turned upright.

        Raises:
            OSError or ValueError: The file is damaged, or ends too early.
        """
        if self.tags.get(_PLANAR) == _APART:
            planes = [self._plane(content, plane, 1) for plane in range(n_channels)]
            return np.concatenate(planes, axis=2)
        return self._plane(content, 0, self.channels)[..., :n_channels]

    def _plane(self, content: bytes, plane: int, channels: int) -> np.ndarray:
        tiled = _TILE_WIDTH in self.tags
        places, lengths = (_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES)
        width, height = self.width, self.height
        declared = {_BITS: [8], _PHOTOMETRIC: [1], _CHANNELS: [1]}
        declared |= {tag: [int(self.tags.get(tag, 1))] for tag in (_COMPRESSION, _FILL_ORDER)}
        if tiled:  # as one column of tiles, none of which is cut off at an edge
            width, height = int(self.tags[_TILE_WIDTH]), int(self.tags[_TILE_HEIGHT])
            if min(width, height) < 1:
                raise ValueError("a TIFF of tiles without pixels")
            across, down = -(-self.width // width), -(-self.height // height)
            count = across * down
            if width * height * count > 4 * self.width * self.height + _MOST_OF_TILES:
                raise ValueError("a TIFF of tiles that are much larger than the picture")
            declared[_TILE_HEIGHT], rows, height = [height], height, height * count
        else:
            rows = max(1, min(int(self.tags.get(_ROWS, height)), height))
            count = -(-height // rows)
            declared[_ROWS] = [rows]
        row = -(-width * channels * self.bits // 8)
        declared |= {_WIDTH: [row], _HEIGHT: [height]} | ({_TILE_WIDTH: [row]} if tiled else {})
        pieces = range(plane * count, (plane + 1) * count)
        declared[places] = self._of_pieces(places, pieces)
        if lengths in self.tags or declared[_COMPRESSION] != [1]:
            declared[lengths] = self._of_pieces(lengths, pieces)
        else:  # old files leave them out
            declared[lengths] = [row * min(rows, height - first) for first in range(0, height, rows)]
        if any(map(len(content).__lt__, map(sum, zip(declared[places], declared[lengths], strict=True)))):
            raise ValueError("a TIFF that is truncated: its numbers end behind the file")
        values = self._numbers(_bytes_of(content, declared), width, channels)
        if not tiled:
            return values
        tiles = values.reshape(down, across, rows, width, channels).swapaxes(1, 2)
        whole = tiles.reshape(down * rows, across * width, channels)
        return whole[: self.height, : self.width]

    def _of_pieces(self, tag: int, pieces: range) -> list[int]:
        values = _several(self.tags[tag])[pieces.start : pieces.stop]
        if len(values) != len(pieces):
            raise ValueError("a TIFF that names fewer strips or tiles than it has")
        return list(map(int, values))

    def _numbers(self, stored: UInt8[np.ndarray, "h row"], width: int, channels: int) -> np.ndarray:
        size, height = self.dtype.itemsize, len(stored)
        if self.bits % 8:
            return self._unpacked(stored, width * channels).reshape(height, width, channels)
        predictor = int(self.tags.get(_PREDICTOR, 1))
        if predictor == _REAL_DIFFERENCES:
            running = np.cumsum(stored.reshape(height, -1, channels), axis=1, dtype=np.uint8)
            apart = running.reshape(height, size, width * channels)
            joined = np.ascontiguousarray(apart.swapaxes(1, 2))
            return joined.view(self.dtype.newbyteorder(">")).reshape(height, width, channels)
        if predictor == _DIFFERENCES:
            whole = np.dtype(f"u{size}").newbyteorder(self.dtype.byteorder)
            numbers = stored.view(whole).reshape(height, width, channels)
            running = np.cumsum(numbers, axis=1, dtype=f"u{size}")
            return running.view(self.dtype.newbyteorder("="))
        return stored.view(self.dtype).reshape(height, width, channels)

    def _unpacked(self, stored: UInt8[np.ndarray, "h row"], count: int) -> np.ndarray:
        numbers = np.zeros((len(stored), count), self.dtype.newbyteorder("="))
        for first in range(0, len(stored), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            bits = np.unpackbits(stored[rows], axis=1, count=count * self.bits).reshape(-1, count, self.bits)
            for bit in range(self.bits):
                numbers[rows] = numbers[rows] * 2 + bits[..., bit]
        return numbers


def _bytes_of(content: bytes, tags: Mapping[int, list[int]]) -> UInt8[np.ndarray, "h row"]:
    """Decompress a TIFF of other tags."""
    declared = _with_directory(content, tags)
    with Image.open(io.BytesIO(declared), formats=["TIFF"]) as picture:
        picture.load()
        return np.ascontiguousarray(picture)


def _with_directory(content: bytes, tags: Mapping[int, list[int]]) -> bytes:
    """The file with a new directory behind it, which its head names."""
    start = len(content) + len(content) % 2
    behind = start + 2 + 12 * len(tags) + 4
    entries, outside = b"", b""
    for tag, values in sorted(tags.items()):
        kind, letter = (3, "H") if tag in _SHORTS else (4, "I")
        data = struct.pack(f"<{len(values)}{letter}", *values)
        if len(data) > 4:
            place = behind + len(outside)
            outside += data
            data = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + outside
    return b"II*\0" + struct.pack("<I", start) + content[8:] + bytes(len(content) % 2) + directory


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
