"""Outlines of masks as polygons, for programs that read no run lengths."""

from typing import Final

import cv2
import numpy as np

from par_core.people.masks import crop_mask, mask_boxes
from par_core.types import MaskRLE

__all__ = ["mask_polygons"]

_FINER: Final = 3  # how often a pixel is divided along each side


def mask_polygons(mask: MaskRLE) -> list[list[float]]:
    """Return the outline of each connected part of a mask: x, y, x, y, ... in pixels of the image.

    The corners lie a sixth of a pixel inside the edges of the outermost pixels. So both usual ways to fill a
    polygon give these pixels again: pycocotools, which takes pixels whose centre is inside, and
    ``cv2.fillPoly`` with coordinates cut to whole numbers, which takes the line itself too. A line through
    the centres of the outermost pixels, as ``cv2.findContours`` gives it, loses them with pycocotools.

    Holes are filled, as polygons of COCO have none. A mask without pixels has no polygon.
    """
    [box] = mask_boxes([mask])
    left, top, right, bottom = map(int, box)
    inside = crop_mask(mask, left, top, right, bottom)
    finer = np.repeat(np.repeat(inside.astype(np.uint8), _FINER, axis=0), _FINER, axis=1)
    outlines, _ = cv2.findContours(finer, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [
        np.round((outline.reshape(-1, 2) + 0.5) / _FINER + (left, top), 2).ravel().tolist()
        for outline in outlines
    ]
