"""Probabilities and their log-odds, without SciPy, whose import takes 0.2 CPU seconds and 27 MB."""

from typing import Any

import numpy as np
from jaxtyping import Float

__all__ = ["expit", "logit"]


def expit(log_odds: Float[np.ndarray, "*n"] | float) -> Any:
    """Return the probabilities of log-odds, 1 / (1 + exp(-x)); precise also where they are near 0."""
    return np.exp(-np.logaddexp(0.0, np.negative(log_odds)))


def logit(probabilities: Float[np.ndarray, "*n"] | float) -> Any:
    """Return the log-odds of probabilities; -inf of 0, inf of 1, NaN of what is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(probabilities) - np.log1p(np.negative(probabilities))
