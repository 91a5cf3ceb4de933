"""Cutting a person out of an image, with the background eliminated (paper, section 6.3), blurred, or kept."""

from typing import Final, Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from par_core.config import CutoutConfig
from par_core.people.geometry import whole_pixels
from par_core.people.masks import crop_mask
from par_core.types import ImageU8, Mask, MaskRLE

__all__ = ["FILL", "Fill", "crop_box", "cut_out", "dilate_mask", "paint_background"]

Fill = Literal["crop", "background", "grey"]
"""What an eliminated background is painted with: the mean colour of the whole crop, that of the background
alone, or the grey that the compact describer subtracts.
"""
#: What indexing paints; ``benchmarks/fills.py`` measures the others.
FILL: Final[Fill] = "crop"
_GREY: Final = 127
_BLUR_SHARE = 0.08  # standard deviation of the blur, as a share of the cut-out's height


def cut_out(
    image: ImageU8,
    box: Float32[np.ndarray, "4"],
    mask: MaskRLE,
    config: CutoutConfig,
    aspect: float,
    fill: Fill = FILL,
) -> ImageU8:
    """Cut one person out.

    The box grows by the margin, then towards the wanted aspect (never shrinking, never distorting) as far as
    the image reaches; the models letterbox the rest.

    Args:
        image: The whole image.
        box: Box x1 y1 x2 y2 in pixels.
        mask: Mask of the person over the whole image; an empty one gives a cut-out of background only.
        config: Margin, background, dilation.
        aspect: Height divided by width that the model prefers.
        fill: What an eliminated background is painted with.

    Returns:
        The cut-out (h, w, 3), at least 1 x 1.
    """
    left, top, right, bottom = crop_box(
        box, config.margin, aspect, width=image.shape[1], height=image.shape[0]
    )
    crop = image[top:bottom, left:right]
    if config.background == "keep":
        return np.ascontiguousarray(crop)
    inside = dilate_mask(
        crop_mask(mask, left, top, right, bottom), round(config.dilate * float(box[3] - box[1]))
    )
    return paint_background(crop, inside, blur=config.background == "blur", fill=fill)


def crop_box(
    box: Float32[np.ndarray, "4"], margin: float, aspect: float, *, width: int, height: int
) -> tuple[int, int, int, int]:
    """Return the part of the image in a cut-out: left, top, right, bottom (exclusive), in whole pixels."""
    x1, y1, x2, y2 = (float(value) for value in box)
    across, down = (x2 - x1) * (1 + 2 * margin), (y2 - y1) * (1 + 2 * margin)
    across, down = max(across, down / aspect), max(down, across * aspect)
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    grown = np.array(
        [middle_x - across / 2, middle_y - down / 2, middle_x + across / 2, middle_y + down / 2], np.float32
    )
    return whole_pixels(
        np.clip(grown, 0, [width, height, width, height]).astype(np.float32), width=width, height=height
    )


def dilate_mask(mask: Mask, radius: int) -> Mask:
    """Widen a mask by a radius in pixels (Euclidean distance), in time independent of the radius."""
    if radius < 1 or not mask.any():
        return mask
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance <= radius


def paint_background(crop: ImageU8, inside: Mask, *, blur: bool, fill: Fill = FILL) -> ImageU8:
    """Replace the pixels outside of a mask by one colour, or blur them. The colour shows nothing of the
    background's structure; docs/evaluation.md has what the choices were measured to do.
    """
    if blur:
        sigma = max(1.0, _BLUR_SHARE * crop.shape[0])
        behind = cv2.GaussianBlur(crop, (0, 0), sigma)
    else:
        behind = np.full_like(crop, _colour(crop, inside, fill))
    return np.asarray(cv2.copyTo(crop, inside.astype(np.uint8), behind), np.uint8)


def _colour(crop: ImageU8, inside: Mask, fill: Fill) -> UInt8[np.ndarray, "3"]:
    if fill == "grey":
        return np.full(3, _GREY, np.uint8)
    counted = (~inside).astype(np.uint8) if fill == "background" else None
    return np.round(cv2.mean(crop, counted)[:3]).astype(np.uint8)
