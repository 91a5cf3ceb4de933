"""From which probability on an attribute counts as present.

The networks that users train take the prevalence (``calibration.fit_answers``), which is best for mA where
probabilities are calibrated. A filter of an archive must be right more often than that: the shipped describer
takes the two rules below.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64

from par_core.metrics.label_based import balanced_accuracy

__all__ = ["threshold_for_filters", "threshold_of_balance"]

_GRID: Final = np.linspace(0.05, 0.95, 91)
_NEARLY: Final = 0.01  # mA

Labelled = tuple[Bool[np.ndarray, " _"], Float[np.ndarray, " _"]]


def threshold_for_filters(probabilities: Float[np.ndarray, " n"]) -> float:
    """Return the threshold of the highest F1 + TPR + TNR that calibrated probabilities let expect.

    F1 alone gives up most of those who have something rare, and calls nearly all people what most are; TPR
    and TNR alone are content with one right hit in three. Labels are not looked at (as in Lipton et al.
    2014), so that a dozen people with an attribute cannot move the threshold far.

    Args:
        probabilities: Calibrated probabilities of people like those of the archive; at least one is above 0
            and one below 1.
    """
    p = np.sort(np.asarray(probabilities, np.float64))[::-1]
    shown, right = np.arange(1, len(p) + 1), np.cumsum(p)
    f1 = 2 * right / (shown + right[-1])
    rates = right / right[-1] + 1 - (shown - right) / (len(p) - right[-1])
    return float(p[(f1 + rates).argmax()])


def threshold_of_balance(sets: Sequence[Labelled]) -> float:
    """Return a threshold of a high mA on each of several sets of people, each of which counts the same.

    It is the middle of the thresholds whose mean mA is within 0.01 of the best, for what is one thing or the
    other: gender, orientation, length of hair.

    Args:
        sets: Who has the attribute, and the probabilities; both kinds are in each set.
    """
    means: Float64[np.ndarray, " t"] = np.array(
        [np.mean([balanced_accuracy(has, p >= cut) for has, p in sets]) for cut in _GRID]
    )
    return float(np.median(_GRID[means >= means.max() - _NEARLY]))
