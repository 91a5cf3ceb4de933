"""Overlaps of boxes, by pycocotools as for masks."""

import numpy as np
from jaxtyping import Float, Float64
from pycocotools import mask as coco

__all__ = ["box_overlaps", "box_shares_inside"]


def box_overlaps(
    first: Float[np.ndarray, "n 4"],
    second: Float[np.ndarray, "m 4"],
) -> Float64[np.ndarray, "n m"]:
    """Return the intersection over union, in [0, 1], of every first with every second box.

    Args:
        first: Boxes x1 y1 x2 y2, in pixels.
        second: Boxes x1 y1 x2 y2, in pixels.
    """
    return _compared(first, second, of_first=False)


def box_shares_inside(
    first: Float[np.ndarray, "n 4"],
    second: Float[np.ndarray, "m 4"],
) -> Float64[np.ndarray, "n m"]:
    """Return the share of every first box, in [0, 1], that lies inside every second box.

    Args:
        first: Boxes x1 y1 x2 y2, in pixels.
        second: Boxes x1 y1 x2 y2, in pixels.
    """
    return _compared(first, second, of_first=True)


def _compared(
    first: Float[np.ndarray, "n 4"], second: Float[np.ndarray, "m 4"], *, of_first: bool
) -> Float64[np.ndarray, "n m"]:
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    exact = (boxes.astype(np.float64) for boxes in (first, second))
    corner_and_size = [np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]) for boxes in exact]
    return np.asarray(coco.iou(*corner_and_size, [of_first] * len(second)))
