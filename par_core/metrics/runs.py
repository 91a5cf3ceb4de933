"""Several runs of one experiment: mean and standard deviation."""

from collections.abc import Mapping, Sequence
from statistics import mean, pstdev

__all__ = ["summary"]


def summary(scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """``mean`` and ``std`` (of the runs as a whole, as in the paper's Table 3) of every score that all runs
    have.
    """
    shared = [name for name in scores[0] if all(name in each for each in scores)]
    return {
        "mean": {name: mean(each[name] for each in scores) for name in shared},
        "std": {name: pstdev([each[name] for each in scores]) for name in shared},
    }
