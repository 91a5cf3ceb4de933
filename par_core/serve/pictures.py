"""Whole photographs and outlines of people from the archive. Never by path, only by the id of an image that
the index knows.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from PIL import Image

from par_core.archive import Entry, decode, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.ids import image_id
from par_core.people.masks import decode_mask
from par_core.serve.problems import GoneError
from par_core.types import ImageU8, MaskRLE

__all__ = ["Outline", "as_jpeg", "outline_of", "read_image"]

_QUALITY: Final = 88
_TOLERANCE_PX: Final = 0.8  # by which an outline may leave the mask


@dataclass(frozen=True, slots=True)
class Outline:
    """Outline of a person in an image.

    Attributes:
        width: Width of the upright image in pixels.
        height: Height of the upright image in pixels.
        box: x1, y1, x2, y2 in pixels of the image.
        polygons: Closed lines of (x, y) in pixels of the image; the largest first.
    """

    width: int
    height: int
    box: tuple[float, float, float, float]
    polygons: tuple[tuple[tuple[int, int], ...], ...]


def read_image(uris: Sequence[str], wanted: str, config: ArchiveConfig) -> ImageU8:
    """Return the upright pixels of an image, from the first of its places that still holds it.

    Args:
        uris: Places of the image, now or before.
        wanted: Id of the image: other bytes under the same name are not shown.
        config: Limits of reading.

    Raises:
        GoneError: None of the places holds it any more.
    """
    reason = "no place is known"
    for _, content in read_entries([Entry(uri, 0, "") for uri in uris], config):
        if isinstance(content, UnreadableImageError):
            reason = f"the file is not there any more ({content.status})"
        elif image_id(content) != wanted:
            reason = "the file is another one now"
        else:
            return decode(content, config).pixels
    raise GoneError(reason)


def as_jpeg(image: ImageU8, longest: int) -> bytes:
    """Return the picture as JPEG, made smaller where a side has more than so many pixels, without the file's
    metadata.
    """
    picture = Image.fromarray(image)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def outline_of(mask: MaskRLE, box: tuple[float, float, float, float]) -> Outline:
    """Return the mask as polygons."""
    contours, _ = cv2.findContours(
        decode_mask(mask).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    lines = [
        cv2.approxPolyDP(contour, _TOLERANCE_PX, True).reshape(-1, 2)
        for contour in sorted(contours, key=cv2.contourArea, reverse=True)
    ]
    polygons = tuple(tuple((int(x), int(y)) for x, y in line) for line in lines if len(line) > 2)
    return Outline(mask.width, mask.height, box, polygons)
