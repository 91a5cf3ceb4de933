"""DNG files (Adobe DNG 1.4, TIFF/EP) as small as LibRaw opens them: a sensor's data, a thumbnail in the first
directory, and a preview in a further one.
"""

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import ExifTags, Image

Tag = tuple[int, int, bytes | Sequence[int]]
_BYTE, _TEXT, _SHORT, _LONG = 1, 2, 3, 4
_NUMBERS = {_BYTE: "B", _SHORT: "H", _LONG: "I"}
GREEN = (0, 200, 0)


class _Tiff:
    def __init__(self) -> None:
        self.body = bytearray(b"II*\0\0\0\0\0")

    def put(self, data: bytes) -> int:
        self.body += b"\0" * (len(self.body) % 2)
        self.body += data
        return len(self.body) - len(data)

    def directory(self, tags: Sequence[Tag]) -> int:
        entries = b""
        for tag, kind, values in sorted(tags):
            data = (
                values
                if isinstance(values, bytes)
                else struct.pack(f"<{len(values)}{_NUMBERS[kind]}", *values)
            )
            field = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", self.put(data))
            entries += struct.pack("<HHI", tag, kind, len(values)) + field
        return self.put(struct.pack("<H", len(tags)) + entries + bytes(4))

    def picture(self, pixels: np.ndarray) -> list[Tag]:
        """The tags of a picture (h, w, 3) of 8 bits that is not compressed."""
        at, (height, width) = self.put(pixels.tobytes()), pixels.shape[:2]
        return [*self._size(width, height, at, pixels.nbytes), (258, _SHORT, [8] * 3), (259, _SHORT, [1]),
                (262, _SHORT, [2]), (277, _SHORT, [3])]  # fmt: skip

    def jpeg(self, content: bytes, width: int, height: int) -> list[Tag]:
        at = self.put(content)
        return [*self._size(width, height, at, len(content)), (258, _SHORT, [8] * 3), (259, _SHORT, [7]),
                (262, _SHORT, [6]), (277, _SHORT, [3])]  # fmt: skip

    def sensor(self, width: int, height: int) -> list[Tag]:
        at = self.put(np.full((height, width), 500, "<u2").tobytes())
        return [*self._size(width, height, at, 2 * width * height), (258, _SHORT, [16]), (259, _SHORT, [1]),
                (262, _SHORT, [32803]), (277, _SHORT, [1]), (33421, _SHORT, [2, 2]),
                (33422, _BYTE, [0, 1, 1, 2])]  # fmt: skip

    def _size(self, width: int, height: int, at: int, n_bytes: int) -> list[Tag]:
        return [(256, _LONG, [width]), (257, _LONG, [height]), (273, _LONG, [at]), (278, _LONG, [height]),
                (279, _LONG, [n_bytes])]  # fmt: skip


def dng(
    preview: bytes | np.ndarray | None,
    orientation: int = 1,
    *,
    size: tuple[int, int] = (480, 320),
    sensor: tuple[int, int] = (96, 64),
    thumbnail: bool = True,
    taken_at: bytes = b"",
) -> bytes:
    """The bytes of a DNG.

    Args:
        preview: A JPEG, or pixels (h, w, 3); None for none.
        orientation: EXIF's, of the raw file.
        size: Width and height that are stated for a JPEG.
        sensor: Width and height of the sensor's data.
        thumbnail: Whether the first directory has a green one of 16 x 12 pixels.
        taken_at: EXIF's time of capture.
    """
    tiff = _Tiff()
    directories = [tiff.directory([(254, _LONG, [0]), *tiff.sensor(*sensor)])]
    if preview is not None:
        tags = tiff.jpeg(preview, *size) if isinstance(preview, bytes) else tiff.picture(preview)
        directories.append(tiff.directory([(254, _LONG, [1]), *tags]))
    first: list[Tag] = [
        *((271, _TEXT, b"PAR\0"), (272, _TEXT, b"one\0"), (274, _SHORT, [orientation])),
        *((330, _LONG, directories), (50706, _BYTE, [1, 4, 0, 0]), (50708, _TEXT, b"PAR one\0")),
    ]
    if thumbnail:
        first += [(254, _LONG, [1]), *tiff.picture(np.full((12, 16, 3), GREEN, np.uint8))]
    if taken_at:
        first.append((34665, _LONG, [tiff.directory([(0x9003, _TEXT, taken_at + b"\0")])]))
    struct.pack_into("<I", tiff.body, 4, tiff.directory(first))
    return bytes(tiff.body)


def halves(width: int = 480, height: int = 320) -> Image.Image:
    """Blue on the left, red on the right."""
    picture = Image.new("RGB", (width, height), (200, 30, 30))
    picture.paste((30, 30, 200), (0, 0, width // 2, height))
    return picture


def jpeg(picture: Image.Image, orientation: int | None = None, *, jfif: bool = True) -> bytes:
    """A JPEG with EXIF's orientation or without EXIF; cameras write EXIF at its beginning, without JFIF."""
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, exif=exif)
    content = buffer.getvalue()
    if not jfif:
        assert content[2:4] == b"\xff\xe0"
        content = content[:2] + content[4 + int.from_bytes(content[4:6], "big") :]
    return content
