"""A light model that is fitted out of fold: one regularised logistic regression for each attribute, on
features that are given.

A probability of a person comes from a model that saw neither this person nor, where groups are known, anybody
of the same group.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from scipy.optimize import minimize
from scipy.special import expit

from par_core.errors import BadConfigError

__all__ = ["LEAST", "group_folds", "out_of_fold"]

#: People with and without an attribute in the training folds, for a probe to be fitted.
LEAST: Final = 10
# a priori, of the log-odds of a person whose features are typical: nothing is ruled out, and certainty takes
# evidence
_SPREAD: Final = 2.0
_STEPS: Final = 200
_EXACT: Final = 1e-7  # relative: far below what moves a rank


def group_folds(groups: Sequence[str], folds: int, seed: int) -> Int64[np.ndarray, " n"]:
    """The fold of each of n people, drawn so that nobody's group is in two folds. It depends on the groups
    and the seed, not on the order of people.

    Args:
        groups: Who belongs together: an identity, or an image.
        folds: How many, from 2.
        seed: Of the draw.

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
    """Probabilities of having each attribute, of every person by a probe fitted on the other folds.

    Features are standardised by mean and deviation of the training folds.

    Args:
        features: Finite.
        labels: 1, 0, or NaN, from which nothing is learned.
        folds: Of each person.

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
        for attribute, given in enumerate(labels.T):
            used = train & ~np.isnan(given)
            has = given[used] == 1
            if min(has.sum(), (~has).sum()) >= LEAST:
                weights = _fitted(scaled[used], has)
                probabilities[~train, attribute] = expit(scaled[~train] @ weights[:-1] + weights[-1])
    return probabilities


def _fitted(features: Float64[np.ndarray, "m d"], has: Bool[np.ndarray, " m"]) -> Float64[np.ndarray, " p"]:
    """Weights and, last, offset of the most probable logistic regression, if weights are normal with a
    variance of ``_SPREAD`` squared over d.
    """
    sign, penalty = np.where(has, 1.0, -1.0), features.shape[1] / _SPREAD**2

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        agreement = sign * (features @ weights[:-1] + weights[-1])
        pull = -sign * expit(-agreement)
        value = np.logaddexp(0.0, -agreement).sum() + penalty / 2 * weights[:-1] @ weights[:-1]
        return float(value), np.append(features.T @ pull + penalty * weights[:-1], pull.sum())

    start = np.append(np.zeros(features.shape[1]), np.log(has.sum() / (~has).sum()))
    return np.asarray(
        minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "ftol": _EXACT}).x
    )
