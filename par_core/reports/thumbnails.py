"""Small pictures of cases for contact sheets: people with a little of their surroundings, photographs with
outlines.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32
from PIL import Image

from par_core.archive import decode
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.people.cutout import crop_box
from par_core.people.masks import decode_mask
from par_core.types import ImageU8, MaskRLE

__all__ = ["jpeg_of_height", "outlined_photo", "person_crop", "side_by_side"]

_HEIGHT_PX: Final = 220
_PERSON_ASPECT: Final = 2.0
_MARGIN: Final = 0.08  # around the person, as a share of the box
_LONGEST_PX: Final = 560
_GAP: Final = np.full((_HEIGHT_PX, 6, 3), 255, np.uint8)
_LABELLED, _FOUND = (0, 190, 255), (255, 120, 0)  # the colours of the legend in the style sheet


def person_crop(image: Path, box: Float32[np.ndarray, "4"], config: ArchiveConfig) -> bytes:
    """A person as JPEG; the whole picture where the box is NaN.

    Raises:
        UnreadableImageError: The picture cannot be decoded any more.
    """
    picture = decode(image.read_bytes(), config).pixels
    height, width = picture.shape[:2]
    if not np.isnan(box).any():
        left, top, right, bottom = crop_box(box, _MARGIN, _PERSON_ASPECT, width=width, height=height)
        picture = picture[top:bottom, left:right]
    return jpeg_of_height(picture, _HEIGHT_PX, 75)


def jpeg_of_height(picture: ImageU8, height_px: int, quality: int) -> bytes:
    """A picture as JPEG of a height."""
    return _jpeg(_resized(picture, height_px / picture.shape[0]), quality)


def side_by_side(images: Sequence[Path], config: ArchiveConfig) -> bytes:
    """Pictures of one height next to each other, as one JPEG; a grey field stands for one that cannot be
    read, as copies by digest of damaged files.
    """
    shown = [piece for image in images for piece in (_GAP, _of_height(image, config))][1:]
    return _jpeg(np.hstack(shown), 75)


def _of_height(image: Path, config: ArchiveConfig) -> ImageU8:
    try:
        picture = decode(image.read_bytes(), config).pixels
    except (OSError, UnreadableImageError):
        return np.full((_HEIGHT_PX, _HEIGHT_PX // 2, 3), 128, np.uint8)
    width = min(max(1, round(picture.shape[1] * _HEIGHT_PX / picture.shape[0])), 2 * _HEIGHT_PX)
    return np.ascontiguousarray(
        cv2.resize(picture, (width, _HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8
    )


def outlined_photo(picture: ImageU8, labelled: Sequence[MaskRLE], detected: Sequence[MaskRLE]) -> bytes:
    """Return a photograph as JPEG, with the outlines of labelled people under those of detected people."""
    small = _resized(picture, min(1.0, _LONGEST_PX / max(picture.shape[:2])))
    for masks, colour, thickness in ((labelled, _LABELLED, 4), (detected, _FOUND, 2)):
        for mask in masks:
            inside = cv2.resize(
                decode_mask(mask).astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST
            )
            cv2.drawContours(
                small,
                cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0],
                -1,
                colour,
                thickness,
            )
    return _jpeg(small, 80)


def _resized(picture: ImageU8, scale: float) -> ImageU8:
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.ascontiguousarray(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def _jpeg(picture: ImageU8, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
