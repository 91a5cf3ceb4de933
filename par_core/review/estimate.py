"""How many there are: an interval from people who were drawn at random among the others, valid whenever the
review stops.

The archive is cut into strata before anybody is judged. Some of those who are asked for are drawn at random
from the people of one stratum whom nobody was asked about yet. If K people of the stratum have the attribute,
and f of them are known, a draw from a pool of m people meets one with probability (K - f) / m, whatever made
the pool what it is. So each K has a likelihood, and whoever was picked *because* a model liked them adds
knowledge (f rises, m falls) without bias. A bet q, fixed before each draw, makes a test: the product of q /
likelihood over the draws of all strata is a non-negative martingale if the numbers are the true ones, so it
ever reaches 1 / alpha with probability alpha at most (Ville 1939). The numbers that have not reached it are
the confidence sequence (Waudby-Smith and Ramdas 2020, "Confidence sequences for sampling without
replacement"). It holds at every moment at once, so nobody needs to say beforehand when to stop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

__all__ = ["CONFIDENCE", "Bounds", "Draw", "Evidence", "Tally", "bounds_of"]

CONFIDENCE: Final = 0.95
_BET_YES: Final = 0.1  # people with the attribute, as if seen before the first draw; few, as they are rare
_BET_NO: Final = 1.0  # people without
_HALVINGS: Final = 40  # of an interval of up to 1e9 people, to a thousandth of a person
# logarithms: from one in more people than there are to an answer that is certain
_SLOPES: Final = (-30.0, 3.0)
_GRID, _GRIDS = 17, 5  # points, and how often they are refined: 5e-5 of the slope in the end
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
        confidence: Probability that the interval holds the truth at every moment of a review, at least.
    """
    evidence = Evidence(tallies)
    budget = -math.log1p(-confidence)
    likely = float(evidence.at_slopes(np.zeros(1)).sum())
    least, most = (_extreme(evidence, budget, towards) for towards in (-1.0, 1.0))
    return Bounds(math.ceil(least - _EDGE), likely, math.floor(most + _EDGE))


class Evidence:
    """Log of the martingale of each stratum as a function of its number of people with the attribute: convex
    between the hard limits.
    """

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.lowest = np.array([tally.found for tally in tallies], np.float64)
        self.highest = np.array([tally.people - tally.cleared for tally in tallies], np.float64)
        draws = [(stratum, draw) for stratum, tally in enumerate(tallies) for draw in tally.draws]
        self._stratum = np.array([stratum for stratum, _ in draws], np.int64)
        self._of = np.eye(len(tallies))[self._stratum]  # (draws, strata) one where a draw is of a stratum
        self._sign = np.array([1.0 if draw.yes else -1.0 for _, draw in draws], np.float64)
        # K - found people could be met by a draw that met one, pool + found - K by one that did not
        self._zero = np.array(
            [draw.found if draw.yes else draw.found + draw.pool for _, draw in draws], np.float64
        )
        self._constant = sum(math.log(draw.pool) for _, draw in draws) + sum(
            _log_bets(tally.draws) for tally in tallies
        )

    def total(self, numbers: Float64[np.ndarray, "n strata"]) -> Float64[np.ndarray, " n"]:
        """Log of the martingale for each of n rows of numbers of people with the attribute."""
        return self._constant - np.log(self._sign * (numbers[:, self._stratum] - self._zero)).sum(axis=1)

    def at_slopes(self, slopes: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n strata"]:
        """The number in each stratum from which on the log of the martingale rises faster than each of n
        slopes.
        """
        low, high = (np.tile(limit, (len(slopes), 1)) for limit in (self.lowest, self.highest))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            steeper = (1 / (self._zero - middle[:, self._stratum])) @ self._of > slopes[:, None]
            low, high = np.where(steeper, low, middle), np.where(steeper, middle, high)
        flat = ~self._of.any(axis=0)  # nobody was drawn: everything is as likely
        return np.where(flat, np.where(slopes[:, None] > 0, self.highest, self.lowest), (low + high) / 2)


def _log_bets(draws: Sequence[Draw]) -> float:
    """Log of what was bet on what was drawn: each bet is the share of either kind until then, as if few were
    seen before.
    """
    total, seen = 0.0, np.array([_BET_NO, _BET_YES])
    for draw in draws:
        total += math.log(seen[int(draw.yes)] / seen.sum())
        seen[int(draw.yes)] += 1
    return total


def _extreme(evidence: Evidence, budget: float, towards: float) -> float:
    """The largest (``towards`` 1) or smallest (-1) sum of numbers whose evidence keeps within a budget, or a
    little further out.

    At the optimum the evidence of all strata rises at the same slope (Lagrange), so one number is looked for,
    its logarithm on finer and finer grids.
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
