"""How much speaks for a text being true of a person: cosines are weighed against a bank of other texts, and
joined with the attributes that the text names.

The cosine of a person and a text means little by itself: some people are near to every sentence. So it is
measured against the cosines of the same person with a *background texts*, some hundred sentences about
anything in the vocabulary: how many standard deviations the text lies above their mean. That number means the
same for every person, every text and every archive. A text that lists several things is judged whole and
thing by thing. The describer's probabilities of the attributes that it names, and the colours of garments by
their pixels, are further evidence (`docs/search.md` has what each is worth).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy.special import expit, logit

from par_core.attributes.colours import COLOUR_TERMS
from par_core.attributes.spoken import (
    NamedAttribute,
    NamedColour,
    chunks_of,
    content_words,
    named_attributes,
    named_colours,
)
from par_core.attributes.vocabulary import ATTRIBUTES, with_colour
from par_core.models.base import TextEncoder
from par_core.models.prompting import text_vectors
from par_core.models.shipped import FOLDER

__all__ = [
    "WEIGHTS_FILE",
    "Attributes",
    "ColourShares",
    "KnownPeople",
    "SpokenQuery",
    "TextScorer",
    "TextWeights",
    "attribute_evidence",
    "colour_evidence",
    "estimate_prevalence",
    "probability_of",
]

WEIGHTS_FILE: Final = "text-compact.weights.json"
_LEAST: Final = 1e-3  # a probability is never taken for more certain than this
_FLAT: Final = 1e-6
_ROUNDS: Final = 60
# of garments have the colour that the pixels at their place say: 64 % above, 84 % below (text_weights prints
# both)
_AGREEMENT: Final = 0.75

#: Probabilities of n people by the attribute's name; NaN where not known.
Attributes = Mapping[str, Float[np.ndarray, " n"]]
#: The share of people with a colour at a place (``upper``, ``lower``), by place and colour.
ColourShares = Mapping[tuple[str, str], float]


@dataclass(slots=True)
class KnownPeople:
    """What is known of n people; they are compared with one embedding's texts only.

    Attributes:
        vectors: Embeddings of L2 norm 1.
        attributes: Probabilities by name.
        colours: Terms at ``upper`` and ``lower``; None where too little shows.
        null: Mean and standard deviation of each one's cosines with the background texts, once they were
            needed.
    """

    vectors: Float32[np.ndarray, "n d"]
    attributes: Attributes
    colours: Mapping[str, Sequence[str | None]]
    null: tuple[Float64[np.ndarray, "n 1"], Float64[np.ndarray, "n 1"]] | None = None

    def colour_shares(self) -> dict[tuple[str, str], float]:
        """How usual each colour is among them, none taken for impossible."""
        counted = {(place, colour): 1 for place in self.colours for colour in COLOUR_TERMS}
        for place, terms in self.colours.items():
            for term in terms:
                if term is not None:
                    counted[place, term] += 1
        totals = {
            place: sum(n for (where, _), n in counted.items() if where == place) for place in self.colours
        }
        return {(place, colour): n / totals[place] for (place, colour), n in counted.items()}


@dataclass(frozen=True, slots=True)
class TextWeights:
    """What evidence is worth, in log-odds; fitted on labelled people by ``par_core.training.text_weights``.

    Attributes:
        text: Of one standard deviation above the background texts.
        attributes: Of one unit of log probability of a named attribute.
        colours: Of one unit of log-likelihood ratio of a named garment's colour.
        offset: Added for everybody.
        prevalence: A priori share of people of whom a text is true, in (0, 1).
        calibrated: Whether they were fitted for the embedding at hand.
    """

    text: float
    attributes: float
    colours: float
    offset: float
    prevalence: float
    calibrated: bool

    def evidence(
        self,
        standing: Float64[np.ndarray, " n"],
        attributes: Float64[np.ndarray, " n"],
        colours: Float64[np.ndarray, " n"],
    ) -> Float64[np.ndarray, " n"]:
        """Log-likelihood ratio of a text being true against not.

        Args:
            standing: Above the background texts, in standard deviations, the mean over a text's pieces.
            attributes: What :func:`attribute_evidence` gives.
            colours: What :func:`colour_evidence` gives.
        """
        return self.text * standing + self.attributes * attributes + self.colours * colours + self.offset

    @classmethod
    def shipped(cls, *, calibrated: bool = True) -> "TextWeights":
        """Those of the compact profile; for another embedding they are no more than a sensible guess."""
        told = json.loads((FOLDER / WEIGHTS_FILE).read_text())
        return cls(
            told["text"], told["attributes"], told["colours"], told["offset"], told["prevalence"], calibrated
        )


@dataclass(frozen=True, slots=True)
class SpokenQuery:
    """A text, ready to be compared with people.

    Attributes:
        text: As asked.
        pieces: The whole text, then the things that it lists.
        vectors: Of the pieces, of L2 norm 1, shape (pieces, d).
        direction: The vector, of L2 norm 1, nearest to which the best candidates lie, shape (d,).
        attributes: That the text names.
        colours: Of garments, that the text names.
        words: Those that say something about a person; "somebody" says nothing.
        known: Whether the encoder knows any of them.
    """

    text: str
    pieces: tuple[str, ...]
    vectors: Float32[np.ndarray, "pieces d"]
    direction: Float32[np.ndarray, " d"]
    attributes: tuple[NamedAttribute, ...]
    colours: tuple[NamedColour, ...]
    words: tuple[str, ...]
    known: bool


class TextScorer:
    """Says how likely texts are true of people. May be shared by threads.

    Args:
        encoder: Of the embedding that the people have.
        weights: What evidence is worth.
    """

    def __init__(self, encoder: TextEncoder, weights: TextWeights) -> None:
        self.encoder = encoder
        self.weights = weights
        self._bank = encoder.encode([f"a photo of {text}." for text in _bank_texts()])

    def query(self, text: str) -> SpokenQuery:
        """Embed a text and what it lists."""
        pieces = (text, *chunks_of(text))
        vectors = text_vectors(pieces, self.encoder)
        direction = vectors.mean(axis=0) - self._bank.mean(axis=0)
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
        )

    def standing(self, query: SpokenQuery, people: KnownPeople) -> Float64[np.ndarray, "n pieces"]:
        """How many standard deviations each piece lies above the background texts, for each person."""
        if people.null is None:  # the same for every text
            null = (people.vectors @ self._bank.T).astype(np.float64)
            people.null = (
                null.mean(axis=1, keepdims=True),
                np.maximum(null.std(axis=1, keepdims=True), _FLAT),
            )
        mean, spread = people.null
        return ((people.vectors @ query.vectors.T).astype(np.float64) - mean) / spread

    def evidence(
        self, query: SpokenQuery, people: KnownPeople, usual: ColourShares
    ) -> Float64[np.ndarray, " n"]:
        """Log-likelihood ratio of the text being true against not, of each person; 0 for everybody where no
        word of it is known.

        Args:
            query: The text.
            people: Whom it is about.
            usual: How usual colours are in the archive.
        """
        n = len(people.vectors)
        if not query.known:
            return np.zeros(n)
        standing = self.standing(query, people).mean(axis=1)
        return self.weights.evidence(
            standing,
            attribute_evidence(query, people.attributes, n),
            colour_evidence(query, people.colours, usual, n),
        )

    def explain(self, query: SpokenQuery, people: KnownPeople) -> Float64[np.ndarray, "n pieces"]:
        """Probability of each piece by its text alone, for a thing that every other person has: a half says
        nothing.
        """
        return expit(self.weights.text * self.standing(query, people) + self.weights.offset)


def attribute_evidence(query: SpokenQuery, attributes: Attributes, n: int) -> Float64[np.ndarray, " n"]:
    """The sum of the log probabilities of the attributes that a text names, as far as they are known, of each
    of n people.
    """
    return sum(
        (np.log(probability_of(named, attributes)) for named in query.attributes if named.name in attributes),
        np.zeros(n),
    )


def colour_evidence(
    query: SpokenQuery, colours: Mapping[str, Sequence[str | None]], usual: ColourShares, n: int
) -> Float64[np.ndarray, " n"]:
    """The sum of the log-likelihood ratios of the colours that a text names: how often garments have the
    colour that their pixels say, against chance.
    """
    told = np.zeros(n)
    for named in query.colours:
        for place in named.places:
            terms = np.array(colours[place], object)
            same, unknown, share = terms == named.colour, terms == None, usual[place, named.colour]  # noqa: E711
            ratio = np.where(same, np.log(_AGREEMENT / share), np.log((1 - _AGREEMENT) / (1 - share)))
            told += np.where(unknown, 0.0, ratio) / len(named.places)
    return told


def probability_of(named: NamedAttribute, attributes: Attributes) -> Float64[np.ndarray, " n"]:
    """Of what a text says of an attribute; a half where it is not known; never quite 0 or 1."""
    told = np.nan_to_num(np.asarray(attributes[named.name], np.float64), nan=0.5)
    return np.clip(told if named.wanted else 1 - told, _LEAST, 1 - _LEAST)


def estimate_prevalence(evidence: Float64[np.ndarray, " n"], weights: TextWeights) -> float:
    """The share of people of whom a text is true, by the evidence on a random sample of them.

    Expectation maximisation (Saerens, Latinne, Decaestecker 2002), with as much weight on the share that is
    usual as on the sample: evidence that lies high for everybody must not pass for a text that is true of
    everybody.
    """
    share = weights.prevalence
    for _ in range(_ROUNDS if len(evidence) else 0):
        share = float((expit(evidence + logit(share)).mean() + weights.prevalence) / 2)
    return share


def _bank_texts() -> list[str]:
    people = [
        f"a person {phrase}"
        for attribute in ATTRIBUTES
        for phrase in (*attribute.phrases[:2], attribute.opposite)
    ]
    return people + [
        with_colour(attribute.nouns[0], colour)
        for attribute in ATTRIBUTES
        if attribute.nouns
        for colour in COLOUR_TERMS
    ]
