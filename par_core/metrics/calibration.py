"""Calibration of probabilities: calibration error, Brier score, and the data of a reliability
diagram.

Items whose probability is NaN are left out; so must be items without a known
label (:func:`known_items` does it).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64

from par_core.metrics.label_based import ratio

__all__ = ["Reliability", "calibration_error", "calibration_error_by_chance", "reliability_terms"]

_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram (DeGroot and Fienberg 1983) of one attribute; two of them add up to that of both
    sets of items.

    Attributes:
        sums: In each of m bins of equal width: the number of items, the sums of their probabilities, of their
            labels, and of the squared differences of these. Leading axes lead the results too.
    """

    sums: Float64[np.ndarray, "*b 4 m"]

    @classmethod
    def of(
        cls, relevant: Bool[np.ndarray, " n"], probabilities: Float[np.ndarray, " n"], bins: int = _BINS
    ) -> "Reliability":
        """Sort into bins.

        Args:
            relevant: Which items have the attribute.
            probabilities: Probability of having it, in [0, 1]; NaN is left out.
            bins: Number of bins of equal width, closed below; the last one also above.
        """
        answered = ~np.isnan(probabilities)
        p, has = probabilities[answered], relevant[answered].astype(float)
        which = _bin(p, bins)
        parts = [np.bincount(which, weights, bins) for weights in (np.ones(len(p)), p, has, (p - has) ** 2)]
        return cls(np.stack(parts).astype(np.float64))  # bincount gives integers where there is nothing

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(self.sums + other.sums)

    @property
    def counts(self) -> Float64[np.ndarray, "*b m"]:
        """Items in each bin."""
        return self.sums[..., 0, :]

    @property
    def confidence(self) -> Float64[np.ndarray, "*b m"]:
        """Mean probability in each bin: the diagram's horizontal axis; NaN in an empty bin."""
        return ratio(self.sums[..., 1, :], self.counts)

    @property
    def frequency(self) -> Float64[np.ndarray, "*b m"]:
        """Share of items that have the attribute in each bin: the diagram's vertical axis; NaN in an empty
        bin.
        """
        return ratio(self.sums[..., 2, :], self.counts)

    @property
    def ece(self) -> Float64[np.ndarray, "*b"]:
        """Expected calibration error (Guo et al. 2017, section 2): mean of |confidence - frequency| weighted
        by counts, in [0, 1]; NaN without items.
        """
        gaps = self.sums[..., 1, :] - self.sums[..., 2, :]
        return ratio(np.abs(gaps).sum(axis=-1), self.counts.sum(axis=-1))

    @property
    def brier(self) -> Float64[np.ndarray, "*b"]:
        """Mean squared difference of probability and label (Brier 1950, for one of two classes), in [0, 1];
        NaN without items.
        """
        return ratio(self.sums[..., 3, :].sum(axis=-1), self.counts.sum(axis=-1))


def reliability_terms(
    relevant: Bool[np.ndarray, " n"], probabilities: Float[np.ndarray, " n"], bins: int = _BINS
) -> Float64[np.ndarray, "n 4 m"]:
    """What each item adds to :class:`Reliability`, for a bootstrap; zeros where the probability is NaN."""
    answered = ~np.isnan(probabilities)
    p, has = probabilities[answered], relevant[answered].astype(float)
    terms = np.zeros((len(probabilities), 4, bins))
    terms[np.flatnonzero(answered), :, _bin(p, bins)] = np.stack(
        [np.ones(len(p)), p, has, (p - has) ** 2], axis=1
    )
    return terms


def calibration_error(
    relevant: Bool[np.ndarray, " n"], probabilities: Float[np.ndarray, " n"], bins: int = _BINS
) -> float:
    """Expected calibration error (Guo et al. 2017): the mean distance between a bin's mean probability and
    its share of relevant items, weighted by size.

    Args:
        relevant: Which items have the attribute.
        probabilities: Probability of having it, in [0, 1]; NaN is left out.
        bins: Number of bins of equal width.

    Returns:
        In [0, 1]; NaN without items.
    """
    return float(Reliability.of(relevant, probabilities, bins).ece)


def calibration_error_by_chance(probabilities: Float[np.ndarray, " n"], bins: int = _BINS) -> float:
    """Expected calibration error that exactly calibrated probabilities would have on these items.

    Labels that are drawn from the probabilities (consistency resampling, Bröcker and Smith 2007) miss them by
    chance, the more the fewer items a bin has. The mean over such draws, with the sum of a bin's labels taken
    as normal: an error of this size is no sign of miscalibration.

    Args:
        probabilities: In [0, 1]; NaN is left out.
        bins: Number of bins of equal width.

    Returns:
        In [0, 1]; NaN without items.
    """
    p = probabilities[~np.isnan(probabilities)].astype(np.float64)
    variances = np.bincount(_bin(p, bins), p * (1 - p), bins)
    return float(ratio(np.sqrt(variances * 2 / np.pi).sum(), np.float64(len(p))))


def _bin(probabilities: Float[np.ndarray, " n"], bins: int) -> np.ndarray:
    return np.minimum((probabilities * bins).astype(int), bins - 1)
