"""Captions composed from what is known of people, so that the truth of any caption about any person can be
computed.

A caption is a conjunction of facts: an attribute that holds or does not, or a garment of a colour. Words are
drawn from the vocabulary with synonyms, several orders and templates.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.vocabulary import ATTRIBUTES, BY_NAME, NEUTRAL_PROMPTS, with_colour
from par_core.datasets.merged_labels import NAMES, LabelledPerson

__all__ = ["Caption", "Fact", "compose", "sample_captions", "truth"]

_WOMAN: Final = ("woman", "woman", "woman", "lady", "girl", "female")
_MAN: Final = ("man", "man", "man", "guy", "boy", "male", "gentleman")
_PERSON: Final = ("person", "person", "person", "pedestrian", "someone", "somebody")
_PREFIX: Final = ("a photo of ", "", "", "a picture of ", "a street photo of ", "a photograph of ")
_BEHIND: Final = (
    "seen from behind",
    "from behind",
    "from the back",
    "walking away",
    "with the back to the camera",
    "facing away",
)
_VERB: Final = re.compile(r"^(wearing|in|with|carrying|holding) ")
_TWO_COLOURS: Final = 0.3  # share of captions of people with two known colours that speak of both
_SPOKEN: Final = {
    "grey": ("grey", "gray"),
    "red": ("red", "red", "crimson"),
    "blue": ("blue", "blue", "navy"),
    "purple": ("purple", "violet"),
    "beige": ("beige", "tan"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a caption claims.

    Attributes:
        attribute: Its name.
        holds: Whether the caption says that it is so (True) or not so (False).
        colour: If given: the person has it in this colour.
    """

    attribute: str
    holds: bool = True
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence and the facts it claims; no facts: it says nothing in particular (a neutral prompt)."""

    text: str
    facts: tuple[Fact, ...]


def truth(captions: Sequence[Caption], people: Sequence[LabelledPerson]) -> Float32[np.ndarray, "m n"]:
    """Whether each caption fits each person: 1, 0, or NaN if not known; 0.5 for captions without facts."""
    labels = np.array([person.labels for person in people], np.float32)
    result = np.full((len(captions), len(people)), 0.5, np.float32)
    for row, caption in zip(result, captions, strict=True):
        if caption.facts:
            each = np.stack([_truth_of_fact(fact, labels, people) for fact in caption.facts])
            row[:] = np.where((each == 0).any(axis=0), 0, np.where(np.isnan(each).any(axis=0), np.nan, 1))
    return result


def _truth_of_fact(fact: Fact, labels: np.ndarray, people: Sequence[LabelledPerson]) -> np.ndarray:
    has = labels[:, NAMES.index(fact.attribute)]
    if fact.colour is not None:
        coloured = np.array([dict(person.colours).get(fact.attribute) for person in people])
        of_colour = np.array(
            [np.nan if colour is None else float(colour == fact.colour) for colour in coloured]
        )
        return np.where(has == 0, 0, np.where(np.isnan(has), np.nan, of_colour))
    return has if fact.holds else 1 - has


def compose(facts: Sequence[Fact], rng: np.random.Generator) -> Caption:
    """Say some facts in a sentence, with words and order drawn at random."""
    noun, rest = _pick(rng, _PERSON), list(facts)
    for fact in facts:
        if fact.attribute == "female" and rng.random() < 0.9:
            noun = _pick(rng, _WOMAN if fact.holds else _MAN)
            rest.remove(fact)
    rng.shuffle(rest)
    article = "" if noun in ("someone", "somebody") else "a "
    bare = bool(rest) and rng.random() < 0.2
    said = [_VERB.sub("", phrase) if bare else phrase for phrase in (_phrase(fact, rng) for fact in rest)]
    joined = (
        _pick(rng, (", ", " and ", " ")).join(said)
        if len(said) < 3
        else ", ".join(said[:-1]) + " and " + said[-1]
    )
    text = joined if bare else f"{_pick(rng, _PREFIX)}{article}{noun} {joined}".strip()
    return Caption(text + _pick(rng, ("", "", ".")), tuple(facts))


def sample_captions(
    people: Sequence[LabelledPerson], n: int, rng: np.random.Generator, sentences: Sequence[Caption] = ()
) -> list[Caption]:
    """Captions for a batch of people: mostly true of one of them, some with one fact turned (a near miss),
    some neutral, an eighth from ``sentences``.
    """
    captions = [Caption(_pick(rng, NEUTRAL_PROMPTS), ()) for _ in range(max(1, n // 24))]
    captions += [sentences[int(rng.integers(len(sentences)))] for _ in range(n // 8 if sentences else 0)]
    captions += [compose([_any_fact(rng)], rng) for _ in range(n // 6)]
    while len(captions) < n:
        person = people[int(rng.integers(len(people)))]
        known = _known_facts(person, rng)
        if not known:
            continue
        if len(person.colours) >= 2 and rng.random() < _TWO_COLOURS:
            facts = [
                Fact(name, colour=colour)
                for name, colour in (person.colours[i] for i in rng.permutation(len(person.colours))[:2])
            ]
        else:
            wanted = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
            facts = [known[i] for i in rng.permutation(len(known))[:wanted]]
        facts = [
            fact
            for i, fact in enumerate(facts)
            if fact.attribute not in {other.attribute for other in facts[:i]}
        ]
        captions.append(compose(facts, rng))
        if rng.random() < 0.35 and len(captions) < n:
            captions.append(compose(_turned(facts, rng), rng))
    return captions


def _known_facts(person: LabelledPerson, rng: np.random.Generator) -> list[Fact]:
    """What is true of a person; colours twice, absent things seldom."""
    facts = [Fact(name) for name, label in zip(NAMES, person.labels, strict=True) if label == 1]
    if person.labels[NAMES.index("female")] == 0:
        facts.append(Fact("female", holds=False))
    if person.labels[NAMES.index("front")] == 0:
        facts.append(Fact("front", holds=False))
    coloured = [Fact(name, colour=colour) for name, colour in person.colours]
    absent = [
        Fact(a.name, holds=False)
        for a, label in zip(ATTRIBUTES, person.labels, strict=True)
        if label == 0 and a.name in ("long_hair", "glasses", "hat", "bag")
    ]
    return facts + coloured * 2 + (absent if rng.random() < 0.15 else [])


def _turned(facts: Sequence[Fact], rng: np.random.Generator) -> list[Fact]:
    """The same with one fact changed: another colour, colours swapped, or another garment."""
    turned = list(facts)
    coloured = [i for i, fact in enumerate(turned) if fact.colour is not None]
    if len(coloured) >= 2 and rng.random() < 0.5:
        a, b = coloured[:2]
        first, second = turned[a], turned[b]
        turned[a], turned[b] = (
            Fact(first.attribute, colour=second.colour),
            Fact(second.attribute, colour=first.colour),
        )
    elif coloured and rng.random() < 0.7:
        turned[coloured[0]] = Fact(turned[coloured[0]].attribute, colour=_pick(rng, COLOUR_TERMS))
    else:
        i = int(rng.integers(len(turned)))
        if turned[i].attribute in ("female", "front"):
            turned[i] = Fact(turned[i].attribute, holds=not turned[i].holds)
        else:
            turned[i] = Fact(_pick(rng, [a.name for a in ATTRIBUTES if a.ccp]), colour=turned[i].colour)
    return turned


def _any_fact(rng: np.random.Generator) -> Fact:
    attribute = ATTRIBUTES[rng.integers(len(ATTRIBUTES))]
    if attribute.nouns and rng.random() < 0.35:
        return Fact(attribute.name, colour=_pick(rng, COLOUR_TERMS))
    return Fact(
        attribute.name,
        holds=bool(rng.random() < 0.85) or attribute.name not in ("female", "front", "long_hair", "glasses"),
    )


def _phrase(fact: Fact, rng: np.random.Generator) -> str:
    attribute = BY_NAME[fact.attribute]
    if fact.colour is not None:
        noun, colour = _pick(rng, attribute.nouns), _pick(rng, _SPOKEN.get(fact.colour, (fact.colour,)))
        verbs = ("with", "carrying", "holding") if fact.attribute == "bag" else ("wearing", "in", "with")
        return f"{_pick(rng, verbs)} {with_colour(noun, colour)}"
    if fact.holds:
        return _pick(rng, attribute.phrases)
    if fact.attribute == "front":
        return _pick(rng, _BEHIND)
    return attribute.opposite


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return str(choices[int(rng.integers(len(choices)))])
