"""Which attributes of the published data sets mean the same as one of PAR's own vocabulary, so that a model
of that vocabulary can answer them.

Only what means the same is here. PA-100K's ``HandBag`` is one bag of several, its ``Skirt&Dress`` two
garments: no attribute of PAR's says so much or so little, and they stay unanswered.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from par_core.attributes.vocabulary import BY_NAME

__all__ = ["Meaning", "answer_to", "meaning_of"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """An attribute by another name.

    Attributes:
        name: Name of the attribute.
        opposite: Who has the one lacks the other.
    """

    name: str
    opposite: bool = False


_MEANINGS: Final[dict[str, tuple[str, ...]]] = {
    "female": ("Female", "Femal", "gender"),
    "front": ("Front", "faceFront"),
    "long_hair": ("hairLong", "hs-LongHair", "hair"),
    "hat": ("Hat", "hs-Hat", "accessoryHat"),
    "glasses": ("Glasses", "hs-Glasses", "accessorySunglasses"),
    "scarf": ("hs-Muffler", "accessoryMuffler"),
    "shirt_or_blouse": ("ub-Shirt",),
    "sweater": ("ub-Sweater",),
    "top_or_tshirt": ("ub-TShirt", "upperBodyTshirt"),
    "coat_or_jacket": ("ub-Jacket", "upperBodyJacket"),
    "dress": ("lb-Dress",),
    "skirt": ("lb-Skirt",),
    "trousers": ("Trousers", "lb-LongTrousers", "lowerBodyTrousers"),
    "jeans": ("lb-Jeans", "lowerBodyJeans"),
    "shorts": ("Shorts", "lowerBodyShorts"),
    "boots": ("boots", "shoes-Boots", "shoes-Boot"),
    "sandals": ("footwearSandals",),
}
_OPPOSITES: Final = {"personalMale": "female"}
_BY_NAME: Final = {other: Meaning(name) for name, others in _MEANINGS.items() for other in others} | {
    other: Meaning(name, opposite=True) for other, name in _OPPOSITES.items()
}


def meaning_of(attribute: str) -> Meaning | None:
    """The attribute of PAR's own vocabulary that means the same, or the opposite."""
    return Meaning(attribute) if attribute in BY_NAME else _BY_NAME.get(attribute)


def answer_to(attribute: str, known: Collection[str]) -> Meaning | None:
    """Which of the attributes that a model knows answers one of a data set: the one of the same name before
    one of the same meaning; None if none does.
    """
    if attribute in known:
        return Meaning(attribute)
    meaning = meaning_of(attribute)
    return meaning if meaning is not None and meaning.name in known else None
