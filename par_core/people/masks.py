"""Masks as COCO run-length, by pycocotools: compact, exact, and what every segmentation tool reads."""

import numpy as np
from pycocotools import mask as coco

from par_core.errors import BadInputError
from par_core.types import BoxesXYXY, Mask, MaskRLE

__all__ = ["crop_mask", "decode_mask", "encode_mask", "encode_mask_in_box", "mask_area", "mask_boxes"]


def encode_mask(mask: Mask) -> MaskRLE:
    """Encode a mask of a whole image."""
    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return MaskRLE(mask.shape[0], mask.shape[1], encoded["counts"])


def encode_mask_in_box(inside: Mask, left: int, top: int, height: int, width: int) -> MaskRLE:
    """Encode a mask that is given only inside a box; nothing is set outside.

    Only the columns of the box are run through the encoder; the rest of the image is two runs of zeros.

    Args:
        inside: (box height, box width), the mask inside the box.
        left: Column of the image where the box begins.
        top: Row of the image where the box begins.
        height: Of the image, pixels.
        width: Of the image, pixels.

    Raises:
        BadInputError: The box does not lie inside the image.
    """
    rows, columns = inside.shape
    if left < 0 or top < 0 or left + columns > width or top + rows > height:
        raise BadInputError(f"a mask of {columns}x{rows} pixels at ({left}, {top}) does not fit into an image of {width}x{height}")
    strip = np.zeros((height, columns), np.uint8, order="F")
    strip[top : top + rows] = inside
    flat = strip.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    bounds = np.concatenate([[0], edges + left * height, [height * width]])
    if len(edges) % 2:  # the last run of ones ends with the strip
        bounds = np.insert(bounds, -1, (left + columns) * height)
    runs = np.diff(bounds).tolist()
    if runs[-1] == 0:
        runs.pop()
    encoded = coco.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    return MaskRLE(height, width, encoded["counts"])


def decode_mask(mask: MaskRLE) -> Mask:
    """Decode a mask to the size of its image.

    Raises:
        BadInputError: The counts do not describe a mask of that size.
    """
    decoded = coco.decode(_coco(mask))
    return decoded.astype(bool)


def crop_mask(mask: MaskRLE, left: int, top: int, right: int, bottom: int) -> Mask:
    """The part of a mask inside a box of whole pixels that lies in the image."""
    return decode_mask(mask)[top:bottom, left:right]


def mask_area(mask: MaskRLE) -> int:
    """Pixels inside the mask."""
    return int(coco.area(_coco(mask)))


def mask_boxes(masks: list[MaskRLE]) -> BoxesXYXY:
    """Tight boxes around masks: (n, 4) x1 y1 x2 y2."""
    boxes = np.array([coco.toBbox(_coco(mask)) for mask in masks], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _coco(mask: MaskRLE) -> dict[str, object]:
    return {"size": [mask.height, mask.width], "counts": mask.counts}
