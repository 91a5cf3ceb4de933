"""Recolour garments: lightness and colour move to those of a term, folds and seams stay.

Colours are moved by mean and deviation in CIELAB, after Reinhard et al., "Color transfer between images",
IEEE CG&A 2001. The wanted colour is one of the term's own prototypes and no other person's garment, so that a
copy is made from one person alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from jaxtyping import Float64

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.colours import colour_prototypes, dominant_colour
from par_core.made.garments import ACCESSORIES, LOWER, SURE, UPPER, Dressed, Garment, largest
from par_core.types import ImageU8, Mask

__all__ = ["Change", "Draw", "Recoloured", "keeps_its_colour", "move_colour", "recolour", "term_weights"]

Draw = Literal["mixed", "uniform", "real"]

_ZONE_SHARE: Final = 0.8  # of copies in which the garment of a zone is recoloured
_ACCESSORY_SHARE: Final = 0.35
_PATTERNED: Final = 0.5  # a garment whose best term has less is shifted in hue only
_NEUTRAL: Final = ("black", "white", "grey")
_JITTER: Final = (5.0, 4.0, 4.0)  # standard deviations of the wanted L, a and b
_STRETCH: Final = (0.6, 1.6)  # of a garment's deviations
_LIGHTNESS: Final = (6.0, 94.0)  # of the mean of a garment
_DARKEST, _LIGHTEST = 1.0, 99.0  # of a pixel
_MARGIN: Final = 2  # pixels around a garment that may change with it
_CHROMA: Final = (0.25, 1.2)  # of the spread of a and b
_LEAST_CHROMA: Final = 12.0  # of patterned cloth, for its hue to be seen
_MAYBE_DENIM: Final = ("shorts", "skirt", "coat_or_jacket", "shirt_or_blouse")


@dataclass(frozen=True, slots=True)
class Change:
    """A garment with another colour."""

    attribute: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Recoloured:
    """A picture with other colours.

    Attributes:
        picture: (h, w, 3); equal to the source beyond 2 pixels around the changed garments.
        changes: What is changed.
        tried: How many garments were tried.
        refused: Why garments were left, by reason.
    """

    picture: ImageU8
    changes: tuple[Change, ...]
    tried: int
    refused: Mapping[str, int]


def term_weights(draw: Draw, seen: Mapping[str, int]) -> Float64[np.ndarray, " terms"]:
    """How likely each colour term is drawn; they add up to 1.

    Args:
        draw: ``uniform``, as often as real garments have it (``real``), or half of each (``mixed``): with
            uniform colours alone the common ones lose.
        seen: How many real garments have each term.
    """
    uniform = np.full(len(COLOUR_TERMS), 1 / len(COLOUR_TERMS))
    counts = np.array([seen.get(term, 0) for term in COLOUR_TERMS], float)
    real = counts / counts.sum() if counts.sum() else uniform
    return {"uniform": uniform, "real": real, "mixed": (uniform + real) / 2}[draw]


def keeps_its_colour(garment: Garment) -> bool:
    """Whether a garment is of a cloth whose name says its colour: jeans, and blue cloth that may be denim.

    The maps of CCP name neither leather nor fur, and the vocabulary has no word for them, so that no label of
    a copy contradicts its colour.
    """
    return garment.attribute == "jeans" or (garment.attribute in _MAYBE_DENIM and garment.colour == "blue")


def recolour(
    dressed: Dressed,
    worn: Sequence[Garment],
    weights: Float64[np.ndarray, " terms"],
    rng: np.random.Generator,
) -> Recoloured:
    """Give some garments of a person another colour; hair and skin never.

    The largest garments of the upper and of the lower body are drawn independently, hats, bags, shoes and
    scarves less often. A garment is kept in its new colour only if it is then named by the wanted term.

    Args:
        dressed: The person.
        worn: Their garments.
        weights: How likely each term is.
        rng: Decides everything.
    """
    able = [each for each in worn if _able(dressed.picture, each)]
    upper, lower = largest(able, UPPER), largest(able, LOWER)
    zones = [each for each in (upper, lower) if each is not None]
    small = [each for each in able if each.attribute in ACCESSORIES]
    chosen = [each for each in zones if rng.random() < _ZONE_SHARE]
    chosen += [each for each in small if rng.random() < _ACCESSORY_SHARE]
    if not chosen and (zones or small):
        chosen = [(zones or small)[int(rng.integers(len(zones or small)))]]
    picture, changes, refused = dressed.picture.copy(), [], dict[str, int]()
    for garment in chosen:
        term = _other_term(garment, weights, rng)
        moved = _moved(picture, garment, term, rng)
        named, share = dominant_colour(moved, garment.worn)
        if named == term and share is not None and share >= SURE:
            picture = moved
            changes.append(Change(garment.attribute, str(garment.colour), term))
        else:
            reason = "patterned cloth is named otherwise" if garment.share < _PATTERNED else "named otherwise"
            refused[reason] = refused.get(reason, 0) + 1
    return Recoloured(picture, tuple(changes), len(chosen), refused)


def _able(picture: ImageU8, garment: Garment) -> bool:
    """Whether another colour can be given to a garment; patterned cloth must have a hue to turn."""
    if garment.colour is None or keeps_its_colour(garment):
        return False
    if garment.share >= _PATTERNED:
        return True
    a, b = cv2.cvtColor(picture[garment.worn][None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 1:].T
    return float(np.hypot(a, b).mean()) >= _LEAST_CHROMA


def _other_term(garment: Garment, weights: np.ndarray, rng: np.random.Generator) -> str:
    """A term other than the garment's own; a hue for patterned cloth."""
    likely = weights.copy()
    likely[COLOUR_TERMS.index(str(garment.colour))] = 0
    if garment.share < _PATTERNED:
        likely[[COLOUR_TERMS.index(term) for term in _NEUTRAL]] = 0
    return COLOUR_TERMS[int(rng.choice(len(COLOUR_TERMS), p=likely / likely.sum()))]


def _moved(picture: ImageU8, garment: Garment, term: str, rng: np.random.Generator) -> ImageU8:
    known = colour_prototypes(term)
    wanted = known[int(rng.integers(len(known)))] + rng.normal(0, _JITTER)
    wanted[0] = np.clip(wanted[0], *_LIGHTNESS)
    return move_colour(picture, garment.worn, wanted, hue_only=garment.share < _PATTERNED)


def move_colour(
    picture: ImageU8, worn: Mask, wanted: Float64[np.ndarray, "3"], *, hue_only: bool = False
) -> ImageU8:
    """Move the colours of some pixels so that their mean is another; nothing changes 2 pixels away from them.

    Args:
        picture: The picture.
        worn: Which pixels.
        wanted: Their mean L, a and b in CIELAB afterwards.
        hue_only: Turn the hue of each pixel by one angle, and leave lightness and chroma.
    """
    x, y, width, height = cv2.boundingRect(worn.astype(np.uint8))
    rows = slice(max(0, y - _MARGIN), y + height + _MARGIN)
    columns = slice(max(0, x - _MARGIN), x + width + _MARGIN)
    inside = worn[rows, columns]
    part = picture[rows, columns].astype(np.float32) / 255
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB)
    cloth = lab[inside]
    middle, spread = cloth.mean(axis=0), cloth.std(axis=0)
    if hue_only:
        angle = np.arctan2(wanted[2], wanted[1]) - np.arctan2(middle[2], middle[1])
        cos, sin = np.cos(angle), np.sin(angle)
        moved = lab.copy()
        moved[..., 1] = cos * lab[..., 1] - sin * lab[..., 2]
        moved[..., 2] = sin * lab[..., 1] + cos * lab[..., 2]
    else:
        # shading is a share of the light that cloth gives back, so light cloth shows more of it
        light = float(np.clip(np.sqrt((wanted[0] + 8) / (middle[0] + 8)), *_STRETCH))
        room = min(wanted[0] - _DARKEST, _LIGHTEST - wanted[0]) / 2  # two deviations stay in range
        light = min(light, max(_STRETCH[0], room / max(float(spread[0]), 1e-3)))
        # the chroma of one dye varies with its strength: grey cloth made of red is even
        strong = (np.hypot(*wanted[1:]) + 8) / (np.hypot(*middle[1:]) + 8)
        chroma = float(np.clip(strong, *_CHROMA))
        moved = (lab - middle) * np.array([light, chroma, chroma]) + wanted
    moved[..., 0] = np.clip(moved[..., 0], _DARKEST, _LIGHTEST)
    coloured = cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB)
    alpha = cv2.blur(inside.astype(np.float32), (3, 3))[..., None]
    mixed = part * (1 - alpha) + np.clip(coloured, 0, 1) * alpha
    changed = picture.copy()
    changed[rows, columns] = np.where(alpha > 0, np.rint(mixed * 255), picture[rows, columns])
    return changed
