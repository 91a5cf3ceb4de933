"""How many there are: an interval from people who were drawn at random among the others, valid whenever the hunt stops.

The archive is cut into strata before anybody is judged. Some of those who are asked for are drawn at random from the people of one stratum whom nobody was
asked about yet. If K people of the stratum have the attribute, and f of them are known, a draw from a pool of m people meets one with probability
(K - f) / m, whatever made the pool what it is. So each K has a likelihood, and whoever was picked *because* a model liked them adds knowledge (f rises, m
falls) without bias. A bet q, fixed before each draw, makes a test: the product of q / likelihood over the draws of all strata is a non-negative martingale if
the numbers are the true ones, so it ever reaches 1 / alpha with probability alpha at most (Ville 1939). The numbers that have not reached it are the
confidence sequence (Waudby-Smith and Ramdas 2020, "Confidence sequences for sampling without replacement"). It holds at every moment at once, so nobody
needs to say beforehand when to stop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

__all__ = ["CONFIDENCE", "Bounds", "Draw", "Tally", "bounds_of"]

CONFIDENCE: Final = 0.95
_BET_YES: Final = 0.1  # people with the attribute, as if seen before the first draw; few, as they are rare
_BET_NO: Final = 1.0  # people without
_HALVINGS: Final = 48  # of an interval of up to 1e8 people, to far below one person
_EDGE: Final = 1e-3  # people; a bound so near to a whole number is that number


@dataclass(frozen=True, slots=True)
class Draw:
    """One person drawn at random.

    Attributes:
        yes: The person has the attribute.
        found: People of the stratum known to have it before this draw.
        pool: People of the stratum whom nobody was asked about before this draw, this one included.
    """

    yes: bool
    found: int
    pool: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of one stratum.

    Attributes:
        people: In the stratum.
        found: Known to have the attribute, however they were picked.
        cleared: Known not to have it.
        draws: Those of them who were drawn at random, in order.
    """

    people: int
    found: int
    cleared: int
    draws: tuple[Draw, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many people have the attribute, those who were found included.

    Attributes:
        least: At least so many.
        likely: The number under which the draws are most likely.
        most: At most so many.
    """

    least: int
    likely: float
    most: int


def bounds_of(tallies: Sequence[Tally], confidence: float = CONFIDENCE) -> Bounds:
    """How many people of several strata together have the attribute.

    Args:
        tallies: One a stratum.
        confidence: Probability that the interval holds the truth at every moment of a hunt, at least.
    """
    evidence = _Evidence(tallies)
    budget = -math.log1p(-confidence)
    likely = float(evidence.at_slope(0.0).sum())
    least, most = (_extreme(evidence, budget, towards) for towards in (-1.0, 1.0))
    return Bounds(math.ceil(least - _EDGE), likely, math.floor(most + _EDGE))


class _Evidence:
    """Log of the martingale of each stratum as a function of its number of people with the attribute: convex between the hard limits."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.lowest = np.array([tally.found for tally in tallies], np.float64)
        self.highest = np.array([tally.people - tally.cleared for tally in tallies], np.float64)
        draws = [(stratum, draw) for stratum, tally in enumerate(tallies) for draw in tally.draws]
        self._stratum = np.array([stratum for stratum, _ in draws], np.int64)
        self._sign = np.array([1.0 if draw.yes else -1.0 for _, draw in draws], np.float64)
        # people that could still be met by each draw: K - found of one kind, pool + found - K of the other
        self._zero = np.array([draw.found if draw.yes else draw.found + draw.pool for _, draw in draws], np.float64)
        self._constant = self._sum(np.array([math.log(draw.pool) for _, draw in draws], np.float64)) + [_log_bets(tally.draws) for tally in tallies]

    def _sum(self, values: Float64[np.ndarray, " draws"]) -> Float64[np.ndarray, " strata"]:
        return np.bincount(self._stratum, values, len(self.lowest)).astype(np.float64)

    def total(self, numbers: Float64[np.ndarray, " strata"]) -> float:
        """Log of the martingale at given numbers of people with the attribute."""
        return float((self._constant - self._sum(np.log(self._left(numbers)))).sum())

    def at_slope(self, slope: float) -> Float64[np.ndarray, " strata"]:
        """The number in each stratum from which on the log of the martingale rises faster than a slope."""
        low, high = self.lowest.copy(), self.highest.copy()
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            steeper = -self._sum(self._sign / self._left(middle)) > slope
            low, high = np.where(steeper, low, middle), np.where(steeper, middle, high)
        flat = self._sum(np.ones(len(self._stratum))) == 0  # nobody was drawn: everything is as likely
        return np.where(flat, self.highest if slope > 0 else self.lowest, (low + high) / 2)

    def _left(self, numbers: Float64[np.ndarray, " strata"]) -> Float64[np.ndarray, " draws"]:
        return self._sign * (numbers[self._stratum] - self._zero)


def _log_bets(draws: Sequence[Draw]) -> float:
    """Log of what was bet on what was drawn: each bet is the share of either kind until then, as if few were seen before."""
    total, seen = 0.0, np.array([_BET_NO, _BET_YES])
    for draw in draws:
        total += math.log(seen[int(draw.yes)] / seen.sum())
        seen[int(draw.yes)] += 1
    return total


def _extreme(evidence: _Evidence, budget: float, towards: float) -> float:
    """The largest (``towards`` 1) or smallest (-1) sum of numbers whose evidence keeps within a budget.

    At the optimum the evidence of all strata rises at the same slope (Lagrange), so one number is looked for.
    """
    best = evidence.at_slope(0.0)
    hard = evidence.highest if towards > 0 else evidence.lowest
    if evidence.total(hard) <= budget:
        return float(hard.sum())
    low, high = -60.0, 10.0  # of the logarithm of the slope: from one in more people than there are to far beyond a certain answer
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        numbers = evidence.at_slope(towards * math.exp(middle))
        if evidence.total(numbers) <= budget:
            low, best = middle, numbers
        else:
            high = middle
    return float(best.sum())
