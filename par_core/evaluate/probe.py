"""Probe that is fitted out of fold: one regularised logistic regression for each attribute, on given
features.

A probability of a person comes from a model that was fitted neither on this person nor, where groups are
known, on another person of the same group.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.special import expit

from par_core.errors import BadConfigError
from par_core.logistic import fit_logistic

__all__ = ["LEAST", "group_folds", "out_of_fold"]

#: People with and without an attribute in the training folds, for a probe to be fitted.
LEAST: Final = 10
# a priori, of the log-odds of a person whose features are typical: nothing is ruled out, and certainty takes
# evidence
_SPREAD: Final = 2.0


def group_folds(groups: Sequence[str], folds: int, seed: int) -> Int64[np.ndarray, " n"]:
    """Draw the fold of each of n people, so that no group is in two folds. It depends on the groups
    and the seed, not on the order of people.

    Args:
        groups: Group of each person: an identity, or an image.
        folds: Number of folds, from 2.
        seed: Seed of the draw.

    Raises:
        BadConfigError: There are fewer groups than folds.
    """
    names, group_of = np.unique(np.array(groups, object), return_inverse=True)
    if len(names) < folds:
        raise BadConfigError(f"{folds} folds need as many groups of people, got {len(names)}")
    return (np.random.default_rng(seed).permutation(len(names)) % folds)[group_of]


def out_of_fold(
    features: Float[np.ndarray, "n d"], labels: Float[np.ndarray, "n k"], folds: Int64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n k"]:
    """Return the probability of having each attribute, for every person by a probe fitted on the other folds.

    Features are standardised by mean and deviation of the training folds.

    Args:
        features: Finite numbers.
        labels: 1, 0, or NaN, from which nothing is learned.
        folds: Fold of each person.

    Returns:
        In [0, 1]; NaN where the other folds label fewer than ``LEAST`` people of either kind.
    """
    probabilities = np.full(labels.shape, np.nan)
    for fold in np.unique(folds):
        train = folds != fold
        middle, spread = (
            features[train].mean(axis=0, dtype=np.float64),
            features[train].std(axis=0, dtype=np.float64),
        )
        scaled = (features - middle) / np.where(spread > 0, spread, 1.0)
        for attribute, y in enumerate(labels.T):
            used = train & ~np.isnan(y)
            has = y[used] == 1
            if min(has.sum(), (~has).sum()) >= LEAST:
                weights, offset = fit_logistic(scaled[used], has, spread=_SPREAD)
                probabilities[~train, attribute] = expit(scaled[~train] @ weights + offset)
    return probabilities
