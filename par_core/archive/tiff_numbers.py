"""TIFFs of numbers that Pillow has no mode for: 64-bit real numbers, colours of 16 signed or of 32 bits, and
32 bits where white is zero. OpenCV reads them, and turns them upright whatever it is asked for; their range
is found as that of other deep pictures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from par_core.archive.eight_bits import WHITE_IS_ZERO, eight_bits_of
from par_core.archive.exif import EXIF_ERRORS

__all__ = ["TiffNumbers", "tiff_of_numbers"]

_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GREY_OR_RGB: Final = (WHITE_IS_ZERO, 1, 2)
_PROFILE: Final = 34_675


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

    def picture(self) -> Image.Image | None:
        """Return the picture in 8 bits and upright, of mode ``L``, ``RGB`` or ``RGBA``, with its profile;
        None if it cannot be read.
        """
        values = _numbers_in(self.content)
        if values is None:
            return None
        photometric = self.tags.get(ExifTags.Base.PhotometricInterpretation)
        colours = values[..., 2::-1] if values.ndim == 3 else values
        pixels = eight_bits_of(np.ascontiguousarray(colours), dict(self.tags), photometric)
        if values.ndim == 3 and values.shape[2] == 4:
            pixels = np.dstack([pixels, eight_bits_of(values[..., 3], {}, None)])
        picture = Image.fromarray(pixels)
        profile = self.tags.get(_PROFILE)
        if isinstance(profile, bytes):
            picture.info["icc_profile"] = profile
        return picture


def tiff_of_numbers(content: bytes) -> TiffNumbers | None:
    """Return a TIFF, by its directory alone; None if the bytes are none, or of another kind than grey and
    RGB.
    """
    if not content.startswith(_STARTS):
        return None
    tags = Image.Exif()
    try:
        tags.load(content)
        width, height = int(tags[ExifTags.Base.ImageWidth]), int(tags[ExifTags.Base.ImageLength])
        photometric = tags.get(ExifTags.Base.PhotometricInterpretation)
    except EXIF_ERRORS:
        return None
    if width < 1 or height < 1 or photometric not in _GREY_OR_RGB:
        return None
    return TiffNumbers(content, tags, (width, height))


def _numbers_in(content: bytes) -> np.ndarray | None:
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    return None if values is None else np.asarray(values)
