"""Evidence of the attributes and colours that a text names: what the describer and the pixels say of people,
beside the text itself (``text_evidence``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import NamedAttribute, NamedColour

__all__ = [
    "LEAST",
    "Attributes",
    "ColourShares",
    "KnownPeople",
    "attribute_evidence",
    "colour_evidence",
    "probability_of",
]

#: A probability is never taken for more certain than this.
LEAST: Final = 1e-3
# share of garments that have the colour of the pixels at their place: 64 % above, 84 % below (text_weights
# prints both)
_AGREEMENT: Final = 0.75

#: Probabilities of n people by the attribute's name; NaN where not known.
Attributes = Mapping[str, Float[np.ndarray, " n"]]
#: The share of people with a colour at a place (``upper``, ``lower``), by place and colour.
ColourShares = Mapping[tuple[str, str], float]


@dataclass(slots=True)
class KnownPeople:
    """Embeddings, attributes and colours of n people; they are compared with texts of one embedding only.

    Attributes:
        vectors: Embeddings of L2 norm 1.
        attributes: Probabilities by name.
        colours: Terms at ``upper`` and ``lower``; None where too little shows.
        background: Mean and standard deviation of each person's cosines with the background texts; None
            until they are needed.
    """

    vectors: Float32[np.ndarray, "n d"]
    attributes: Attributes
    colours: Mapping[str, Sequence[str | None]]
    background: tuple[Float64[np.ndarray, "n 1"], Float64[np.ndarray, "n 1"]] | None = None

    def colour_shares(self) -> dict[tuple[str, str], float]:
        """Return the share of each colour among the people, smoothed so that none is 0."""
        counted = {(place, colour): 1 for place in self.colours for colour in COLOUR_TERMS}
        for place, terms in self.colours.items():
            for term in terms:
                if term is not None:
                    counted[place, term] += 1
        totals = {
            place: sum(n for (where, _), n in counted.items() if where == place) for place in self.colours
        }
        return {(place, colour): n / totals[place] for (place, colour), n in counted.items()}


def attribute_evidence(
    named: Sequence[NamedAttribute], attributes: Attributes, n: int, *, of_unknown: float = LEAST
) -> Float64[np.ndarray, " n"]:
    """Return for each of n people the sum of the log probabilities of the attributes that a text names, as
    far as there are such attributes; ``of_unknown`` as in :func:`probability_of`.
    """
    return sum(
        (
            np.log(probability_of(one, attributes, of_unknown=of_unknown))
            for one in named
            if one.name in attributes
        ),
        np.zeros(n),
    )


def colour_evidence(
    named: Sequence[NamedColour], colours: Mapping[str, Sequence[str | None]], usual: ColourShares, n: int
) -> Float64[np.ndarray, " n"]:
    """Return for each of n people the sum of the log-likelihood ratios of the colours that a text names: how
    often garments have the colour of their pixels, against chance.
    """
    ratios = np.zeros(n)
    for colour in named:
        for place in colour.places:
            terms = np.array(colours[place], object)
            same, unknown = np.isin(terms, colour.terms), terms == None  # noqa: E711
            share = sum(usual[place, term] for term in colour.terms)
            ratio = np.where(same, np.log(_AGREEMENT / share), np.log((1 - _AGREEMENT) / (1 - share)))
            ratios += np.where(unknown, 0.0, ratio) / len(colour.places)
    return ratios


def probability_of(
    named: NamedAttribute, attributes: Attributes, *, of_unknown: float = LEAST
) -> Float64[np.ndarray, " n"]:
    """Return the probability of an attribute, or of its opposite, as named in a text; never quite 0 or 1.

    Args:
        named: The attribute.
        attributes: Probabilities by name.
        of_unknown: Result for people of whom the attribute is not known, whether it or its opposite is named.
            A picture that does not show it shows neither, so that it counts as least where the attribute is
            asked for, and as most where it is denied.
    """
    present = np.asarray(attributes[named.name], np.float64)
    asked = np.where(np.isnan(present), of_unknown, present if named.wanted else 1 - present)
    return np.clip(asked, LEAST, 1 - LEAST)
