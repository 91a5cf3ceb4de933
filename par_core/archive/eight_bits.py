"""Grey values of more than 8 bits, scaled to 8: by the range that the file names, else by their own.

TIFF names its range by ``SMinSampleValue`` and ``SMaxSampleValue`` or by ``BitsPerSample`` below the size of
its numbers; that a number has 16 or 32 bits says nothing, as sensors of 10 to 14 bits are stored so.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

__all__ = ["deep_colours", "grey_of_eight_bits", "is_deep_png", "sixteen_bits"]

_WHITE_IS_ZERO: Final = 0  # value of PhotometricInterpretation
_UNSIGNED: Final = 1  # value of SampleFormat
_MIN_VALUE: Final = 340  # tags that Pillow has no names for: SMinSampleValue, SMaxSampleValue
_MAX_VALUE: Final = 341
_BITS: Final = (8, 10, 12, 14, 16)  # that sensors and programs use
_SHARE: Final = 99.99  # per cent of the values that must fit: single defective pixels do not count
_SAMPLE: Final = 1_000_000  # values of which the range is taken
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
    if values.dtype == np.int32 and _first(tags.get(TiffImagePlugin.SAMPLEFORMAT)) == _UNSIGNED:
        values = values.view(np.uint32)
    low, high = _named(tags, values) or _own(values)
    grey = _scaled(values, low, high, encode)
    return 255 - grey if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO else grey


def _scaled(values: Values, low: float, high: float, encode: Encode = _as_it_is) -> npt.NDArray[np.uint8]:
    real = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    return (encode(np.clip((real - low) / (high - low), 0, 1)) * 255).round().astype(np.uint8)


def _named(tags: dict[int, object], values: Values) -> tuple[float, float] | None:
    low, high = _first(tags.get(_MIN_VALUE)), _first(tags.get(_MAX_VALUE))
    if high is not None and high > (low or 0):
        return low or 0.0, high
    bits = _first(tags.get(TiffImagePlugin.BITSPERSAMPLE))
    if values.dtype.kind != "f" and bits is not None and 8 < bits < 16:
        return 0.0, 2.0**bits - 1
    return None


def _own(values: Values) -> tuple[float, float]:
    """Return the usual range that the values fit into, else the range that they have."""
    some = values.reshape(-1)[:: max(1, values.size // _SAMPLE)]
    finite = some[np.isfinite(some)].astype(np.float64)
    if not len(finite):
        return 0.0, 1.0
    low, high = np.percentile(finite, [100 - _SHARE, _SHARE])
    if low >= 0:
        real = values.dtype.kind == "f"
        for white in (2.0**bits - 1 for bits in ((1, *_BITS) if real else _BITS)):
            if real and high <= white * _NEARLY:
                # numbers that fill little of the usual range have one of their own, such as 0 to 5
                return 0.0, max(white, high) if high > white / 4 else max(high, _LEAST)
            if high <= white:
                return 0.0, white
        return 0.0, high
    return (low, high) if high > low else (low, 0.0)


def deep_colours(picture: Image.Image, content: bytes) -> npt.NDArray[np.uint8] | None:
    """Return the colours of a picture of 16 bits a channel whose values fill fewer bits; None for any other.

    Pillow keeps the upper 8 of 16 bits, which are black where 12 bits were written into 16.

    Args:
        picture: A loaded PNG or TIFF.
        content: The bytes of its file.

    Returns:
        RGB, shape (h, w, 3), as stored: not turned upright.
    """
    if picture.mode != "RGB" or picture.format not in ("PNG", "TIFF"):
        return None
    if max(high for _, high in picture.getextrema()) >= _DARK:  # type: ignore[misc]
        return None
    colours = sixteen_bits(content)
    if colours is None:
        return None
    low, high = _own(colours)
    return _scaled(colours, low, high)


def is_deep_png(content: bytes) -> bool:
    """Whether a file is a PNG of 16 bits a channel."""
    return content.startswith(_PNG) and content[24:25] == b"\x10"


def sixteen_bits(content: bytes) -> npt.NDArray[np.uint16] | None:
    """Return the colours of a PNG or TIFF of 16 bits a channel, RGB, shape (h, w, 3), as stored: not turned
    upright. None for any other.
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
