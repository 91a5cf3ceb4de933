"""Several runs of one experiment: mean and standard deviation."""

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["summary"]


def summary(scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """``mean`` and ``std`` of every score that all runs have; NaN where a run has NaN.

    The standard deviation is that of the runs as a whole, as in the paper's Table 3.
    """
    shared = [name for name in scores[0] if all(name in each for each in scores)]
    return {
        "mean": {name: float(np.mean([each[name] for each in scores])) for name in shared},
        "std": {name: float(np.std([each[name] for each in scores])) for name in shared},
    }
