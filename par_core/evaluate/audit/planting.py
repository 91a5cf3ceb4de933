"""Measuring an audit: wrong labels are planted, and those that it finds are counted (paper, Figure 3, shows
why).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from par_core.errors import BadConfigError
from par_core.evaluate.audit.confident_learning import LabelAudit

__all__ = ["FIRST", "Found", "count_found", "plant"]

#: The share of all known labels, most suspicious first, that a person is expected to review.
FIRST: Final = 0.05


@dataclass(frozen=True, slots=True)
class Found:
    """Number of planted labels that an audit finds.

    Attributes:
        known: Number of known labels, which includes the planted ones.
        planted: Number of planted ones among these.
        looked: Number of labels that come first in the ranking: ``FIRST`` of those known.
        found: Number of planted ones among these. One that could not be audited is not found.
    """

    known: int
    planted: int
    looked: int
    found: int

    @property
    def share(self) -> float:
        """Share of the planted labels that are found, in [0, 1]; NaN if none was planted."""
        return self.found / self.planted if self.planted else float("nan")

    @property
    def chance(self) -> float:
        """Share expected from as many labels in random order; NaN if none was planted."""
        return self.looked / self.known if self.planted else float("nan")


def plant(labels: Float[np.ndarray, "n k"], share: float, seed: int) -> Bool[np.ndarray, "n k"]:
    """Choose the labels that are to be inverted: a share of those known, every one as likely as any
    other.

    Raises:
        BadConfigError: The share is not between 0 and 0.5, or plants nothing in so few labels.
    """
    if not 0 < share < 0.5:
        raise BadConfigError(f"the share of labels to plant lies between 0 and 0.5, got {share:g}")
    known = np.flatnonzero(~np.isnan(labels.ravel()))
    count = round(share * len(known))
    if not count:
        raise BadConfigError(f"a share of {share:g} of {len(known)} known labels plants none")
    planted = np.zeros(labels.size, bool)
    planted[np.random.default_rng(seed).choice(known, count, replace=False)] = True
    return planted.reshape(labels.shape)


def count_found(
    audit: LabelAudit, labels: Float[np.ndarray, "n k"], planted: Bool[np.ndarray, "n k"]
) -> tuple[Found, list[Found]]:
    """Count the planted labels that come first: over the ranking of all attributes together, and of each
    attribute in its own.

    Args:
        audit: Audit of the labels with the planted ones in them.
        labels: Labels; NaN where not known.
        planted: Whether each was planted.
    """
    known, ranking, k = ~np.isnan(labels), audit.ranking(), labels.shape[1]
    return _found(known.ravel(), planted.ravel(), ranking), [
        _found(known[:, i], planted[:, i], ranking[ranking % k == i] // k) for i in range(k)
    ]


def _found(known: Bool[np.ndarray, " m"], planted: Bool[np.ndarray, " m"], ranking: np.ndarray) -> Found:
    looked = round(FIRST * int(known.sum()))
    return Found(int(known.sum()), int(planted.sum()), looked, int(planted[ranking[:looked]].sum()))
