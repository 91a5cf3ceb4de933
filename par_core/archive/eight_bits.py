"""Grey values of more than 8 bits, scaled to 8: by the range that the file names, else by their own.

TIFF names its range by ``SMinSampleValue`` and ``SMaxSampleValue`` or by ``BitsPerSample`` below the size of
its numbers; that a number has 16 or 32 bits says nothing, as sensors of 10 to 14 bits are stored so.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

__all__ = [
    "WHITE_IS_ZERO",
    "deep_colours",
    "eight_bits_of",
    "grey_of_eight_bits",
    "is_dark",
    "is_deep_png",
    "sixteen_bits",
]

#: Value of PhotometricInterpretation.
WHITE_IS_ZERO: Final = 0
_UNSIGNED: Final = 1  # values of SampleFormat
_SIGNED: Final = 2
_MIN_VALUE: Final = 340  # tags that Pillow has no names for: SMinSampleValue, SMaxSampleValue
_MAX_VALUE: Final = 341
_BITS: Final = (8, 10, 12, 14, 16)  # that sensors and programs use
_SIGNED_BITS: Final = (8, 10, 12, 14, 15, 16)
_SHARE: Final = 99.99  # per cent of the values that must fit: single defective pixels do not count
_SAMPLE: Final = 1_000_000  # values of which the range is taken
_COLOURS: Final = ("RGB", "RGBA", "LA")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_NEARLY: Final = 1.05  # real values that were sharpened or resized go over their range a little
_LEAST: Final = 1e-30
_DARK: Final = 64  # of 255: less than this in all pixels may be 12 bits in 16

Values = npt.NDArray[np.generic]
Encode = Callable[[npt.NDArray[np.floating]], npt.NDArray[np.floating]]


def _as_it_is(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return values


def grey_of_eight_bits(picture: Image.Image, encode: Encode = _as_it_is) -> npt.NDArray[np.uint8]:
    """Return the pixels of a loaded grey picture of integers or real numbers, 0 black and 255 white.

    Args:
        picture: A picture of a mode ``I``, ``I;16`` (of any byte order) or ``F``.
        encode: Turns values in [0, 1] into those of sRGB.

    Returns:
        Shape (h, w). What is no finite number becomes black.
    """
    values: Values = np.asarray(picture)
    tags = dict(getattr(picture, "tag_v2", {}))
    unsigned = _first(tags.get(TiffImagePlugin.SAMPLEFORMAT, _UNSIGNED)) == _UNSIGNED  # the default of TIFF
    if values.dtype == np.int32 and picture.format == "TIFF" and unsigned:
        values = values.view(np.uint32)
    return eight_bits_of(values, tags, tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION), encode)


def eight_bits_of(
    values: Values, tags: dict[int, Any], photometric: object, encode: Encode = _as_it_is
) -> npt.NDArray[np.uint8]:
    """Return numbers of any shape in 8 bits.

    Args:
        values: Integers or real numbers.
        tags: Tags of the TIFF that they are from, if they are.
        photometric: What the TIFF says of its numbers: ``WHITE_IS_ZERO`` or another.
        encode: Turns values in [0, 1] into those of sRGB.
    """
    low, high = _named(tags, values) or _own(values, signed=_is_signed(tags))
    scaled = _scaled(values, low, high, encode)
    return 255 - scaled if photometric == WHITE_IS_ZERO else scaled


def _scaled(values: Values, low: float, high: float, encode: Encode = _as_it_is) -> npt.NDArray[np.uint8]:
    with np.errstate(over="ignore"):  # numbers of 64 bits that are larger become infinite
        real = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    return (encode(np.clip((real - low) / (high - low), 0, 1)) * 255).round().astype(np.uint8)


def _named(tags: dict[int, Any], values: Values) -> tuple[float, float] | None:
    low, high = _first(tags.get(_MIN_VALUE)), _first(tags.get(_MAX_VALUE))
    if high is not None and high > (low or 0):
        return low or 0.0, high
    bits = _first(tags.get(TiffImagePlugin.BITSPERSAMPLE))
    if values.dtype.kind != "f" and bits is not None and bits < 16 and bits != 8:
        return 0.0, 2.0**bits - 1
    return None


def _is_signed(tags: dict[int, Any]) -> bool:
    bits = _first(tags.get(TiffImagePlugin.BITSPERSAMPLE))
    return bits == 16 and _first(tags.get(TiffImagePlugin.SAMPLEFORMAT)) == _SIGNED


def _own(values: Values, *, signed: bool = False) -> tuple[float, float]:
    """Return the usual range that the values fit into, else the range that they have.

    Args:
        values: Numbers of any shape.
        signed: Whether they are of 16 bits with a sign, so that 15 are left.
    """
    usual = (7,) if values.dtype == np.int8 else _SIGNED_BITS if signed else _BITS
    some = values.reshape(-1)[:: max(1, values.size // _SAMPLE)]
    finite = some[np.isfinite(some)].astype(np.float64)
    if not len(finite):
        return 0.0, 1.0
    low, high = np.percentile(finite, [100 - _SHARE, _SHARE])
    if low >= 0:
        real = values.dtype.kind == "f"
        for white in (2.0**bits - 1 for bits in ((1, *usual) if real else usual)):
            if real and high <= white * _NEARLY:
                # numbers that fill little of the usual range have one of their own, such as 0 to 5
                return 0.0, max(white, high) if high > white / 4 else max(high, _LEAST)
            if high <= white:
                return 0.0, white
        return 0.0, high
    return (low, high) if high > low else (low, 0.0)


def is_dark(picture: Image.Image) -> bool:
    """Whether the colours of a loaded picture are so dark throughout that they may be 12 bits in 16: Pillow
    keeps the upper 8 of 16 bits.
    """
    if picture.mode not in _COLOURS:
        return False
    brightest = [high for _, high in picture.getextrema()]  # type: ignore[misc]
    return max(brightest[: None if picture.mode == "RGB" else -1]) < _DARK


def deep_colours(picture: Image.Image, content: bytes) -> npt.NDArray[np.uint8] | None:
    """Return the colours of a picture of 16 bits a channel whose values fill fewer bits; None for any other.

    Args:
        picture: A loaded PNG or JPEG 2000.
        content: The bytes of its file.

    Returns:
        RGB, shape (h, w, 3), or RGBA if it has an alpha channel.
    """
    if picture.format not in ("PNG", "JPEG2000") or not is_dark(picture):
        return None
    colours = sixteen_bits(content)
    if colours is None:
        return None
    low, high = _own(colours)
    scaled = _scaled(colours, low, high)
    if picture.mode == "RGB":
        return scaled
    alpha = np.asarray(picture.getchannel("A"))
    if 0 < alpha.max() < _DARK:  # written in as few bits as the colours
        alpha = (alpha * (255 / alpha.max())).round().astype(np.uint8)
    return np.dstack([scaled, alpha])


def is_deep_png(content: bytes) -> bool:
    """Whether a file is a PNG of 16 bits a channel."""
    return content.startswith(_PNG) and content[24:25] == b"\x10"


def sixteen_bits(content: bytes) -> npt.NDArray[np.uint16] | None:
    """Return the colours of a PNG or JPEG 2000 of 16 bits a channel, RGB, shape (h, w, 3), as they are
    stored. None for any other.
    """
    import cv2

    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    colours = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if colours is None or colours.dtype != np.uint16:
        return None
    return np.ascontiguousarray(colours[..., ::-1])


def _first(value: object) -> float | None:
    """The number of a tag, which may be one or one for each channel."""
    number = value[0] if isinstance(value, tuple) and value else value
    return float(number) if isinstance(number, int | float | TiffImagePlugin.IFDRational) else None
