"""Linear heads on frozen features, with a weight for each person.

The penalty is that of ``par_core.logistic``: a priori the log-odds of a person with typical features have a
fixed deviation. The weights of a training set add up to its number of real people, whatever else is in it, so
that no arm is regularised less than another.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax, softmax

__all__ = ["Head", "fit_sigmoids", "fit_softmax"]

# of the log-odds, a priori; for real people alone 2 and 4 are equally good on folds of the training people, 1
# and 8 are worse
_SPREAD: Final = 4.0

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""From logits to the loss and its gradient."""


class Head:
    """Weights and offsets of k outputs, and how features are scaled for them.

    Args:
        middle: Mean of each of d features.
        scale: What each is divided by.
        weights: (d + 1, k), the offsets last.
    """

    def __init__(
        self,
        middle: Float64[np.ndarray, " d"],
        scale: Float64[np.ndarray, " d"],
        weights: Float64[np.ndarray, "_ k"],
    ) -> None:
        self._middle, self._scale, self._weights = middle, scale, weights

    def logits(self, features: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "n k"]:
        """Log-odds, or log-probabilities up to a constant of each person."""
        return ((features - self._middle) / self._scale) @ self._weights[:-1] + self._weights[-1]


def fit_softmax(
    features: Float[np.ndarray, "n d"],
    codes: Int64[np.ndarray, " n"],
    weights: Float64[np.ndarray, " n"],
    classes: int,
    budget: int,
) -> Head:
    """Multinomial logistic regression.

    Args:
        features: Of n people.
        codes: Class of each, in [0, classes).
        weights: How much each counts.
        classes: How many classes there are.
        budget: Most steps of L-BFGS, each over everybody.
    """
    wanted = np.eye(classes)[codes]

    def loss(logits: np.ndarray) -> tuple[float, np.ndarray]:
        value = -(weights * (wanted * log_softmax(logits, axis=1)).sum(axis=1)).sum()
        return float(value), weights[:, None] * (softmax(logits, axis=1) - wanted)

    return _fit(features, weights, classes, loss, budget)


def fit_sigmoids(
    features: Float[np.ndarray, "n d"],
    labels: Float[np.ndarray, "n k"],
    weights: Float64[np.ndarray, "n k"],
    budget: int,
) -> Head:
    """One logistic regression for each of k attributes.

    Args:
        features: Of n people.
        labels: 1, 0, or NaN, from which nothing is learned.
        weights: How much each label counts.
        budget: Most steps of L-BFGS, each over everybody.
    """
    used = np.where(np.isnan(labels), 0.0, weights)
    has = np.nan_to_num(labels)

    def loss(logits: np.ndarray) -> tuple[float, np.ndarray]:
        value = -(used * (has * log_expit(logits) + (1 - has) * log_expit(-logits))).sum()
        return float(value), used * (expit(logits) - has)

    return _fit(features, weights.mean(axis=1), labels.shape[1], loss, budget)


def _fit(
    features: Float[np.ndarray, "n d"],
    weights: Float64[np.ndarray, " n"],
    outputs: int,
    loss: Loss,
    budget: int,
) -> Head:
    exact = features.astype(np.float64)
    middle = np.average(exact, axis=0, weights=weights)
    spread = np.sqrt(np.average((exact - middle) ** 2, axis=0, weights=weights))
    scale = np.where(spread > 0, spread, 1.0)
    scaled = (exact - middle) / scale
    penalty = scaled.shape[1] / _SPREAD**2
    # the best weights are sums of the rows, so fewer rows than features need no more unknowns than rows
    basis = None
    if scaled.shape[0] < scaled.shape[1]:
        basis, triangle = np.linalg.qr(scaled.T)
        scaled = np.ascontiguousarray(triangle.T)
    size = scaled.shape[1]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        given = flat.reshape(size + 1, outputs)
        value, pull = loss(scaled @ given[:-1] + given[-1])
        gradient = np.vstack([scaled.T @ pull + penalty * given[:-1], pull.sum(axis=0)])
        return value + penalty * float((given[:-1] ** 2).sum()) / 2, gradient.ravel()

    start = np.zeros((size + 1) * outputs)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": budget}).x
    solved = found.reshape(size + 1, outputs)
    return Head(middle, scale, solved if basis is None else np.vstack([basis @ solved[:-1], solved[-1:]]))
