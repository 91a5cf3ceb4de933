"""People as the evaluation of made data sees them: features, colours of their garments, attributes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, Int64

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.errors import BadConfigError

__all__ = ["UNKNOWN", "ZONES", "FeaturedPeople", "colour_codes", "drawn_to_test"]

#: Code of a colour that is not known.
UNKNOWN: Final = -1
ZONES: Final = ("upper", "lower")
_TEST_SHARE: Final = 0.4  # rare colours need a few test people each
_TEST_SEED: Final = 3


@dataclass(frozen=True, slots=True)
class FeaturedPeople:
    """n people.

    Attributes:
        features: By a frozen network.
        colours: Code of the colour of the largest garment of each of ``ZONES``, or ``UNKNOWN``.
        labels: 1, 0 or NaN of k attributes.
        of: Numbers of the real people of whom each is or was made; several where a picture has pixels of
            several.
    """

    features: Float32[np.ndarray, "n d"]
    colours: Int64[np.ndarray, "n 2"]
    labels: Float32[np.ndarray, "n k"]
    of: tuple[frozenset[int], ...]

    def __post_init__(self) -> None:
        sizes = {len(self.features), len(self.colours), len(self.labels), len(self.of)}
        if len(sizes) != 1:
            raise BadConfigError(f"features, colours, labels and sources of different people: {sizes}")

    def rows(self, chosen: Int64[np.ndarray, " m"]) -> "FeaturedPeople":
        """Return some of them."""
        return FeaturedPeople(
            self.features[chosen],
            self.colours[chosen],
            self.labels[chosen],
            tuple(self.of[row] for row in chosen),
        )

    def joined(self, other: "FeaturedPeople") -> "FeaturedPeople":
        """Return these people and others."""
        return FeaturedPeople(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.colours, other.colours]),
            np.concatenate([self.labels, other.labels]),
            self.of + other.of,
        )


def colour_codes(terms: list[tuple[str | None, str | None]]) -> Int64[np.ndarray, "n 2"]:
    """Codes of the colours of the upper and of the lower garment of n people."""
    codes = [[UNKNOWN if term is None else COLOUR_TERMS.index(term) for term in zones] for zones in terms]
    return np.array(codes, np.int64).reshape(-1, 2)


def drawn_to_test(people: int) -> Bool[np.ndarray, " n"]:
    """Which people with maps of their garments, by file name, are asked about; the same for every seed."""
    return np.random.default_rng(_TEST_SEED).random(people) < _TEST_SHARE
