"""The largest distance at which two images count as counterparts, chosen on known pairs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from par_core.errors import BadInputError

__all__ = ["Threshold", "choose_threshold"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Largest distance at which two images count as counterparts, and its error rates.

    Attributes:
        distance: Largest distance that counts; -1 if none can.
        found: Share of the known counterparts within it.
        mistaken: Share of the known others within it: the false positive rate of one comparison.
        n_same: Number of known counterparts on which it was chosen.
        n_different: Number of known others.
    """

    distance: float
    found: float
    mistaken: float
    n_same: int
    n_different: int


def choose_threshold(
    same: Float[np.ndarray, " n"], different: Float[np.ndarray, " m"], false_positives: float
) -> Threshold:
    """Choose the largest distance among the known pairs that keeps the false positive rate.

    A test image is compared with every train image: expect about ``mistaken`` times the number of comparisons
    pairs that are none.

    Args:
        same: Distances of pairs that are known to be counterparts.
        different: Distances of pairs that are known not to be.
        false_positives: The rate allowed, above 0 and below 1.

    Raises:
        BadInputError: A rate outside its range, no pairs, distances that are not finite, or fewer known
            others than it takes to measure the rate.
    """
    if not 0 < false_positives < 1:
        raise BadInputError(f"expected a false positive rate between 0 and 1, got {false_positives}")
    if not len(same) or len(different) * false_positives < 1:
        raise BadInputError(
            f"a rate of {false_positives:g} takes pairs of both kinds and 1/rate different ones, got"
            f" {len(same)} same, {len(different)} different"
        )
    if not (np.isfinite(same).all() and np.isfinite(different).all()):
        raise BadInputError("expected finite distances of the known pairs")
    candidates = np.unique(np.concatenate([same, different]))
    mistaken = np.searchsorted(np.sort(different), candidates, side="right") / len(different)
    allowed = np.flatnonzero(mistaken <= false_positives)
    if not len(allowed):
        return Threshold(-1.0, 0.0, 0.0, len(same), len(different))
    last = allowed[-1]
    return Threshold(
        float(candidates[last]),
        float((same <= candidates[last]).mean()),
        float(mistaken[last]),
        len(same),
        len(different),
    )
