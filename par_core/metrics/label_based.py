"""Label-based metrics: every attribute for itself, over all people (paper, equations 1 and 2, Tables 2 to 4).

A label is 1 (has it), 0 or 2 (has it not; 2 is RAP's "uncertain", which the field counts as absent), or NaN
(unknown: left out).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import ArrayLike

from par_core.errors import BadInputError

__all__ = ["LabelCounts", "balanced_accuracy", "known_items", "label_terms", "ratio", "read_labels"]


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How often each attribute was right and wrong; two of them add up to that of both sets of people.

    Attributes:
        sums: True positives, false positives, true negatives and false negatives of k attributes. Leading
            axes, such as the resamples of a bootstrap, lead the results too.
    """

    sums: Float64[np.ndarray, "*b 4 k"]

    @classmethod
    def of(cls, labels: Float[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]) -> "LabelCounts":
        """Count.

        Args:
            labels: 1, 0, 2 or NaN.
            predicted: What the model says.

        Raises:
            BadInputError: Another label.
        """
        return cls(label_terms(labels, predicted).sum(axis=0))

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        return LabelCounts(self.sums + other.sums)

    @property
    def known(self) -> Float64[np.ndarray, "*b k"]:
        """How many people have a known label."""
        return self.sums.sum(axis=-2)

    @property
    def positives(self) -> Float64[np.ndarray, "*b k"]:
        """How many people have the attribute (the column "Samples" of the paper's tables)."""
        return self._tp + self._fn

    @property
    def precision(self) -> Float64[np.ndarray, "*b k"]:
        """Share of the predicted that have it, in [0, 1]; if none is predicted, 0 where some have it (as in
        the paper's Table 2), else NaN.
        """
        precision = ratio(self._tp, self._tp + self._fp)
        return np.where(np.isnan(precision) & (self._fn > 0), 0.0, precision)

    @property
    def recall(self) -> Float64[np.ndarray, "*b k"]:
        """True positive rate: share of those who have it that are predicted, in [0, 1]; NaN if none does."""
        return ratio(self._tp, self._tp + self._fn)

    @property
    def f1(self) -> Float64[np.ndarray, "*b k"]:
        """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), in [0, 1]; NaN if none has it or
        is predicted.
        """
        return ratio(2 * self._tp, 2 * self._tp + self._fp + self._fn)

    @property
    def accuracy(self) -> Float64[np.ndarray, "*b k"]:
        """Share of right answers, in [0, 1]; NaN if no label is known. Nearly 1 for a rare attribute that is
        never predicted: not to be mistaken for mA.
        """
        return ratio(self._tp + self._tn, self.known)

    @property
    def ma(self) -> Float64[np.ndarray, "*b k"]:
        """Mean of true positive and true negative rate (Deng et al. 2014; what equation 1 of the paper
        means), in [0, 1]; NaN if either kind is missing.
        """
        return (self.recall + ratio(self._tn, self._tn + self._fp)) / 2

    @property
    def mean_ma(self) -> Float64[np.ndarray, "*b"]:
        """Mean of ``ma`` over the attributes where it is defined (paper, equation 2), in [0, 1]; NaN if there
        is none.
        """
        each = self.ma
        return ratio(np.nansum(each, axis=-1), (~np.isnan(each)).sum(axis=-1))

    @property
    def _tp(self) -> Float64[np.ndarray, "*b k"]:
        return self.sums[..., 0, :]

    @property
    def _fp(self) -> Float64[np.ndarray, "*b k"]:
        return self.sums[..., 1, :]

    @property
    def _tn(self) -> Float64[np.ndarray, "*b k"]:
        return self.sums[..., 2, :]

    @property
    def _fn(self) -> Float64[np.ndarray, "*b k"]:
        return self.sums[..., 3, :]


def label_terms(
    labels: Float[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]
) -> Float64[np.ndarray, "n 4 k"]:
    """What each person adds to :class:`LabelCounts`: 1 in one of the four, or 0 in all where the label is
    unknown.

    Raises:
        BadInputError: A label is none of 0, 1, 2 and NaN.
    """
    has, known = read_labels(labels)
    lacks = known & ~has
    return np.stack(
        [has & predicted, lacks & predicted, lacks & ~predicted, has & ~predicted], axis=1
    ).astype(np.float64)


def balanced_accuracy(relevant: Bool[np.ndarray, " n"], predicted: Bool[np.ndarray, " n"]) -> float:
    """Mean of the true positive and the true negative rate: mA of one attribute (Deng et al. 2014); NaN if
    either kind is missing.
    """
    if not relevant.any() or relevant.all():
        return float("nan")
    return float((predicted[relevant].mean() + (~predicted[~relevant]).mean()) / 2)


def read_labels(labels: Float[np.ndarray, "*n"]) -> tuple[Bool[np.ndarray, "*n"], Bool[np.ndarray, "*n"]]:
    """Who has an attribute, and whose label is known.

    Raises:
        BadInputError: A label is none of 0, 1, 2 and NaN.
    """
    known = ~np.isnan(labels)
    others = labels[known & ~np.isin(labels, (0, 1, 2))]
    if others.size:
        raise BadInputError(f"a label is 0, 1, 2 or NaN; {others.size} are not, the first is {others[0]:g}")
    return labels == 1, known


def known_items(
    labels: Float[np.ndarray, " n"], scores: Float[np.ndarray, " n"]
) -> tuple[Bool[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Relevance and score of the items whose label is known, for ranking, calibration and thresholds.

    Raises:
        BadInputError: A label is none of 0, 1, 2 and NaN.
    """
    has, known = read_labels(labels)
    return has[known], scores[known]


def ratio(part: ArrayLike, whole: ArrayLike) -> Float64[np.ndarray, "..."]:
    """Part over whole; NaN where the whole is 0."""
    over = np.asarray(whole, np.float64)
    return np.divide(part, over, out=np.full(over.shape, np.nan), where=over != 0)
