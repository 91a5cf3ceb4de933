"""Overlaps of boxes, by pycocotools as for masks."""

import numpy as np
from jaxtyping import Float, Float64
from pycocotools import mask as coco

__all__ = ["box_overlaps"]


def box_overlaps(
    first: Float[np.ndarray, "n 4"],
    second: Float[np.ndarray, "m 4"],
) -> Float64[np.ndarray, "n m"]:
    """Return the intersection over union, in [0, 1], of every first with every second box.

    Args:
        first: Boxes x1 y1 x2 y2, in pixels.
        second: Boxes x1 y1 x2 y2, in pixels.
    """
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    exact = (boxes.astype(np.float64) for boxes in (first, second))
    corner_and_size = [np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]) for boxes in exact]
    return np.asarray(coco.iou(*corner_and_size, [0] * len(second)))
