"""Masks in COCO's run-length code, by pycocotools: compact, exact, and read by every segmentation tool."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64
from pycocotools import mask as coco

from par_core.errors import BadInputError
from par_core.types import BoxesXYXY, Mask, MaskRLE

__all__ = [
    "crop_mask",
    "decode_mask",
    "encode_mask",
    "encode_mask_in_box",
    "mask_area",
    "mask_boxes",
    "share_inside",
]


def encode_mask(mask: Mask) -> MaskRLE:
    """Encode a mask of a whole image."""
    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return MaskRLE(mask.shape[0], mask.shape[1], encoded["counts"])


def encode_mask_in_box(inside: Mask, left: int, top: int, height: int, width: int) -> MaskRLE:
    """Encode a mask that is known inside a box and empty outside.

    Only the columns of the box are run through the encoder; the rest of the image is two runs of zeros.

    Args:
        inside: Mask inside the box, (box height, box width).
        left: Column of the image where the box begins.
        top: Row of the image where the box begins.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Raises:
        BadInputError: The box does not lie inside the image.
    """
    rows, columns = inside.shape
    if left < 0 or top < 0 or left + columns > width or top + rows > height:
        raise BadInputError(
            f"a mask of {columns}x{rows} pixels at ({left}, {top}) does not fit into an image of"
            f" {width}x{height}"
        )
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
    return crop_mask(mask, 0, 0, mask.width, mask.height)


def crop_mask(mask: MaskRLE, left: int, top: int, right: int, bottom: int) -> Mask:
    """Return the part of a mask inside a box of whole pixels that lies in the image; only the columns of the
    box are decoded.

    Raises:
        BadInputError: The counts do not describe a mask of the image's size, or the box leaves the image.
    """
    if not (0 <= left <= right <= mask.width and 0 <= top <= bottom <= mask.height):
        raise BadInputError(
            f"a box ({left}, {top}, {right}, {bottom}) does not fit into a mask of {mask.width}x{mask.height}"
        )
    edges = np.clip(np.cumsum(_runs(mask)), left * mask.height, right * mask.height) - left * mask.height
    set_ = np.arange(len(edges)) % 2 == 1  # runs of zeros and ones take turns, zeros first
    strip = np.repeat(set_, np.diff(edges, prepend=0)).reshape(right - left, mask.height)
    return np.ascontiguousarray(strip.T[top:bottom])


def mask_area(mask: MaskRLE) -> int:
    """Return the number of pixels inside the mask.

    Raises:
        BadInputError: The counts do not describe a mask of that size.
    """
    return int(_runs(mask)[1::2].sum())


def mask_boxes(masks: list[MaskRLE]) -> BoxesXYXY:
    """Return tight boxes around masks: (n, 4) x1 y1 x2 y2."""
    boxes = np.array([coco.toBbox(_coco(mask)) for mask in masks], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def share_inside(mask: MaskRLE, others: Sequence[MaskRLE]) -> float:
    """Return the share of a mask's pixels that lie inside at least one of some other masks of the same image,
    in [0, 1]; 0 for a mask without pixels.

    Raises:
        BadInputError: The counts do not describe a mask of that size.
    """
    area = mask_area(mask)
    if not area or not sum(map(mask_area, others)):
        return 0.0
    union = coco.merge([_coco(other) for other in others])
    return float(coco.area(coco.merge([union, _coco(mask)], intersect=True)) / area)


def _runs(mask: MaskRLE) -> Int64[np.ndarray, " r"]:
    """Lengths of the runs, zeros first, checked: pycocotools itself returns uninitialised memory for damaged
    counts.

    COCO writes each length in groups of five bits, the lowest first, in characters from "0" on (bit 6: more
    follow), and from the fourth length on the difference to the length two before.
    """
    pixels = mask.height * mask.width
    codes = np.frombuffer(mask.counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((codes & 0x20) == 0)
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or not len(ends) or ends[-1] != len(codes) - 1:
        raise BadInputError(f"no run-length code of a mask: {mask.counts[:20]!r}")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 8:  # 40 bits: more than any image has pixels
        raise BadInputError(f"a run of a mask is longer than {pixels} pixels")
    runs = np.add.reduceat((codes & 0x1F) << 5 * (np.arange(len(codes)) - np.repeat(starts, lengths)), starts)
    runs -= np.where(codes[ends] & 0x10, 1 << 5 * lengths, 0)  # the highest bit is the sign
    runs[1::2], runs[2::2] = np.cumsum(runs[1::2]), np.cumsum(runs[2::2])
    if runs.min() < 0 or runs.sum() != pixels:
        raise BadInputError(
            f"the runs of a mask cover {runs.sum()} pixels, its image has {mask.width}x{mask.height}"
        )
    return runs


def _coco(mask: MaskRLE) -> dict[str, object]:
    return {"size": [mask.height, mask.width], "counts": mask.counts}
