"""Paste the masks of Mask R-CNN inside their boxes only: torchvision's own steps without full frames."""

from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

from par_core.people.masks import encode_mask_in_box
from par_core.types import BoxesXYXY, MaskRLE

__all__ = ["paste_masks"]

_BORDER: Final = 1  # of zeros around each mask, in its own pixels, by which its box grows too


def paste_masks(
    probabilities: Float32[np.ndarray, "n side side"], boxes: BoxesXYXY, size: tuple[int, int]
) -> tuple[MaskRLE, ...]:
    """Return the masks of boxes as whole-image masks.

    Args:
        probabilities: (n, 28, 28) of the mask head, in [0, 1].
        boxes: (n, 4) in pixels of the image.
        size: Height and width of the image.
    """
    side = probabilities.shape[-1]
    bordered = np.pad(probabilities, ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER)))
    centres = (boxes[:, :2] + boxes[:, 2:]) * np.float32(0.5)
    halves = (boxes[:, 2:] - boxes[:, :2]) * np.float32(0.5) * np.float32((side + 2 * _BORDER) / side)
    grown = np.concatenate([centres - halves, centres + halves], axis=1).astype(np.int64)
    return tuple(_paste(mask, box, *size) for mask, box in zip(bordered, grown, strict=True))


def _paste(mask: np.ndarray, box: np.ndarray, height: int, width: int) -> MaskRLE:
    """Scale a mask to its box and encode it: torchvision's ``paste_mask_in_image`` without a full frame."""
    x1, y1, x2, y2 = box.tolist()
    columns, rows = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    scaled = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_LINEAR)
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2 + 1, width), min(y2 + 1, height)
    inside = scaled[top - y1 : max(bottom, top) - y1, left - x1 : max(right, left) - x1] > 0.5
    return encode_mask_in_box(inside, min(left, width), min(top, height), height, width)
