"""Which part of a dressed person each attribute shows, and how much of a person must show for that."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import UInt8

from par_core.attributes.vocabulary import ATTRIBUTES

__all__ = [
    "FEET",
    "LEAST_SHOWN",
    "LOWER",
    "NEEDED",
    "NEEDED_CLOSE",
    "OTHER_PART",
    "PARTS",
    "UPPER",
    "part_codes",
]

#: In a map of attributes: a part of the person that shows none.
OTHER_PART: Final = 255
UPPER: Final = ("coat_or_jacket", "shirt_or_blouse", "top_or_tshirt", "sweater", "dress")
LOWER: Final = ("skirt", "trousers", "jeans", "shorts")
FEET: Final = ("stockings", "boots", "sandals", "heels")
#: Share of a person's height, from the top, that must show for an attribute to be known.
NEEDED: Final[Mapping[str, float]] = dict.fromkeys(FEET, 0.9) | dict.fromkeys(LOWER, 0.6)
#: The same for close portraits: what hangs or ends below the hip is not known from a portrait.
NEEDED_CLOSE: Final[Mapping[str, float]] = {
    **NEEDED,
    "belt": 0.55,
    "bag": 0.6,
    "dress": 0.6,
    "coat_or_jacket": 0.3,
    "sweater": 0.3,
}
#: The parts, in the order of their codes; ``body`` is skin and whatever the maps call otherwise.
PARTS: Final = ("background", "hair", "body", "upper", "lower", "feet", "carried")
#: Pixels of 96 x 48 from which a part is there.
LEAST_SHOWN: Final = 12
_SHOWN: Final = {
    "hair": ("long_hair",),
    "upper": UPPER,
    "lower": LOWER,
    "feet": FEET,
    "carried": ("hat", "bag", "scarf", "belt"),
}


def part_codes() -> UInt8[np.ndarray, "256"]:
    """Return the part of each code of a map of attributes: 0 for others, 1 + the place of the attribute in
    the vocabulary, ``OTHER_PART``.
    """
    names = [attribute.name for attribute in ATTRIBUTES]
    codes = np.full(256, PARTS.index("body"), np.uint8)
    codes[0] = PARTS.index("background")
    for part, attributes in _SHOWN.items():
        codes[[1 + names.index(name) for name in attributes]] = PARTS.index(part)
    return codes
