"""Likely wrong labels by confident learning (Northcutt, Jiang and Chuang, "Confident learning", JAIR 70,
2021), for attributes that a person has or has not.

From the labels as given and probabilities that a model learned from *other* people, the joint distribution of
given and true label is estimated, and the labels that lie off its diagonal are listed. Written from the
paper; nothing but NumPy.

With two classes, the paper's two orders, by self-confidence (the probability of the given label) and by
normalised margin (that less the probability of the other label), are the same one: the margin is twice the
self-confidence less 1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from par_core.errors import BadInputError

__all__ = ["LabelAudit", "audit_labels"]


@dataclass(frozen=True, slots=True)
class LabelAudit:
    """Result of confident learning on the labels of n people for k attributes.

    Attributes:
        listed: (n, k) the labels that are likely wrong.
        margins: (n, k) the normalised margin in [-1, 1]: probability of the given label less that of the
            other one; NaN where a label was not audited.
        thresholds: (k, 2) for "has it not" and "has it" the mean self-confidence of the people with that
            label, in [0, 1]; NaN if there are none.
        joint: (k, 2, 2) estimated share of the people with a given label (rows) and a true label (columns);
            each sums to 1. NaN where a label is missing.
    """

    listed: Bool[np.ndarray, "n k"]
    margins: Float64[np.ndarray, "n k"]
    thresholds: Float64[np.ndarray, "k 2"]
    joint: Float64[np.ndarray, "k 2 2"]

    @property
    def audited(self) -> Bool[np.ndarray, "n k"]:
        """Whether a label could be judged: it is known, and so is the probability."""
        return ~np.isnan(self.margins)

    @property
    def noise_rates(self) -> Float64[np.ndarray, " k"]:
        """Estimated share of wrong labels of each attribute, in [0, 1]; NaN where only one kind of label was
        audited.
        """
        return self.joint[:, 0, 1] + self.joint[:, 1, 0]

    def ranking(self) -> Int64[np.ndarray, " m"]:
        """The m audited labels as indices of the flattened (n, k), most suspicious first: the listed ones,
        then the others, each by margin.
        """
        order = np.lexsort((self.margins.ravel(), ~self.listed.ravel()))
        return order[self.audited.ravel()[order]]


def audit_labels(labels: Float[np.ndarray, "n k"], probabilities: Float[np.ndarray, "n k"]) -> LabelAudit:
    """Find likely wrong labels, each attribute by itself.

    A label is listed if the other class is the likelier one among those that are *confident* for this person,
    that is, those whose probability reaches the mean that it has among the people labelled so (the paper's
    equations 1 and 2, and its section 4.2, method 2). Which class is rare, and how sure the model is in
    general, thereby matters less than with a fixed threshold.

    Args:
        labels: 1, 0, or NaN where not known.
        probabilities: Probabilities of having the attribute, in [0, 1], from a model that did not learn from
            the same person's label; NaN where there is none.

    Raises:
        BadInputError: A label is none of 0, 1 and NaN, or a probability is outside of [0, 1].
    """
    _require(labels, np.isin(labels, (0, 1)) | np.isnan(labels), "a label is 0, 1 or NaN")
    _require(
        probabilities,
        ((probabilities >= 0) & (probabilities <= 1)) | np.isnan(probabilities),
        "a probability is in [0, 1] or NaN",
    )
    n, k = labels.shape
    margins = np.where(labels == 1, 1, -1) * (2 * probabilities.astype(np.float64) - 1)
    margins[np.isnan(labels)] = np.nan
    listed, thresholds, joint = np.zeros((n, k), bool), np.full((k, 2), np.nan), np.full((k, 2, 2), np.nan)
    for i in range(k):
        known = ~np.isnan(margins[:, i])
        has = labels[known, i] == 1
        both = np.stack([1 - probabilities[known, i], probabilities[known, i]], axis=1).astype(np.float64)
        thresholds[i] = [_mean(both[has == label, label]) for label in (0, 1)]
        if np.isnan(thresholds[i]).any():
            continue
        counts, listed[known, i] = _confident(has, both, thresholds[i])
        joint[i] = _calibrated(counts, has)
    return LabelAudit(listed, margins, thresholds, joint)


def _confident(
    has: Bool[np.ndarray, " m"], both: Float64[np.ndarray, "m 2"], thresholds: Float64[np.ndarray, "2"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of people confidently of each class, by given label; and whether each is confidently
    of the other class.
    """
    confident = np.where(both >= thresholds, both, -1.0)
    label = has.astype(np.int64)
    own, other = (
        np.take_along_axis(confident, label[:, None], axis=1)[:, 0],
        np.take_along_axis(confident, 1 - label[:, None], axis=1)[:, 0],
    )
    off, on = other > own, (own >= other) & (own >= 0)
    counts = np.zeros((2, 2))
    np.add.at(counts, (label[on], label[on]), 1)
    np.add.at(counts, (label[off], 1 - label[off]), 1)
    return counts, off


def _calibrated(counts: np.ndarray, has: Bool[np.ndarray, " m"]) -> np.ndarray:
    """The joint distribution (the paper's equation 3): each row scaled to the number of people with that
    label.
    """
    share = np.array([(~has).mean(), has.mean()])
    return counts / counts.sum(axis=1, keepdims=True) * share[:, None]


def _mean(confidence: np.ndarray) -> float:
    """The mean, never above the largest value, where rounding might put it: at least one person is always
    confident of each given label.
    """
    return float(min(confidence.mean(), confidence.max())) if len(confidence) else float("nan")


def _require(values: np.ndarray, good: np.ndarray, rule: str) -> None:
    if not good.all():
        wrong = values[~good]
        raise BadInputError(f"{rule}; {wrong.size} are not, the first is {wrong[0]:g}")
