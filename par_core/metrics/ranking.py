"""Metrics of one ranking of items by score: average precision, area under the ROC curve, and the curve of
precision and recall.

Scores may be negative (cosines are). An item with a NaN score is never found: it ranks below all others and
no threshold shows it, but it counts among the relevant or the other items.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from par_core.metrics.label_based import ratio

__all__ = ["OperatingPoints", "average_precision", "operating_points", "roc_auc"]


def average_precision(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Mean precision at the ranks of the relevant items, highest score first: the area under the steps of
    precision over recall.

    Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), section 8.4.

    Args:
        relevant: Which items are to be found.
        scores: Higher is better; equal scores share the precision at the end of their run, so that their
            order does not matter.

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
    precision = np.where(np.isnan(ranked), 0.0, np.cumsum(hits)[at_end] / (at_end + 1))
    return float(precision[hits].mean())


def roc_auc(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    """Probability that a relevant item scores higher than another, ties counting half; NaN if either kind is
    missing.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 143 (1982).
    """
    n_relevant = int(relevant.sum())
    n_other = len(relevant) - n_relevant
    if not n_relevant or not n_other:
        return float("nan")
    _, inverse, counts = np.unique(
        np.where(np.isnan(scores), -np.inf, scores), return_inverse=True, return_counts=True
    )
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    return float(
        (mean_ranks[inverse][relevant].sum() - n_relevant * (n_relevant + 1) / 2) / (n_relevant * n_other)
    )


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """What is shown at every threshold that makes a difference: an item is shown where its score reaches the
    threshold.

    Attributes:
        thresholds: The distinct scores, highest first.
        shown: How many items reach each.
        right: How many of these are relevant.
        items: How many items there are.
        relevant: How many of these are relevant.
    """

    thresholds: Float64[np.ndarray, " t"]
    shown: Float64[np.ndarray, " t"]
    right: Float64[np.ndarray, " t"]
    items: int
    relevant: int

    @property
    def precision(self) -> Float64[np.ndarray, " t"]:
        """In [0, 1]."""
        return self.right / self.shown

    @property
    def recall(self) -> Float64[np.ndarray, " t"]:
        """In [0, 1], growing; NaN if nothing is relevant."""
        return ratio(self.right, np.full(len(self.right), self.relevant))

    @property
    def false_positive_rate(self) -> Float64[np.ndarray, " t"]:
        """In [0, 1], growing; NaN if everything is relevant."""
        return ratio(self.shown - self.right, np.full(len(self.right), self.items - self.relevant))


def operating_points(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> OperatingPoints:
    """The points of the curve of precision and recall, and of the ROC curve.

    Source: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27 (2006), section 4: equal
    scores make one point.

    Args:
        relevant: Which items are to be found.
        scores: Higher is better.

    Returns:
        One point a distinct score; none without scores.
    """
    scored = ~np.isnan(scores)
    values, inverse, counts = np.unique(scores[scored], return_inverse=True, return_counts=True)
    # integers where there is nothing
    right = np.bincount(inverse, relevant[scored], len(values)).astype(np.float64)
    descending = slice(None, None, -1)
    shown = np.cumsum(counts[descending]).astype(np.float64)
    return OperatingPoints(
        values[descending].astype(np.float64),
        shown,
        np.cumsum(right[descending]),
        len(relevant),
        int(relevant.sum()),
    )
