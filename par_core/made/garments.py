"""The garments of a person whose pixels are labelled, and their colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import UInt8

from par_core.attributes.clothing_parts import FEET, LOWER, UPPER
from par_core.attributes.colours import dominant_colour
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.datasets.merged_labels import (
    NAMES,
    OTHER_PART,
    LabelledPerson,
    attribute_regions,
    read_label_map,
)
from par_core.types import ImageU8, Mask

__all__ = [
    "ACCESSORIES",
    "FEET",
    "LOWER",
    "SURE",
    "UPPER",
    "Dressed",
    "Garment",
    "Regions",
    "garments",
    "largest",
    "read_dressed",
]

Regions = UInt8[np.ndarray, "h w"]

ACCESSORIES: Final = ("hat", "bag", "scarf", "boots", "sandals", "heels")
#: Share of a garment's pixels from which a term is its colour, as the readers of data sets have it.
SURE: Final = 0.4
_LEAST_PIXELS: Final = 120
_WORN: Final = tuple(attribute.name for attribute in ATTRIBUTES if attribute.ccp)


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment, or several of one attribute.

    Attributes:
        attribute: Its name.
        worn: Which pixels of the picture show it.
        pixels: How many.
        colour: The term that most pixels have; None where they are too few.
        share: Share of the pixels with it, in [0, 1].
    """

    attribute: str
    worn: Mask
    pixels: int
    colour: str | None
    share: float

    @property
    def sure_colour(self) -> str | None:
        """The colour, where enough of the pixels have it."""
        return self.colour if self.share >= SURE else None


@dataclass(frozen=True, slots=True)
class Dressed:
    """A person with a picture and a map of attributes over it.

    Attributes:
        person: The labels.
        picture: (h, w, 3).
        regions: (h, w), 0 for others, 1 + the place in ``NAMES`` of the attribute that shows, ``OTHER_PART``.
    """

    person: LabelledPerson
    picture: ImageU8
    regions: Regions


def read_dressed(person: LabelledPerson) -> Dressed | None:
    """Read picture and map; None where there is no map, it is empty, or it is of another size."""
    if person.label_map is None:
        return None
    pixels, regions = cv2.imread(str(person.image)), attribute_regions(person)
    assert regions is not None
    if pixels is None or pixels.shape[:2] != regions.shape or not regions.any():
        return None
    whole = np.where((regions == 0) & (read_label_map(person.label_map) > 0), OTHER_PART, regions)
    return Dressed(person, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), whole.astype(np.uint8))


def garments(picture: ImageU8, regions: Regions) -> list[Garment]:
    """Everything that a person wears and that shows enough pixels to name a colour."""
    counts = np.bincount(regions.ravel(), minlength=256)
    found = []
    for name in _WORN:
        code = 1 + NAMES.index(name)
        if counts[code] >= _LEAST_PIXELS:
            worn = regions == code
            colour, share = dominant_colour(picture, worn)
            found.append(Garment(name, worn, int(counts[code]), colour, share or 0.0))
    return found


def largest(worn: Sequence[Garment], kinds: Sequence[str]) -> Garment | None:
    """The garment of some kinds that shows the most pixels."""
    return max((each for each in worn if each.attribute in kinds), key=lambda each: each.pixels, default=None)
