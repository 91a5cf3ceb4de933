"""Garment colours from the pixels inside a person's mask: no model, so they work in every profile.

Each pixel takes the basic colour term (Berlin and Kay 1969; beige added) whose nearest prototype is closest
in CIELAB; a garment's colour is the term that most of its pixels take. The idea of naming pixels and counting
follows van de Weijer et al., "Learning Color Names for Real-World Applications", IEEE TIP 2009; the
prototypes are our own.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, Shaped, UInt8

from par_core.attributes.colour_terms import COLOUR_TERMS, PROTOTYPES
from par_core.ids import digest_of
from par_core.people.geometry import whole_pixels
from par_core.people.masks import crop_mask
from par_core.types import ImageU8, MaskRLE

__all__ = [
    "NAMING",
    "GarmentColours",
    "colour_prototypes",
    "dominant_colour",
    "garment_colours",
    "is_skin",
    "name_pixels",
]

#: Digest of the naming: what stored colours were named by. The number counts the rules of this file.
NAMING: Final = digest_of("colours/2", json.dumps(PROTOTYPES))

_BITS: Final = 5  # bits of each channel in the look-up table
_LEAST_PIXELS: Final = 30
_UPPER, _LOWER = (0.18, 0.50), (0.52, 0.88)  # rows of a standing person's box that its garments cover
_STANDING: Final = 1.5  # height divided by width from which a box is expected to show the legs


@dataclass(frozen=True, slots=True)
class GarmentColours:
    """Colours of the clothes on the upper and the lower body.

    Attributes:
        upper: Colour term of the upper body, or None if too few pixels show.
        upper_share: Share of the garment's pixels with that term, in [0, 1]; None like ``upper``.
        lower: Colour term of the lower body, or None if too few pixels show or the box is too wide to hold a
            standing person.
        lower_share: Share of the garment's pixels with that term, in [0, 1]; None like ``lower``.
    """

    upper: str | None
    upper_share: float | None
    lower: str | None
    lower_share: float | None


def garment_colours(image: ImageU8, box: Float32[np.ndarray, "4"], mask: MaskRLE) -> GarmentColours:
    """Name the colours of one person's clothes.

    Args:
        image: The whole image.
        box: Box x1 y1 x2 y2 in pixels.
        mask: Mask of the person over the whole image.
    """
    left, top, right, bottom = whole_pixels(box, width=image.shape[1], height=image.shape[0])
    crop = image[top:bottom, left:right]
    inside = cv2.erode(
        crop_mask(mask, left, top, right, bottom).astype(np.uint8), np.ones((3, 3), np.uint8)
    ).astype(bool)
    height, width = inside.shape
    if height / width < _STANDING:  # cut at the waist or seated: the pixels below the head are the upper body
        upper, upper_share = dominant_colour(crop[int(0.35 * height) :], inside[int(0.35 * height) :])
        return GarmentColours(upper, upper_share, None, None)
    upper_and_lower = [
        dominant_colour(crop[int(a * height) : int(b * height)], inside[int(a * height) : int(b * height)])
        for a, b in (_UPPER, _LOWER)
    ]
    return GarmentColours(*upper_and_lower[0], *upper_and_lower[1])


def dominant_colour(pixels: ImageU8, inside: Shaped[np.ndarray, "h w"]) -> tuple[str | None, float | None]:
    """Return the most frequent colour term inside a mask, and its share; skin counts only if nothing else is
    left.

    Returns:
        The term and its share in [0, 1]; None and None if fewer than 30 pixels are inside.
    """
    chosen = pixels[inside]
    if len(chosen) < _LEAST_PIXELS:
        return None, None
    clothed = chosen[~is_skin(chosen)]
    if len(clothed) >= max(_LEAST_PIXELS, len(chosen) // 5):
        chosen = clothed
    counts = np.bincount(name_pixels(chosen), minlength=len(COLOUR_TERMS))
    best = int(counts.argmax())
    return COLOUR_TERMS[best], float(counts[best] / counts.sum())


def name_pixels(pixels: UInt8[np.ndarray, "n 3"]) -> UInt8[np.ndarray, " n"]:
    """Return the code of the nearest colour term of each pixel: (n,) indices into ``COLOUR_TERMS``."""
    coarse = (pixels >> (8 - _BITS)).astype(np.int32)
    return _table()[(coarse[:, 0] << 2 * _BITS) + (coarse[:, 1] << _BITS) + coarse[:, 2]]


def colour_prototypes(term: str) -> Float32[np.ndarray, "n 3"]:
    """Return the colours that a term is known by, in CIELAB: L in [0, 100], a and b."""
    return _lab(np.array(PROTOTYPES[term], np.uint8))


@lru_cache(maxsize=1)
def _table() -> UInt8[np.ndarray, " c"]:
    """Nearest term of each of 2^15 colours."""
    step = 1 << (8 - _BITS)
    levels = np.arange(step // 2, 256, step, dtype=np.uint8)
    grid = _lab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3))
    nearest, codes = np.full(len(grid), np.inf, np.float32), np.zeros(len(grid), np.uint8)
    for code, colours in enumerate(PROTOTYPES.values()):
        for colour in _lab(np.array(colours, np.uint8)):
            distances = np.linalg.norm(grid - colour, axis=1)
            nearer = distances < nearest
            nearest[nearer], codes[nearer] = distances[nearer], code
    return codes


def _lab(pixels: UInt8[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def is_skin(pixels: UInt8[np.ndarray, "n 3"]) -> Shaped[np.ndarray, " n"]:
    """Return which of (n, 3) pixels may be skin: Chai and Ngan's range of skin in YCbCr (IEEE TCSVT 1999): 77
    <= Cb <= 127, 133 <= Cr <= 173, and not dark.
    """
    y, cr, cb = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2YCrCb)[0].T
    return (cb >= 77) & (cb <= 127) & (cr >= 136) & (cr <= 173) & (y > 80)
