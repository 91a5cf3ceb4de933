"""The attributes of a person: their names, their exclusive groups, and the words for them.

One table serves training (the labels of a data set that mean an attribute, the phrases of captions),
zero-shot classification (a prompt and its opposite) and search by text. Phrases complete "a photo of a person
...".
"""

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ATTRIBUTES",
    "BY_NAME",
    "EXCLUSIVE",
    "NEUTRAL_PROMPTS",
    "TEMPLATES",
    "Attribute",
    "prompts",
    "with_colour",
]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Attributes:
        name: Name of the column in the store; a plain word for filters.
        phrases: Phrases for a person who has it, the plainest first.
        opposite: Phrase for a person who does not.
        nouns: Names of the thing itself, which a colour may precede; empty if the attribute is no thing.
        ccp: Labels of Clothing Co-Parsing (Yang, Luo, Lin, CVPR 2014) that mean it.
    """

    name: str
    phrases: tuple[str, ...]
    opposite: str
    nouns: tuple[str, ...] = ()
    ccp: tuple[str, ...] = ()


def _wearing(name: str, *nouns: str, ccp: tuple[str, ...], plural: bool = False) -> Attribute:
    article = "" if plural else "a "
    spoken = tuple(
        verb + (article if not noun.startswith(("a ", "an ")) else "") + noun
        for noun in nouns
        for verb in ("wearing ", "in ")
    )
    return Attribute(
        name,
        (*spoken, *(f"with {article}{noun}" for noun in nouns)),
        f"without {article}{nouns[0]}",
        nouns,
        ccp,
    )


ATTRIBUTES: Final[tuple[Attribute, ...]] = (
    Attribute("female", ("who is a woman", "who is female"), "who is a man"),
    Attribute("front", ("facing the camera", "seen from the front", "from the front"), "seen from behind"),
    Attribute("long_hair", ("with long hair",), "with short hair"),
    _wearing("hat", "hat", "cap", "beanie", ccp=("hat",)),
    Attribute(
        "glasses",
        ("wearing glasses", "with glasses", "wearing sunglasses", "with sunglasses"),
        "without glasses",
        ("glasses", "sunglasses"),
        ("glasses", "sunglasses"),
    ),
    Attribute(
        "bag",
        (
            "with a bag",
            "carrying a bag",
            "with a handbag",
            "carrying a handbag",
            "holding a purse",
            "with a purse",
        ),
        "without a bag",
        ("bag", "handbag", "purse"),
        ("bag", "purse", "wallet"),
    ),
    _wearing("scarf", "scarf", "shawl", ccp=("scarf",)),
    _wearing("belt", "belt", ccp=("belt",)),
    _wearing("coat_or_jacket", "coat", "jacket", "blazer", ccp=("coat", "jacket", "blazer", "cape")),
    _wearing("shirt_or_blouse", "shirt", "blouse", ccp=("shirt", "blouse")),
    _wearing("top_or_tshirt", "t-shirt", "top", "tee", ccp=("t-shirt", "top")),
    _wearing(
        "sweater",
        "sweater",
        "pullover",
        "jumper",
        "cardigan",
        ccp=("sweater", "sweatshirt", "jumper", "cardigan", "hoodie"),
    ),
    _wearing("dress", "dress", "gown", ccp=("dress", "romper")),
    _wearing("skirt", "skirt", ccp=("skirt",)),
    _wearing("trousers", "trousers", "pants", "leggings", ccp=("pants", "leggings"), plural=True),
    _wearing("jeans", "jeans", "denim trousers", ccp=("jeans",), plural=True),
    _wearing("shorts", "shorts", "short pants", ccp=("shorts",), plural=True),
    _wearing("stockings", "stockings", "tights", "socks", ccp=("stockings", "tights", "socks"), plural=True),
    _wearing("boots", "boots", ccp=("boots",), plural=True),
    _wearing("sandals", "sandals", ccp=("sandals",), plural=True),
    _wearing("heels", "high heels", "heels", "pumps", ccp=("heels", "pumps", "wedges"), plural=True),
)

BY_NAME: Final = {attribute.name: attribute for attribute in ATTRIBUTES}

#: Groups of attributes of which a person usually has at most one.
EXCLUSIVE: Final[tuple[tuple[str, ...], ...]] = (("dress", "skirt", "trousers", "jeans", "shorts"),)

#: A query is embedded in each of these, and the mean is searched for (Radford et al. 2021, section 3.1.4).
TEMPLATES: Final = ("a photo of {}.", "{}.", "a street photo of {}.")

#: Sentences about a person in general, against which a query is compared for its probability.
NEUTRAL_PROMPTS: Final = (
    "a photo of a person.",
    "a photo of somebody.",
    "a street photo of a person.",
    "a photo of someone standing.",
)


def with_colour(noun: str, colour: str) -> str:
    """Return a garment of a colour with its article: "a red dress", "an orange coat", "blue jeans"."""
    several = noun.endswith("s") and noun != "dress"
    return f"{'' if several else 'an ' if colour[0] in 'aeiou' else 'a '}{colour} {noun}"


def prompts(attribute: Attribute) -> tuple[str, str]:
    """Return a sentence for an attribute and one for its opposite, for zero-shot classification."""
    return f"a photo of a person {attribute.phrases[0]}.", f"a photo of a person {attribute.opposite}."
