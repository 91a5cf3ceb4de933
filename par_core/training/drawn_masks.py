"""Outlines of people for which a data set gives only boxes, drawn by a segmenter that has learned already.

The mask head works on the given boxes, so that people that the segmenter would not find by itself are
drawn too. Crowds are often boxed only, and photographs of crowds are what the outlined data sets lack.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from par_core.datasets.outlines import BoxedPhoto, Photo, read_picture
from par_core.models.segmenter import MaskRCNNSegmenter
from par_core.people.masks import decode_mask

__all__ = ["draw_masks"]


def draw_masks(segmenter: MaskRCNNSegmenter, boxed: Sequence[BoxedPhoto], folder: Path) -> tuple[Photo, ...]:
    """Draw label maps into a folder; smaller people are drawn over larger ones, which would hide them whole.

    Args:
        segmenter: Draws.
        boxed: Photographs.
        folder: Where the label maps go.

    Returns:
        The photographs, of the source ``coco``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for each in boxed:
        image, boxes = each.image, each.boxes
        picture = read_picture(image)
        masks = segmenter.outline(picture, boxes)
        labels = np.zeros(picture.shape[:2], np.uint8)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        for number, i in enumerate(np.argsort(-areas, kind="stable"), start=1):
            labels[decode_mask(masks[i])] = number
        file = folder / f"{image.stem}.png"
        cv2.imwrite(str(file), labels)
        photos.append(Photo("coco", image, file))
    return tuple(photos)
