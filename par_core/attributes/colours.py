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

from par_core.ids import digest_of
from par_core.people.geometry import whole_pixels
from par_core.people.masks import crop_mask
from par_core.types import ImageU8, MaskRLE

__all__ = [
    "COLOUR_TERMS",
    "NAMING",
    "GarmentColours",
    "colour_prototypes",
    "dominant_colour",
    "garment_colours",
    "is_skin",
    "name_pixels",
]

# Dark and muted colours have prototypes of their own: the pixels of what people call a dark green coat are
# nearly grey. benchmarks/colour_names.py compares the names with those of a survey and of a reader.
_PROTOTYPES: Final[dict[str, tuple[tuple[int, int, int], ...]]] = {  # sRGB
    "black": ((0, 0, 0), (22, 22, 24), (42, 40, 42)),
    "white": ((255, 255, 255), (236, 236, 236), (218, 220, 222)),
    "grey": ((178, 178, 180), (140, 140, 142), (105, 105, 108), (74, 74, 78)),
    "red": ((220, 20, 40), (165, 25, 35), (235, 65, 60), (115, 20, 30), (80, 42, 52), (165, 20, 75)),
    "orange": ((245, 135, 30), (220, 100, 35), (250, 165, 90), (250, 110, 70)),
    "yellow": ((250, 225, 50), (220, 190, 50), (245, 235, 140), (228, 229, 190)),
    "green": (
        *((40, 140, 65), (25, 75, 45), (125, 180, 85), (95, 105, 60), (150, 200, 160), (30, 140, 130)),
        *((52, 70, 68), (60, 64, 48), (36, 46, 38), (90, 88, 66), (150, 180, 25), (115, 120, 40)),
    ),
    "blue": (
        *((30, 60, 165), (65, 125, 200), (28, 36, 80), (140, 180, 220), (80, 100, 140), (50, 62, 95)),
        *((29, 32, 48), (36, 45, 60), (57, 74, 92), (195, 220, 245), (205, 245, 250)),
    ),
    "purple": (
        *((110, 50, 145), (160, 115, 190), (75, 35, 85)),
        *((45, 22, 42), (64, 40, 62), (130, 90, 125), (195, 185, 215)),
    ),
    "pink": (
        *((245, 150, 180), (230, 75, 140), (245, 195, 205), (205, 120, 135)),
        *((195, 10, 120), (245, 225, 225)),
    ),
    "brown": (
        *((110, 70, 45), (80, 52, 38), (150, 100, 65), (60, 42, 34)),
        *((92, 78, 68), (54, 46, 38), (125, 45, 15), (140, 95, 20)),
    ),
    "beige": ((215, 190, 160), (232, 216, 192), (190, 166, 135), (205, 175, 120)),
}

#: The terms, in the order of the codes of ``name_pixels``.
COLOUR_TERMS: Final = tuple(_PROTOTYPES)

#: Digest of the naming: what stored colours were named by. The number counts the rules of this file.
NAMING: Final = digest_of("colours/2", json.dumps(_PROTOTYPES))

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
    return _lab(np.array(_PROTOTYPES[term], np.uint8))


@lru_cache(maxsize=1)
def _table() -> UInt8[np.ndarray, " c"]:
    """Nearest term of each of 2^15 colours."""
    step = 1 << (8 - _BITS)
    levels = np.arange(step // 2, 256, step, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    codes = np.repeat(np.arange(len(_PROTOTYPES)), [len(colours) for colours in _PROTOTYPES.values()])
    prototypes = _lab(np.array([colour for colours in _PROTOTYPES.values() for colour in colours], np.uint8))
    distances = np.linalg.norm(_lab(grid)[:, None] - prototypes[None], axis=2)
    return codes[distances.argmin(axis=1)].astype(np.uint8)


def _lab(pixels: UInt8[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    return cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]


def is_skin(pixels: UInt8[np.ndarray, "n 3"]) -> Shaped[np.ndarray, " n"]:
    """Return which of (n, 3) pixels may be skin: Chai and Ngan's range of skin in YCbCr (IEEE TCSVT 1999): 77
    <= Cb <= 127, 133 <= Cr <= 173, and not dark.
    """
    y, cr, cb = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2YCrCb)[0].T
    return (cb >= 77) & (cb <= 127) & (cr >= 136) & (cr <= 173) & (y > 80)
