"""The size of a picture without decoding it."""

from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from par_core.errors import BadConfigError

__all__ = ["upright_size"]

_ORIENTATION: Final = 0x0112  # of EXIF
_ON_ITS_SIDE: Final = (5, 6, 7, 8)


def upright_size(file: Path) -> tuple[int, int]:
    """Width and height in pixels as the picture is shown: turned as its EXIF says.

    Raises:
        BadConfigError: It is no picture.
    """
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadConfigError(f"{file} is no picture ({type(error).__name__})") from error
    return (height, width) if turned else (width, height)
