"""Words of a question and what can be done with them: which are completed while one types, which the model
does not know, which wider word such a word is read as, and which word may have been meant.

Nothing here looks at people, so that it can be said before a search runs.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import spoken_words
from par_core.models.base import TextEncoder
from par_core.query.fields import FIELDS
from par_core.query.language import AllOf, AnyOf, Negated, Node, Phrase, Weighted

__all__ = ["completions", "near_words", "read_as", "wider_word"]

_WIDER: Final[dict[str, tuple[str, ...]]] = {
    "bag": (
        *("backpack", "rucksack", "satchel", "suitcase", "briefcase", "tote", "luggage", "clutch", "pouch"),
        *("knapsack", "daypack", "holdall", "shopper"),
    ),
    "hat": (
        *(
            "helmet",
            "turban",
            "bonnet",
            "beret",
            "fedora",
            "bandana",
            "hood",
            "headgear",
            "sombrero",
            "bowler",
        ),
    ),
    "scarf": ("headscarf", "hijab", "veil", "bandanna", "neckerchief"),
    "coat": ("parka", "anorak", "raincoat", "trenchcoat", "cloak", "poncho", "overcoat", "mackintosh"),
    "jacket": ("blouson", "windbreaker", "anorak", "bomber", "suit", "tuxedo", "fleece"),
    "sweater": ("turtleneck", "knitwear", "waistcoat", "gilet"),
    "t-shirt": ("polo", "tank", "jersey", "vest", "singlet"),
    "skirt": ("kilt", "miniskirt"),
    "trousers": ("chinos", "sweatpants", "joggers", "culottes", "overalls", "dungarees", "jumpsuit"),
    "shorts": ("capris", "bermudas"),
    "glasses": ("goggles",),
    "man": ("father", "husband", "grandfather", "bloke"),
    "woman": ("mother", "wife", "grandmother"),
    "green": ("teal", "olive", "khaki", "lime", "mint"),
    "blue": ("turquoise", "cyan", "indigo"),
    "red": ("maroon", "burgundy", "scarlet"),
    "pink": ("magenta", "fuchsia", "salmon", "coral"),
    "purple": ("lavender", "lilac", "mauve"),
    "yellow": ("mustard", "gold", "golden"),
    "white": ("ivory",),
    "grey": ("silver", "charcoal"),
    "beige": ("cream", "sand"),
}
_READ_AS: Final = {narrow: wide for wide, narrows in _WIDER.items() for narrow in narrows}
_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_COMPLETED: Final = re.compile(r'(?P<before>.*?)(?P<last>[^\s()"^]*)$', re.DOTALL)
_ALIKE: Final = 0.75
_MOST: Final = 8
_ANSWERS: Final = ("yes", "no", "sure", "maybe")


def wider_word(word: str) -> str | None:
    """Return the word that stands for a word which a model of clothes cannot know, or None: "bag" for
    "rucksacks".
    """
    small = word.lower()
    return _READ_AS.get(small) or _READ_AS.get(small.removesuffix("s"))


def near_words(word: str) -> tuple[str, ...]:
    """Return up to two words of the vocabulary that are spelt nearly like a word."""
    return tuple(difflib.get_close_matches(word.lower(), _vocabulary(), n=2, cutoff=_ALIKE))


def read_as(node: Node, encoder: TextEncoder) -> tuple[Node, tuple[str, ...]]:
    """Return a question in which words that the encoder does not know stand as the wider words that it does,
    and a sentence on each. Words in quotes stay.

    Args:
        node: The question.
        encoder: The encoder that would read its words.
    """
    match node:
        case AllOf(parts) | AnyOf(parts):
            each = [read_as(part, encoder) for part in parts]
            notes = tuple(dict.fromkeys(note for _, said in each for note in said))
            return type(node)(tuple(part for part, _ in each)), notes
        case Negated(inner, said):
            read, notes = read_as(inner, encoder)
            return Negated(read, said), notes
        case Weighted(inner, weight):
            read, notes = read_as(inner, encoder)
            return Weighted(read, weight), notes
        case Phrase(text, False):
            return _read(text, encoder)
        case _:
            return node, ()


def completions(text: str, attributes: tuple[str, ...] = (), tags: Sequence[str] = ()) -> tuple[str, ...]:
    """Return questions that a question may become when its last word is completed, shortest first: up to
    eight words, or all values of a field.

    Args:
        text: The question so far.
        attributes: Names of the attributes of the index.
        tags: The tags of the archive.
    """
    found = _COMPLETED.fullmatch(text)
    assert found is not None  # it matches any text
    before, last = found["before"], found["last"]
    word = last.lower().removeprefix("-")
    if not word:
        return ()
    most = len(COLOUR_TERMS) if ":" in word else _MOST
    start = before + last[: len(last) - len(word)]
    choices = sorted(set(_choices(word, attributes, tags)), key=lambda choice: (len(choice), choice))
    return tuple(start + choice for choice in choices if choice != word)[:most]


def _choices(word: str, attributes: tuple[str, ...], tags: Sequence[str]) -> Iterator[str]:
    name, colon, value = word.partition(":")
    if colon:
        done, _, last = value.rpartition(",")
        if name == "tag" and not done:
            known = (tag for tag in tags if tag.startswith(last))
            yield from (f'tag:"{tag}"' if " " in tag else f"tag:{tag}" for tag in known)
            return
        of_colour = name in ("upper", "lower", "color")
        values = COLOUR_TERMS if of_colour else _ANSWERS if name in attributes else ()
        kept = f"{name}:{done}{',' if done else ''}"
        yield from (kept + value for value in values if value.startswith(last))
        return
    yield from (spoken for spoken in _vocabulary() if spoken.startswith(word))
    yield from (f"{field}:" for field in FIELDS if field.startswith(word))
    yield from (f"{name}:yes" for name in attributes if name.startswith(word))
    if len(word) > 2:
        yield from (narrow for narrow in _READ_AS if narrow.startswith(word))


def _read(text: str, encoder: TextEncoder) -> tuple[Node, tuple[str, ...]]:
    notes, unknown = [], frozenset(encoder.unknown_words(text))
    for word in dict.fromkeys(_WORD.findall(text)):
        wide = wider_word(word) if word.lower() in unknown else None
        if wide is not None and not encoder.unknown_words(wide):
            text = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", wide, text)
            notes.append(f"{word!r} is read as {wide!r}: this model does not tell it from others")
    return Phrase(text, False), tuple(notes)


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[str, ...]:
    """Words for attributes and colours."""
    return tuple(dict.fromkeys([*spoken_words(), *COLOUR_TERMS]))
