"""Confidence interval for the number of people with the attribute, from people drawn at random in strata. It
is valid at whatever moment a review stops.

**Sampling model.** Before the first answer the archive is cut into strata. In a stratum an unknown, fixed
number K of people have the attribute; nothing else is assumed of them. A person is proposed in one of two
ways: the model picks the person, or the person is drawn uniformly at random from the m people of the stratum
who were not proposed before. Let f be the number of people of the stratum who are known to have the attribute
at the moment of a draw, however they were proposed. Then K - f of the m people have it, and given everything
that happened before,

    P(drawn person has the attribute) = (K - f) / m.

The model's choices only change f and m, which are known, so they do not bias the draw. Answers are taken to
be correct.

**Test of one K.** Before draw i a probability q_i is fixed for each of its two outcomes: the share of that
outcome in the earlier draws of the stratum, with pseudo-counts ``_PRIOR_YES`` and ``_PRIOR_NO``. Let p_i(K)
be the probability above of the outcome that was drawn. If K is the true number, M(K), the product of
q_i / p_i(K) over the draws so far, is a martingale that is never negative and starts at 1, so the probability
that it ever reaches 1 / alpha is at most alpha (Ville 1939, "Étude critique de la notion de collectif"). In a
stratum from which the model picks no person, M is the prior-posterior ratio of Waudby-Smith and Ramdas (2020,
"Confidence sequences for sampling without replacement", NeurIPS) with a beta-binomial prior on K.

**Interval and coverage.** For several strata the martingales are multiplied: this is again a martingale if
all K_s are true. The vectors (K_1, K_2, ...) whose product is at most 1 / alpha are the confidence set. The
least and the greatest sum over this set (over real instead of whole numbers, which can only widen it) are the
ends of the interval for the total. It is a confidence sequence: with a probability of at least 1 - alpha it
contains the true total at *all* moments of the review at once. So the time to stop need not be fixed
beforehand, and may depend on the answers and on the interval itself.

**Point estimate.** The sum of the maximum-likelihood estimates of the strata.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

__all__ = ["CONFIDENCE", "Bounds", "Draw", "Evidence", "Tally", "bounds_of"]

CONFIDENCE: Final = 0.95
_PRIOR_YES: Final = 0.1  # pseudo-count of draws with the attribute; small, for attributes are rare
_PRIOR_NO: Final = 1.0  # pseudo-count of draws without it
_HALVINGS: Final = 40  # bisections: from 1e9 people to a thousandth of a person
# logarithms: from one in more people than an archive holds to an answer that is certain
_SLOPES: Final = (-30.0, 3.0)
_GRID, _GRIDS = 17, 5  # points, and number of refinements: 5e-5 of the slope in the end
_EDGE: Final = 1e-3  # people; a bound so near to a whole number is that number


@dataclass(frozen=True, slots=True)
class Draw:
    """One person drawn at random from a stratum.

    Attributes:
        positive: Whether the person has the attribute.
        known: Number of people of the stratum known to have the attribute before this draw (f).
        pool: Number of people of the stratum who were not proposed before this draw, this one included (m).
    """

    positive: bool
    known: int
    pool: int


@dataclass(frozen=True, slots=True)
class Tally:
    """State of knowledge about one stratum.

    Attributes:
        people: Number of people in the stratum.
        positives: Number of people known to have the attribute, however they were proposed.
        negatives: Number of people known not to have it, however they were proposed.
        draws: The people among both who were drawn at random, in order.
    """

    people: int
    positives: int
    negatives: int
    draws: tuple[Draw, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Number of people with the attribute, those already known included.

    Attributes:
        least: Lower end of the interval.
        likely: Maximum-likelihood estimate.
        most: Upper end of the interval.
    """

    least: int
    likely: float
    most: int


def bounds_of(tallies: Sequence[Tally], confidence: float = CONFIDENCE) -> Bounds:
    """Return the interval for the number of people of several strata together who have the attribute.

    Args:
        tallies: One for each stratum.
        confidence: Lower bound, 1 - alpha, of the probability that the interval contains the true number at
            every moment of a review.
    """
    evidence = Evidence(tallies)
    budget = -math.log1p(-confidence)  # log(1 / alpha)
    likely = float(evidence.at_slopes(np.zeros(1)).sum())
    least, most = (_extreme(evidence, budget, towards) for towards in (-1.0, 1.0))
    return Bounds(math.ceil(least - _EDGE), likely, math.floor(most + _EDGE))


class Evidence:
    """Evidence against a number of people with the attribute in each stratum: log M, which is convex in each
    number.

    Args:
        tallies: One for each stratum.

    Attributes:
        lowest: (strata,) least possible numbers: the people known to have the attribute.
        highest: (strata,) greatest possible numbers: all people but those known not to have it.
    """

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.lowest = np.array([tally.positives for tally in tallies], np.float64)
        self.highest = np.array([tally.people - tally.negatives for tally in tallies], np.float64)
        draws = [(stratum, draw) for stratum, tally in enumerate(tallies) for draw in tally.draws]
        self._stratum = np.array([stratum for stratum, _ in draws], np.int64)
        # (draws, strata) one where a draw is from a stratum
        self._membership = np.eye(len(tallies))[self._stratum]
        self._sign = np.array([1.0 if draw.positive else -1.0 for _, draw in draws], np.float64)
        # the drawn outcome had K - known people in the pool if positive, known + pool - K if negative
        self._zero = np.array(
            [draw.known if draw.positive else draw.known + draw.pool for _, draw in draws], np.float64
        )
        self._constant = sum(math.log(draw.pool) for _, draw in draws) + sum(
            _log_predictions(tally.draws) for tally in tallies
        )

    def total(self, numbers: Float64[np.ndarray, "n strata"]) -> Float64[np.ndarray, " n"]:
        """Return log M, all strata together, for each of n rows of numbers of people with the attribute."""
        return self._constant - np.log(self._sign * (numbers[:, self._stratum] - self._zero)).sum(axis=1)

    def at_slopes(self, slopes: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n strata"]:
        """Return for each stratum the number at which log M has each of n slopes, cut to the possible
        numbers.
        """
        low, high = (np.tile(limit, (len(slopes), 1)) for limit in (self.lowest, self.highest))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            steeper = (1 / (self._zero - middle[:, self._stratum])) @ self._membership > slopes[:, None]
            low, high = np.where(steeper, low, middle), np.where(steeper, middle, high)
        flat = ~self._membership.any(axis=0)  # without a draw every number is equally likely
        return np.where(flat, np.where(slopes[:, None] > 0, self.highest, self.lowest), (low + high) / 2)


def _log_predictions(draws: Sequence[Draw]) -> float:
    """Sum of log q over the draws of a stratum: q is the share of an outcome in the earlier draws, with
    pseudo-counts.
    """
    total, counts = 0.0, np.array([_PRIOR_NO, _PRIOR_YES])
    for draw in draws:
        total += math.log(counts[int(draw.positive)] / counts.sum())
        counts[int(draw.positive)] += 1
    return total


def _extreme(evidence: Evidence, budget: float, towards: float) -> float:
    """Return the largest (``towards`` 1) or smallest (-1) sum of numbers whose evidence is at most a budget,
    or a little further out.

    At the optimum the evidence of all strata rises at the same slope (Lagrange), so a single slope is
    searched, its logarithm on finer and finer grids.
    """
    hard = evidence.highest if towards > 0 else evidence.lowest
    if evidence.total(hard[None])[0] <= budget:
        return float(hard.sum())
    low, high = _SLOPES
    for _ in range(_GRIDS):
        grid = np.linspace(low, high, _GRID)
        within = evidence.total(evidence.at_slopes(towards * np.exp(grid))) <= budget
        last = int(within.sum()) - 1  # evidence grows with the slope
        low, high = float(grid[max(last, 0)]), float(grid[min(last + 1, _GRID - 1)])
    return float(evidence.at_slopes(np.array([towards * math.exp(high)])).sum())
