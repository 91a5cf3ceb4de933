"""Logistic regression with a normal prior, by L-BFGS (Liu and Nocedal 1989).

It is our own because scikit-learn's has no term that is given for each item and no prior of the offset, and
refuses labels of one kind.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

__all__ = ["fit_logistic"]

_STEPS: Final = 200
_EXACT: Final = 1e-9  # relative change of the loss at which fitting ends; log-odds are then right to 0.001


def fit_logistic(
    features: Float64[np.ndarray, "n d"],
    has: Bool[np.ndarray, " n"],
    *,
    spread: float,
    offset_spread: float = np.inf,
    given: Float64[np.ndarray, " n"] | None = None,
    counts: Float64[np.ndarray, " n"] | None = None,
    positive: bool = False,
) -> tuple[Float64[np.ndarray, " d"], float]:
    """The most probable weights and offset; an item's log-odds are ``given + features @ weights + offset``.

    Args:
        features: Of n items, each feature of mean 0 and variance 1.
        has: Labels.
        spread: Standard deviation, a priori, of ``features @ weights`` of a typical item: weights are normal
            with a variance of spread squared over d.
        offset_spread: Standard deviation of the offset, a priori; infinite only with labels of both kinds.
        given: A part of the log-odds that is not fitted; 0 unless given.
        counts: How often each item counts; once unless given.
        positive: Whether weights below 0 are forbidden.

    Returns:
        Weights and offset.
    """
    # here, for their import takes longer than most commands
    from scipy.optimize import Bounds, minimize
    from scipy.special import expit

    size = features.shape[1]
    sign, known = np.where(has, 1.0, -1.0), np.zeros(len(has)) if given is None else given
    precision = np.append(np.full(size, size / spread**2), 1 / offset_spread**2)
    times = np.ones(len(has)) if counts is None else counts

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        agreement = sign * (known + features @ weights[:-1] + weights[-1])
        pull, penalty = -sign * expit(-agreement) * times, precision * weights
        value = times @ np.logaddexp(0.0, -agreement) + penalty @ weights / 2
        return float(value), np.append(features.T @ pull, pull.sum()) + penalty

    start = np.zeros(size + 1)
    bounds = Bounds(np.append(np.full(size, 0.0 if positive else -np.inf), -np.inf), np.inf)
    fitted = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _STEPS, "ftol": _EXACT},
    ).x
    return fitted[:-1], float(fitted[-1])
