"""The parts of a question, and the probability that each is true of people.

``score`` joins them as independent: all of several is a product, at least one of several the opposite of
none, a weight is a power.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Float64

from par_core.attributes.clothing_parts import NEEDED_CLOSE
from par_core.attributes.spoken import NamedAttribute
from par_core.log_odds import expit, logit
from par_core.models.named_evidence import LEAST, ColourShares, probability_of
from par_core.models.text_evidence import SpokenQuery, TextScorer
from par_core.query.answer import PartScore
from par_core.query.language import AllOf, AnyOf, Condition, Likeness, Negated, Node, Phrase, Weighted
from par_core.query.people import People

__all__ = [
    "AttributePart",
    "ConditionPart",
    "Leaf",
    "LikenessPart",
    "Part",
    "TextPart",
    "explain",
    "leaves",
    "score",
]

Leaf = Phrase | Condition | Likeness
_LIKE_SLOPE: Final = 1.5  # of likeness, per standard deviation above the cosine with people drawn at random
_LIKE_MIDDLE: Final = 2.0  # standard deviations at which a person is as likely alike as not
_TINY: Final = 1e-12


@dataclass(frozen=True)
class TextPart:
    """Words, judged by the embedding and by the attributes that they name.

    Attributes:
        scorer: Compares the words with people.
        query: The words.
        usual: Share of each colour in the archive.
        prevalence: Estimated share of people in the archive that the words are true of.
    """

    scorer: TextScorer
    query: SpokenQuery
    usual: ColourShares
    prevalence: float

    @property
    def direction(self) -> Float32[np.ndarray, " d"]:
        """Direction in which the best candidates lie."""
        return self.query.direction

    def probability(self, people: People, *, wanted: bool = True) -> Float64[np.ndarray, " n"]:
        """Return a probability for each person, in [0, 1]; 1 for all where the words say nothing, as in "a
        person". A named attribute that is not known of a person fits neither the words nor, unless
        ``wanted``, their negation.
        """
        if not self.query.words:
            return np.ones(len(people))
        evidence = self.scorer.evidence(self.query, people.known, self.usual, of_unknown=_unknown(wanted))
        return expit(evidence + logit(self.prevalence))

    def details(
        self, people: People, *, wanted: bool = True
    ) -> list[tuple[Sequence[str], Float64[np.ndarray, " n"]]]:
        """Return the evidence for and against: the things that the words list, by their text alone;
        attributes; and whether garments have the named colour: the name of each for each person, and a
        probability.
        """
        if not self.query.known:
            return []
        pieces = self.scorer.explain(self.query, people.known)
        n = len(people)
        details: list[tuple[Sequence[str], Float64[np.ndarray, " n"]]] = [
            ([f"text: {self.query.pieces[i]}"] * n, pieces[:, i]) for i in range(len(self.query.pieces))
        ]
        attributes = [named for named in self.query.attributes if named.name in people.attributes]
        details += [
            (
                _said(f"attribute: {named.spoken}", named.name, people),
                probability_of(named, people.probabilities, of_unknown=_unknown(wanted)),
            )
            for named in attributes
        ]
        for colour in self.query.colours:
            matches = [
                [term in colour.terms for term in people.known.colours[place]] for place in colour.places
            ]
            name = f"colour: {colour.spoken}" + (" or near it" if colour.near else "")
            details.append(([name] * n, np.array(matches, np.float64).mean(axis=0)))
        return details


@dataclass(frozen=True)
class AttributePart:
    """An attribute of the describer; holds from its threshold on."""

    named: NamedAttribute

    def probability(self, people: People, *, wanted: bool = True) -> Float64[np.ndarray, " n"]:
        """Return a probability for each person, in [0, 1]; calibrated by the describer. A person of whom it
        is not known fits neither the attribute nor, unless ``wanted``, its negation.
        """
        return probability_of(self.named, people.probabilities, of_unknown=_unknown(wanted))


@dataclass(frozen=True)
class LikenessPart:
    """Likeness to another person.

    Attributes:
        direction: Embedding of the other person.
        usual: Mean and standard deviation of this embedding's cosine with people of the archive drawn at
            random.
        person_id: Id of the other person, or None if it comes from a picture.
    """

    direction: Float32[np.ndarray, " d"]
    usual: tuple[float, float]
    person_id: str | None = None

    def probability(self, people: People, *, wanted: bool = True) -> Float64[np.ndarray, " n"]:
        """Return a measure of likeness in [0, 1]: a half two standard deviations above the usual cosine. Not
        calibrated.
        """
        mean, spread = self.usual
        return expit(
            _LIKE_SLOPE
            * (((people.vectors @ self.direction).astype(np.float64) - mean) / spread - _LIKE_MIDDLE)
        )


@dataclass(frozen=True)
class ConditionPart:
    """A field, which holds or does not.

    Attributes:
        holds: Returns for which of some people the field holds.
    """

    holds: Callable[[People], Bool[np.ndarray, " n"]]

    def probability(self, people: People, *, wanted: bool = True) -> Float64[np.ndarray, " n"]:
        """Return 1 or 0 for each person."""
        return self.holds(people).astype(np.float64)


Part = TextPart | AttributePart | LikenessPart | ConditionPart


def leaves(node: Node, *, wanted: bool = True, weight: float = 1.0) -> list[tuple[Leaf, bool, float]]:
    """Return the parts of a question in the order of its text, whether each is wanted, and its weight."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            return [leaf for part in parts for leaf in leaves(part, wanted=wanted, weight=weight)]
        case Negated(inner):
            return leaves(inner, wanted=not wanted, weight=weight)
        case Weighted(inner, factor):
            return leaves(inner, wanted=wanted, weight=weight * factor)
        case _:
            return [(node, wanted, weight)]


def score(
    node: Node,
    probabilities: Mapping[tuple[Leaf, bool], Float64[np.ndarray, " n"]],
    *,
    weighted: bool,
    wanted: bool = True,
) -> Float64[np.ndarray, " n"]:
    """Return how well people fit a question, in [0, 1]; without weights, the probability that all of it is
    true of them.

    Args:
        node: The question.
        probabilities: Probabilities of the parts, by part and whether it is wanted.
        weighted: Whether weights count.
        wanted: False within a negation.
    """

    def inside(part: Node, *, same: bool = True) -> Float64[np.ndarray, " n"]:
        return score(part, probabilities, weighted=weighted, wanted=wanted == same)

    match node:
        case AllOf(parts):
            return np.prod([inside(part) for part in parts], axis=0)
        case AnyOf(parts):
            return 1 - np.prod([1 - inside(part) for part in parts], axis=0)
        case Negated(inner):
            return 1 - inside(inner, same=False)
        case Weighted(inner, weight):
            plain = inside(inner)
            return np.maximum(plain, _TINY) ** weight if weighted else plain
        case _:
            return probabilities[node, wanted]


def explain(node: Node, parts: Mapping[Leaf, Part], people: People) -> list[tuple[PartScore, ...]]:
    """Return, for each person, every part of a question with its probability and its cost; text with several
    parts also piece by piece.
    """
    columns: list[list[PartScore]] = []
    for leaf, wanted, weight in leaves(node):
        part, name = parts[leaf], _name(leaf)
        known = isinstance(part, AttributePart) and part.named.name
        names = _said(name, known, people) if known else [name] * len(people)
        columns.append(_part_scores(names, wanted, weight, part.probability(people, wanted=wanted)))
        if isinstance(part, TextPart):
            columns += [
                _part_scores(detail, wanted, weight, probabilities, detail_of=name)
                for detail, probabilities in part.details(people, wanted=wanted)
            ]
    return list(zip(*columns, strict=True))


def _unknown(wanted: bool) -> float:
    """The probability of an attribute that is not known: whatever is asked, it does not fit."""
    return LEAST if wanted else 1 - LEAST


def _said(part: str, attribute: str, people: People) -> list[str]:
    """The name of a part that asks for an attribute, for each person; says where there is no answer."""
    if attribute not in people.attributes:
        return [part] * len(people)
    why = "not in the picture" if attribute in NEEDED_CLOSE else "no answer"
    unknown = np.isnan(people.probabilities[attribute]).tolist()
    return [f"{part} ({why})" if is_unknown else part for is_unknown in unknown]


def _part_scores(
    names: Sequence[str],
    wanted: bool,
    weight: float,
    probabilities: Float64[np.ndarray, " n"],
    detail_of: str | None = None,
) -> list[PartScore]:
    return [
        PartScore(name, wanted, p, weight, 1 - max(p if wanted else 1 - p, _TINY) ** weight, detail_of)
        for name, p in zip(names, probabilities.tolist(), strict=True)
    ]


def _name(leaf: Leaf) -> str:
    return f"like {leaf.kind} {leaf.name}" if isinstance(leaf, Likeness) else leaf.text
