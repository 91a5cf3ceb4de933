"""Boxes: limits and whole pixels. Coordinates as in ``par_core.types``."""

import numpy as np
from jaxtyping import Float32

from par_core.errors import BadInputError
from par_core.types import BoxesXYXY

__all__ = ["clip_boxes", "whole_pixels"]


def clip_boxes(boxes: BoxesXYXY, *, width: int, height: int) -> BoxesXYXY:
    """Limit boxes to an image.

    Args:
        boxes: Boxes (n, 4) x1 y1 x2 y2, in pixels.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        A new (n, 4) array; a box wholly outside of the image gets zero area.

    Raises:
        BadInputError: A coordinate is NaN or infinite, or the image has no pixels.
    """
    if width < 1 or height < 1:
        raise BadInputError(f"expected an image with pixels, got {width}x{height}")
    bad = np.flatnonzero(~np.isfinite(boxes).all(axis=1))
    if bad.size:
        raise BadInputError(f"non-finite coordinate in box row {bad[0]} ({bad.size} bad rows)")
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)


def whole_pixels(box: Float32[np.ndarray, "4"], *, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the pixels that a box touches: left, top, right, bottom (exclusive), at least one pixel, inside
    the image.
    """
    left = min(int(np.floor(box[0])), width - 1)
    top = min(int(np.floor(box[1])), height - 1)
    left, top = max(left, 0), max(top, 0)
    right = min(max(int(np.ceil(box[2])), left + 1), width)
    bottom = min(max(int(np.ceil(box[3])), top + 1), height)
    return left, top, right, bottom
