"""Paste the masks of Mask R-CNN inside their boxes only: torchvision's own steps without full frames."""

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import expand_boxes, expand_masks

from par_core.people.masks import encode_mask_in_box
from par_core.types import MaskRLE

__all__ = ["paste_masks"]


def paste_masks(probabilities: Tensor, boxes: Tensor, size: tuple[int, int]) -> tuple[MaskRLE, ...]:
    """Return the masks of boxes as whole-image masks.

    Args:
        probabilities: (n, 28, 28) of the mask head, in [0, 1].
        boxes: (n, 4) in pixels of the image.
        size: Height and width of the image.
    """
    return tuple(
        _paste(mask, box, *size)
        for mask, box in zip(_expanded(probabilities), _expanded_boxes(boxes, probabilities), strict=True)
    )


def _expanded(probabilities: Tensor) -> Tensor:
    """Torchvision's border of one pixel around each 28 x 28 mask: (n, 30, 30)."""
    return expand_masks(probabilities[:, None], padding=1)[0][:, 0]


def _expanded_boxes(boxes: Tensor, probabilities: Tensor) -> Tensor:
    scale = (probabilities.shape[-1] + 2) / probabilities.shape[-1]
    return expand_boxes(boxes, scale).to(torch.int64)


def _paste(mask: Tensor, box: Tensor, height: int, width: int) -> MaskRLE:
    """Scale a mask to its box and encode it: torchvision's ``paste_mask_in_image`` without a full frame."""
    x1, y1, x2, y2 = box.tolist()
    columns, rows = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    scaled = nn.functional.interpolate(
        mask[None, None], size=(rows, columns), mode="bilinear", align_corners=False
    )[0, 0]
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2 + 1, width), min(y2 + 1, height)
    inside = (scaled[top - y1 : max(bottom, top) - y1, left - x1 : max(right, left) - x1] > 0.5).numpy()
    return encode_mask_in_box(inside, min(left, width), min(top, height), height, width)
