"""TIFFs of numbers that Pillow has no mode for, or that it misreads: real numbers of 16 and 64 bits, colours
of 16 signed or of 32 bits, signed bytes, more than 8 bits with each channel in a plane of its own, and 32
bits where white is zero. Their range is found as that of other deep pictures.
"""

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image

from par_core.archive.eight_bits import WHITE_IS_ZERO, eight_bits_of
from par_core.archive.exif import EXIF_ERRORS
from par_core.archive.tiff_bytes import COMPRESSIONS, StoredNumbers

__all__ = ["TiffNumbers", "tiff_of_numbers"]

_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG: Final = b"+"
_RGB: Final = 2
_CMYK: Final = 5
_COLOURS: Final = (WHITE_IS_ZERO, 1, _RGB, _CMYK)
_UNREAD: Final = {
    4: "a mask",
    6: "YCbCr",
    8: "L*a*b*",
    9: "L*a*b*",
    10: "L*a*b*",
    32_803: "a colour filter array",
}
_PROFILE: Final = 34_675
_PLANAR: Final = 284
_EXTRA: Final = 338
_FORMAT: Final = 339
_BITS: Final = 258
_COMPRESSION: Final = 259
_PREDICTOR: Final = 317
_PACKED: Final = (2, 4, 10, 12, 14)
_APART: Final = 2
_KINDS: Final = {1: "u", 2: "i", 3: "f", 4: "u"}  # by SampleFormat; 4 is undefined
_COMPLEX: Final = (5, 6)
_PREMULTIPLIED: Final = 1
_ALPHA: Final = (_PREMULTIPLIED, 2)
_MOST_BANDS: Final = (
    4  # that are taken for colours where the file does not say so; of colours, four times more
)


@dataclass(frozen=True, slots=True)
class TiffNumbers:
    """A TIFF whose pixels are not read yet.

    Attributes:
        tags: Its first directory, from which EXIF can be read.
        size: Width and height, by its tags.
    """

    content: bytes
    tags: Image.Exif
    size: tuple[int, int]

    def why_unread(self) -> str | None:
        """Say of which kind a TIFF is that is not read; None if it is read."""
        compression, bits = self.tags.get(_COMPRESSION, 1), self._bits or "several"
        if self._photometric not in _COLOURS:
            kind = _UNREAD.get(self._photometric, f"colours of kind {self._photometric}")
            return f"a TIFF of {kind} in {bits} bits"
        if compression not in COMPRESSIONS:
            return f"a TIFF of {bits} bits a number that is compressed by method {compression}"
        if _one(self.tags.get(_FORMAT, 1)) in _COMPLEX:
            return "a TIFF of complex numbers"
        if self._kind is None:
            return f"a TIFF of numbers of {bits} bits"
        if self._bands > (_MOST_BANDS if self._photometric < _RGB else 4 * _MOST_BANDS):
            return f"a TIFF of {self._bands} bands"
        if self._bands < {_RGB: 3, _CMYK: 4}.get(self._photometric, 1):
            return f"a TIFF of {self._bands} bands, which are too few for its colours"
        return None

    def is_misread(self) -> bool:
        """Whether Pillow, which opens the file, takes its numbers for others."""
        apart = self.tags.get(_PLANAR) == _APART and self._bands > 1
        misread = self._bits != 8 or self._alpha == _PREMULTIPLIED
        return self._kind is not None and (self._kind == "i1" or (apart and misread))

    def is_deep(self) -> bool:
        """Whether the file holds colours in 16 bits, of which Pillow keeps the upper 8."""
        return (
            self._bits == 16
            and self._kind == "u2"
            and self._photometric == _RGB
            and self.why_unread() is None
        )

    def values(self) -> np.ndarray:
        """Return the numbers as they are stored, shape (h, w, channels): grey, RGB or CMYK, and transparency.

        Raises:
            OSError or ValueError: The file is damaged.
        """
        assert self._kind is not None, "why_unread is asked before"
        stored = StoredNumbers.of(self.content, self.tags, self._kind, self._bits)
        return stored.read(self.content, self._n_colours + (self._alpha is not None))

    def picture(self) -> Image.Image:
        """Return the picture in 8 bits, as it is stored, with its profile. Mode ``L``, ``LA``, ``RGB``,
        ``RGBA`` or ``CMYK``.

        Raises:
            OSError or ValueError: The file is damaged.
        """
        values, n_colours = self.values(), self._n_colours
        pixels = eight_bits_of(values[..., :n_colours], dict(self.tags), self._photometric)
        if self._alpha is not None and self._photometric != _CMYK:
            pixels = np.dstack([pixels, eight_bits_of(values[..., n_colours:], {}, None)])
        mode = {1: "L", 2: "LA", 3: "RGB", 4: "CMYK" if self._photometric == _CMYK else "RGBA"}[
            pixels.shape[2]
        ]
        if self._alpha == _PREMULTIPLIED and mode in ("LA", "RGBA"):
            mode = mode[:-1] + "a"
        picture = Image.frombytes(mode, self.size, np.ascontiguousarray(pixels).tobytes())
        if mode.endswith("a"):
            picture = picture.convert(mode.upper())
        profile = self.tags.get(_PROFILE)
        if isinstance(profile, bytes):
            picture.info["icc_profile"] = profile
        return picture

    @property
    def _photometric(self) -> int:
        return int(self.tags.get(ExifTags.Base.PhotometricInterpretation, 1))

    @property
    def _bands(self) -> int:
        return int(self.tags.get(ExifTags.Base.SamplesPerPixel, 1))

    @property
    def _kind(self) -> str | None:
        """The kind of its numbers as numpy writes it; None if they are of no kind that is read."""
        letter = _KINDS.get(_one(self.tags.get(_FORMAT, 1)) or 0)
        packed = _PACKED if letter == "u" and self.tags.get(_PREDICTOR, 1) == 1 else ()
        known = (16, 32, 64) if letter == "f" else (8, 16, 32, 64, *packed)
        return f"{letter}{(self._bits + 7) // 8}" if letter and self._bits in known else None

    @property
    def _bits(self) -> int:
        """Bits of a number; 0 if they differ."""
        return _one(self.tags.get(_BITS, 1)) or 0

    @property
    def _n_colours(self) -> int:
        if self._photometric == _CMYK:
            return 4
        return 3 if self._bands - (self._alpha is not None) >= 3 else 1

    @property
    def _alpha(self) -> int | None:
        """What the file says of the channel behind its colours, if it is transparency."""
        extra = _several(self.tags.get(_EXTRA, 0))[0]
        behind = {_RGB: 3, _CMYK: 4}.get(self._photometric, self._bands - 1)
        return extra if extra in _ALPHA and self._bands > behind > 0 else None


def tiff_of_numbers(content: bytes) -> TiffNumbers | None:
    """Return a TIFF, by its directory alone; None if the bytes are none."""
    if not content.startswith(_STARTS):
        return None
    tags = Image.Exif()
    try:
        if content[2:4].strip(b"\0") == _BIG:
            order = "little" if content.startswith(b"II") else "big"
            tags.endian, tags.bigtiff = "<" if order == "little" else ">", True
            tags.load_from_fp(io.BytesIO(content), int.from_bytes(content[8:16], order))  # type: ignore[arg-type]
        else:
            tags.load(content)
        numbers = TiffNumbers(
            content, tags, (int(tags[ExifTags.Base.ImageWidth]), int(tags[ExifTags.Base.ImageLength]))
        )
        numbers.why_unread()
    except EXIF_ERRORS:
        return None
    return numbers if min(numbers.size) > 0 else None


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _one(value: Any) -> int | None:
    """The number of a tag that has one for each channel; None if they differ."""
    numbers = {int(number) for number in _several(value)}
    return numbers.pop() if len(numbers) == 1 else None
