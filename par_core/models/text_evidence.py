"""Evidence that a text is true of a person: its z-score against the background texts, joined with the
attributes and colours that the text names.

The cosine of a person and a text means little by itself: some people are near to every sentence. So it is
compared with the cosines of the same person with the *background texts*, some hundred sentences about
anything in the vocabulary: its z-score is the number of standard deviations by which the text lies above
their mean. It means the same for every person, every text and every archive. A text that lists several things
is judged whole and thing by thing. The describer's probabilities of the attributes that it names, and the
colours of garments by their pixels, are further evidence (`docs/search.md` has the weight of each).
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import (
    NamedAttribute,
    NamedColour,
    chunks_of,
    content_words,
    named_attributes,
    named_colours,
)
from par_core.attributes.vocabulary import ATTRIBUTES, with_colour
from par_core.log_odds import expit
from par_core.models.base import TextEncoder
from par_core.models.named_evidence import (
    LEAST,
    ColourShares,
    KnownPeople,
    attribute_evidence,
    colour_evidence,
)
from par_core.models.prompting import RecentTexts, parts_read
from par_core.models.shipped import FOLDER
from par_core.types import Embeddings

__all__ = [
    "WEIGHTS_FILE",
    "SpokenQuery",
    "TextScorer",
    "TextWeights",
    "background_texts",
    "estimate_prevalence",
]

WEIGHTS_FILE: Final = "text-compact.weights.json"
_FLAT: Final = 1e-6
_ROUNDS: Final = 60  # of an estimate, at most
_MOST: Final = 700.0  # of a power of e that has a double
_SETTLED: Final = 1e-9  # an estimate that moves less has settled
_QUERIES_KEPT: Final = 512


@dataclass(frozen=True, slots=True)
class TextWeights:
    """Weights of the evidence, in log-odds; fitted on labelled people by ``par_core.training.text_weights``.

    Attributes:
        text: Weight of one unit of z-score.
        attributes: Weight of one unit of log probability of a named attribute.
        colours: Weight of one unit of log-likelihood ratio of a named garment's colour.
        offset: Log-odds that are added for every person.
        prevalence: A priori share of people of whom a text is true, in (0, 1).
        calibrated: Whether the weights were fitted for the embedding at hand.
    """

    text: float
    attributes: float
    colours: float
    offset: float
    prevalence: float
    calibrated: bool

    def evidence(
        self,
        z_scores: Float64[np.ndarray, " n"],
        attributes: Float64[np.ndarray, " n"],
        colours: Float64[np.ndarray, " n"],
    ) -> Float64[np.ndarray, " n"]:
        """Return the log-likelihood ratio of a text being true against not.

        Args:
            z_scores: Mean z-score of a text's pieces against the background texts.
            attributes: Result of :func:`attribute_evidence`.
            colours: Result of :func:`colour_evidence`.
        """
        return self.text * z_scores + self.attributes * attributes + self.colours * colours + self.offset

    @classmethod
    def shipped(cls, *, calibrated: bool = True) -> "TextWeights":
        """Return the weights of the compact profile; for another embedding they are only a sensible guess."""
        weights = json.loads((FOLDER / WEIGHTS_FILE).read_text())
        text, attributes, colours = weights["text"], weights["attributes"], weights["colours"]
        return cls(text, attributes, colours, weights["offset"], weights["prevalence"], calibrated)


@dataclass(frozen=True, slots=True)
class SpokenQuery:
    """A text, ready to be compared with people.

    Attributes:
        text: Text of the question.
        pieces: The whole text, then the things that it lists.
        vectors: Embeddings of the pieces, of L2 norm 1, shape (pieces, d).
        direction: Vector, of L2 norm 1, nearest to which the best candidates lie, shape (d,).
        attributes: Attributes that the text names.
        colours: Colours of garments that the text names.
        words: Words that say something about a person; "somebody" says nothing.
        known: Whether the encoder knows any of these words.
        parts: Number of parts in which the encoder reads the text: 1 where it reads it at once.
    """

    text: str
    pieces: tuple[str, ...]
    vectors: Float32[np.ndarray, "pieces d"]
    direction: Float32[np.ndarray, " d"]
    attributes: tuple[NamedAttribute, ...]
    colours: tuple[NamedColour, ...]
    words: tuple[str, ...]
    known: bool
    parts: int


class TextScorer:
    """Computes how likely texts are true of people. May be shared by threads.

    Args:
        encoder: Text encoder of the embedding that the people have.
        weights: Weights of the evidence.
        background: Embeddings of the background texts; None embeds them now.
    """

    def __init__(
        self, encoder: TextEncoder, weights: TextWeights, background: Embeddings | None = None
    ) -> None:
        self.encoder = encoder
        self.weights = weights
        background = encoder.encode(background_texts()) if background is None else background
        self._middle = background.mean(axis=0)
        self._around = background - self._middle
        self._recent = lru_cache(_QUERIES_KEPT)(self._embedded)
        self._pieces = RecentTexts(encoder)

    def query(self, text: str) -> SpokenQuery:
        """Embed a text and the things that it lists; what was asked lately is embedded already."""
        return self._recent(text)

    def _embedded(self, text: str) -> SpokenQuery:
        pieces = (text, *chunks_of(text))
        vectors = self._pieces.vectors(pieces)
        direction = vectors.mean(axis=0) - self._middle
        norm = float(np.linalg.norm(direction))
        usable = direction / norm if norm > _FLAT else vectors[0]
        words = content_words(text)
        known = set(words) - set(self.encoder.unknown_words(text))
        return SpokenQuery(
            text,
            pieces,
            vectors,
            usable.astype(np.float32),
            named_attributes(text),
            named_colours(text),
            words,
            bool(known),
            parts_read(text, self.encoder),
        )

    def z_scores(self, query: SpokenQuery, people: KnownPeople) -> Float64[np.ndarray, "n pieces"]:
        """Return how many standard deviations each piece lies above the background texts, for each person."""
        if people.background is None:  # the same for every text
            around = people.vectors @ self._around.T  # cosines less their mean
            variance = np.einsum("ij,ij->i", around, around, dtype=np.float64) / len(self._around)
            people.background = (
                (people.vectors @ self._middle).astype(np.float64)[:, None],
                np.maximum(np.sqrt(variance), _FLAT)[:, None],
            )
        mean, spread = people.background
        return ((people.vectors @ query.vectors.T).astype(np.float64) - mean) / spread

    def evidence(
        self, query: SpokenQuery, people: KnownPeople, usual: ColourShares, *, of_unknown: float = LEAST
    ) -> Float64[np.ndarray, " n"]:
        """Return the log-likelihood ratio of the text being true against not, of each person; 0 for all if
        the encoder knows no word of it.

        Args:
            query: Text to judge.
            people: People to judge it for.
            usual: Shares of the colours in the archive.
            of_unknown: Probability of a named attribute where it is not known.
        """
        n = len(people.vectors)
        if not query.known:
            return np.zeros(n)
        return self.weights.evidence(
            self.z_scores(query, people).mean(axis=1),
            attribute_evidence(query.attributes, people.attributes, n, of_unknown=of_unknown),
            colour_evidence(query.colours, people.colours, usual, n),
        )

    def explain(self, query: SpokenQuery, people: KnownPeople) -> Float64[np.ndarray, "n pieces"]:
        """Return the probability of each piece by its text alone, for a thing that every other person has: a
        half says nothing.
        """
        return expit(self.weights.text * self.z_scores(query, people) + self.weights.offset)


def estimate_prevalence(evidence: Float64[np.ndarray, " n"], weights: TextWeights) -> float:
    """Estimate the share of people of whom a text is true, by the evidence on a random sample of them.

    Expectation maximisation (Saerens, Latinne, Decaestecker 2002), with equal weights on the a priori share
    and on the sample: high evidence for every person must not be taken for a text that is true of every
    person.
    """
    share = weights.prevalence
    against = np.exp(np.minimum(-evidence, _MOST))
    for _ in range(_ROUNDS if len(evidence) else 0):
        before, odds = share, share / (1 - share)
        share = float(((odds / (odds + against)).mean() + weights.prevalence) / 2)
        if abs(share - before) < _SETTLED:
            break
    return share


def background_texts() -> list[str]:
    """Return the background texts: some hundred sentences about anything in the vocabulary."""
    people = [
        f"a person {phrase}"
        for attribute in ATTRIBUTES
        for phrase in (*attribute.phrases[:2], attribute.opposite)
    ]
    garments = [
        with_colour(attribute.nouns[0], colour)
        for attribute in ATTRIBUTES
        if attribute.nouns
        for colour in COLOUR_TERMS
    ]
    return [f"a photo of {text}." for text in people + garments]
