"""People as the evaluation of made data sees them: features, colours of their garments, attributes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64

from par_core.attributes.colours import COLOUR_TERMS
from par_core.errors import BadConfigError

__all__ = ["UNKNOWN", "ZONES", "FeaturedPeople", "colour_codes"]

#: Code of a colour that is not known.
UNKNOWN: Final = -1
ZONES: Final = ("upper", "lower")


@dataclass(frozen=True, slots=True)
class FeaturedPeople:
    """n people.

    Attributes:
        features: By a frozen network.
        colours: Code of the colour of the largest garment of each of ``ZONES``, or ``UNKNOWN``.
        labels: 1, 0 or NaN of k attributes.
        of: Number of the real person of whom each is or was made.
    """

    features: Float32[np.ndarray, "n d"]
    colours: Int64[np.ndarray, "n 2"]
    labels: Float32[np.ndarray, "n k"]
    of: Int64[np.ndarray, " n"]

    def __post_init__(self) -> None:
        sizes = {len(self.features), len(self.colours), len(self.labels), len(self.of)}
        if len(sizes) != 1:
            raise BadConfigError(f"features, colours, labels and sources of different people: {sizes}")

    def rows(self, chosen: Int64[np.ndarray, " m"]) -> "FeaturedPeople":
        """Return some of them."""
        return FeaturedPeople(
            self.features[chosen], self.colours[chosen], self.labels[chosen], self.of[chosen]
        )

    def joined(self, other: "FeaturedPeople") -> "FeaturedPeople":
        """Return these people and others."""
        return FeaturedPeople(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.colours, other.colours]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.of, other.of]),
        )


def colour_codes(terms: list[tuple[str | None, str | None]]) -> Int64[np.ndarray, "n 2"]:
    """Codes of the colours of the upper and of the lower garment of n people."""
    codes = [[UNKNOWN if term is None else COLOUR_TERMS.index(term) for term in zones] for zones in terms]
    return np.array(codes, np.int64).reshape(-1, 2)
