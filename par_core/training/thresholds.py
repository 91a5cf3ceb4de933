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

__all__ = ["threshold_of_balance", "threshold_of_expected_f1"]

_GRID: Final = np.linspace(0.05, 0.95, 91)
_NEARLY: Final = 0.01  # mA

Labelled = tuple[Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]


def threshold_of_expected_f1(probabilities: Float[np.ndarray, " n"]) -> float:
    """Return the threshold of the highest F1 that calibrated probabilities let expect (Lipton et al. 2014).

    Labels are not looked at, so a dozen people with an attribute cannot pull the threshold to and fro.

    Args:
        probabilities: Calibrated probabilities of people like those of the archive; at least one.
    """
    p = np.sort(np.asarray(probabilities, np.float64))[::-1]
    expected = 2 * np.cumsum(p) / (np.arange(1, len(p) + 1) + p.sum())
    return float(p[expected.argmax()])


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
