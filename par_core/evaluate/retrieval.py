"""Ranking metrics, in NumPy. Scores may be negative (cosines are); ties are resolved in favour of nobody.

``average_precision`` is the area under the precision-recall steps (Manning et al., Introduction to Information Retrieval, section 8.4).
"""

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["average_precision", "balanced_accuracy", "calibration_error", "roc_auc"]


def average_precision(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Mean precision at the ranks of the relevant items, highest score first.

    Args:
        relevant: Which items ought to be found.
        scores: Higher is better; equal scores share the precision at the end of their run.

    Returns:
        In [0, 1]; NaN if nothing is relevant. A random order gives about the prevalence.
    """
    if not relevant.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits, ranked = relevant[order], scores[order]
    last_of_run = np.append(ranked[1:] != ranked[:-1], True)
    ends = np.searchsorted(np.flatnonzero(last_of_run), np.arange(len(ranked)))
    at_end = np.flatnonzero(last_of_run)[ends]
    precision = np.cumsum(hits)[at_end] / (at_end + 1)
    return float(precision[hits].mean())


def roc_auc(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Probability that a relevant item scores higher than another, ties counting half; NaN if either kind is missing."""
    n_relevant = int(relevant.sum())
    n_other = len(relevant) - n_relevant
    if not n_relevant or not n_other:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((mean_ranks[inverse][relevant].sum() - n_relevant * (n_relevant + 1) / 2) / (n_relevant * n_other))


def balanced_accuracy(relevant: Bool[np.ndarray, " n"], predicted: Bool[np.ndarray, " n"]) -> float:
    """Mean of the true positive and the true negative rate: mA of one attribute (Deng et al. 2014); NaN if either kind is missing."""
    if not relevant.any() or relevant.all():
        return float("nan")
    return float((predicted[relevant].mean() + (~predicted[~relevant]).mean()) / 2)


def calibration_error(relevant: Bool[np.ndarray, " n"], probabilities: Float[np.ndarray, " n"], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): the mean distance between a bin's mean probability and its share of relevant items, weighted by size.

    Args:
        relevant: Which items have the attribute.
        probabilities: Of having it, in [0, 1].
        bins: Of equal width.

    Returns:
        In [0, 1]; NaN without items.
    """
    if not len(relevant):
        return float("nan")
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    sizes = np.bincount(which, minlength=bins)
    gaps = np.bincount(which, probabilities, bins) - np.bincount(which, relevant.astype(float), bins)
    return float(np.abs(gaps).sum() / sizes.sum())
