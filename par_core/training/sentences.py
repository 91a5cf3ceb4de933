"""Sentences that people wrote about photographs (Flickr8k, Hodosh, Young, Hockenmaier 2013), read for what
they say of one person's looks.

Only sentences about a single person count, and only garments, colours and gender are taken from them; the
rest of a sentence is the noise that real questions carry too.
"""

import csv
import re
from pathlib import Path
from typing import Final

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.training.captions import Caption, Fact

__all__ = ["read_sentences", "understood"]

_FEMALE: Final = frozenset({"woman", "girl", "lady", "female"})
_MALE: Final = frozenset({"man", "boy", "guy", "male", "gentleman"})
_ANYBODY: Final = frozenset(
    {
        "person",
        "child",
        "kid",
        "toddler",
        "someone",
        "player",
        "climber",
        "biker",
        "skier",
        "surfer",
        "snowboarder",
        "hiker",
    }
)
_SEVERAL: Final = re.compile(
    r"\b(men|women|boys|girls|ladies|people|children|kids|two|three|four|several|group|couple|crowd|players|dogs?|each|another|other)\b"
)
_COLOURS: Final = {term: term for term in COLOUR_TERMS} | {
    "gray": "grey",
    "tan": "beige",
    "violet": "purple",
    "crimson": "red",
    "navy": "blue",
}
_NOUNS: Final = {
    noun: attribute.name
    for attribute in ATTRIBUTES
    for noun in attribute.nouns
    if noun not in ("top", "shirt", "pumps")
}
_BEFORE: Final = frozenset(
    {"wearing", "in", "with", "carrying", "holding", "wears", "and", "a", "his", "her"}
)
_DENIALS: Final = frozenset({"without", "no", "not"})
_LONGEST: Final = 20  # words; the compact text tower reads 32 tokens


def read_sentences(data_dir: Path) -> list[Caption]:
    """The sentences of ``flickr8k/captions.csv`` that say something of a single person's clothes; none where
    the file is missing.
    """
    file = data_dir / "flickr8k" / "captions.csv"
    if not file.is_file():
        return []
    with file.open(newline="") as rows:
        captions = (understood(row["caption"]) for row in csv.DictReader(rows))
        return [caption for caption in captions if caption is not None]


def understood(sentence: str) -> Caption | None:
    """What a sentence says of one person's looks; None if it says nothing that PAR knows, or speaks of
    several.
    """
    words = re.findall(r"[a-z][a-z-]*", sentence.lower())
    people = [word for word in words if word in _FEMALE | _MALE | _ANYBODY]
    if len(people) != 1 or len(words) > _LONGEST or _SEVERAL.search(sentence.lower()):
        return None
    facts: dict[str, Fact] = {}
    for place, word in enumerate(words):
        before, denied = words[place - 1] if place else "", _DENIALS & set(words[max(0, place - 3) : place])
        compound = words[place + 1 : place + 2] == ["shirt"]  # a dress shirt is no dress
        if word in _NOUNS and not denied and not compound and (before in _COLOURS or before in _BEFORE):
            facts[_NOUNS[word]] = Fact(_NOUNS[word], colour=_COLOURS.get(before))
    if not facts:
        return None
    gender = [Fact("female", holds=people[0] in _FEMALE)] if people[0] not in _ANYBODY else []
    return Caption(" ".join(words), (*gender, *facts.values()))
