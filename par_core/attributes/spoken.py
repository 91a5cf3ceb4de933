"""The parts of a text: the things that it lists, and the attributes and colours that it names in words of the
vocabulary.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.vocabulary import ATTRIBUTES, Attribute

__all__ = [
    "NamedAttribute",
    "NamedColour",
    "chunks_of",
    "content_words",
    "named_attributes",
    "named_colours",
    "spoken_words",
]

_WORD: Final = r"[^\W_]+(?:-[^\W_]+)*"
_T_SHIRT: Final = re.compile(r"\b(?:t|tee)(?: |(?<=tee)-)shirt(?=s?\b)")
_BETWEEN: Final = re.compile(
    r"\s*(?:,|;|\band\b|\bwith\b|\bwearing\b|\bcarrying\b|\bholding\b|\bin\b(?=\s+(?:an?|the|his|her)\b))\s*",
    re.IGNORECASE,
)
_NOT_A_THING: Final = frozenset(
    [
        *(
            "a",
            "an",
            "the",
            "person",
            "people",
            "persons",
            "someone",
            "somebody",
            "everyone",
            "everybody",
            "anyone",
        ),
        *("anybody", "photo", "picture", "of", "who", "is"),
        *("and", "in", "with", "wearing", "carrying", "holding", "on", "at", "by", "or"),
    ]
)
_UPPER: Final = ("coat_or_jacket", "shirt_or_blouse", "top_or_tshirt", "sweater")
_LOWER: Final = ("skirt", "trousers", "jeans", "shorts")
_BOTH: Final = ("dress",)
_OTHER_NAMES: Final = {"gray": "grey"}
_MALE: Final = ("man", "men", "male", "males", "boy", "boys", "gentleman", "gentlemen", "guy", "guys")
_FEMALE: Final = ("woman", "women", "female", "females", "girl", "girls", "lady", "ladies")
# what people call a thing in searches besides the nouns of the vocabulary, which captions are made of
_ALSO_CALLED: Final[dict[str, tuple[str, ...]]] = {
    "glasses": (
        *("spectacles", "eyeglasses", "specs", "shades", "sun glasses", "sun-glasses", "eye-glasses"),
    ),
    "bag": ("hand-bag",),
    "top_or_tshirt": ("tshirt",),
    "sweater": ("sweatshirt", "hoodie", "hoody"),
    "dress": ("frock",),
    "trousers": ("slacks", "pant", "legging"),
    "jeans": ("denims",),
    "stockings": ("stocking", "sock", "pantyhose"),
    "boots": ("boot",),
    "sandals": ("sandal",),
    "heels": ("heel", "high-heels", "high heeled shoes", "high-heeled shoes"),
}


@dataclass(frozen=True, slots=True)
class NamedAttribute:
    """An attribute that a text names.

    Attributes:
        name: Name of the attribute in the vocabulary.
        wanted: Whether the attribute itself is named; False for its opposite: ``man`` names the attribute
            ``female``.
        spoken: Words that name it.
    """

    name: str
    wanted: bool
    spoken: str


@dataclass(frozen=True, slots=True)
class NamedColour:
    """The colour of a garment that a text names.

    Attributes:
        places: Places of the garment on the body: ``upper``, ``lower`` or both.
        colour: Term of ``COLOUR_TERMS``.
        spoken: Words that name it.
        near: Further terms that fit as well.
    """

    places: tuple[str, ...]
    colour: str
    spoken: str
    near: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """All terms that fit."""
        return (self.colour, *self.near)


def chunks_of(text: str) -> tuple[str, ...]:
    """Return the things that a text lists: "a white dress and a black bag" gives "a white dress", "a black
    bag". A text with fewer than two things gives none.
    """
    chunks = tuple(
        chunk for chunk in (piece.strip(" .") for piece in _BETWEEN.split(text)) if content_words(chunk)
    )
    return chunks if len(chunks) > 1 else ()


def content_words(text: str) -> tuple[str, ...]:
    """Return the words of a text that say something about a person, in small letters."""
    return tuple(word for word in re.findall(_WORD, text.lower()) if word not in _NOT_A_THING)


def named_attributes(text: str) -> tuple[NamedAttribute, ...]:
    """Return the attributes whose nouns, or whose plainest phrase, occur in a text; each once, in the order
    of the vocabulary.
    """
    words = f" {' '.join(_words_of(text))} "
    named: dict[str, NamedAttribute] = {}
    for spoken, name, wanted in _spoken():
        if name not in named and f" {spoken} " in words:
            named[name] = NamedAttribute(name, wanted, spoken)
    return tuple(named.values())


def named_colours(text: str) -> tuple[NamedColour, ...]:
    """Return the colours that stand before the noun of a garment of the upper or lower body, at most one word
    away; in the order of the text.
    """
    words = _words_of(text)
    named = []
    for i, word in enumerate(words):
        colour = _OTHER_NAMES.get(word, word)
        if colour in COLOUR_TERMS:
            nearest = next((j for j in (i + 1, i + 2) if j < len(words) and words[j] in _worn()), None)
            if nearest is not None:
                named.append(NamedColour(_worn()[words[nearest]], colour, " ".join(words[i : nearest + 1])))
    return tuple(named)


def spoken_words() -> tuple[str, ...]:
    """Return the words that name attributes, each once."""
    return tuple(dict.fromkeys(spoken for spoken, _, _ in _spoken()))


@lru_cache(maxsize=1)
def _worn() -> dict[str, tuple[str, ...]]:
    """Places of each garment whose noun is one word."""
    places = {
        **dict.fromkeys(_UPPER, ("upper",)),
        **dict.fromkeys(_LOWER, ("lower",)),
        **dict.fromkeys(_BOTH, ("upper", "lower")),
    }
    garments = [attribute for attribute in ATTRIBUTES if attribute.name in places]
    return {
        form: places[attribute.name]
        for attribute in garments
        for noun in _nouns(attribute)
        if " " not in noun
        for form in _forms(noun)
    }


@lru_cache(maxsize=1)
def _spoken() -> tuple[tuple[str, str, bool], ...]:
    """Words, the attribute that they name, and whether they mean it or its opposite; longer words before the
    words that they contain.
    """
    return tuple(_each_spoken())


def _each_spoken() -> Iterator[tuple[str, str, bool]]:
    yield from ((word, "female", False) for word in _MALE)
    yield from ((word, "female", True) for word in _FEMALE)
    for spoken, wanted in (
        ("from the front", True),
        ("facing the camera", True),
        ("from behind", False),
        ("from the back", False),
    ):
        yield spoken, "front", wanted
    for length, wanted in (("long", True), ("short", False)):
        hair = (" hair", "-haired", " haired", "haired")
        yield from ((length + spoken, "long_hair", wanted) for spoken in hair)
    for attribute in ATTRIBUTES:
        for noun in sorted({attribute.name.replace("_", " "), *_nouns(attribute)}, key=len, reverse=True):
            if attribute.nouns:
                yield from ((form, attribute.name, True) for form in _forms(noun))


def _words_of(text: str) -> list[str]:
    return re.findall(_WORD, _T_SHIRT.sub("t-shirt", text.lower()))


def _nouns(attribute: Attribute) -> tuple[str, ...]:
    return (*attribute.nouns, *_ALSO_CALLED.get(attribute.name, ()))


def _forms(noun: str) -> tuple[str, ...]:
    """A noun and its plural."""
    if noun.endswith("s"):
        return (noun, noun + "es") if noun.endswith("ss") else (noun,)
    return (noun, noun + "s", *([noun[:-1] + "ves"] if noun.endswith("f") else []))
