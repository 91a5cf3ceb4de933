"""From which probability on an attribute counts as predicted."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float

from par_core.metrics.label_based import ratio
from par_core.metrics.ranking import operating_points

__all__ = ["FIXED", "Chosen", "best_threshold", "exceeds"]

FIXED: Final = 0.5  # of the field, compared by ``>``


def exceeds(probabilities: Float[np.ndarray, "*n"], threshold: float = FIXED) -> Bool[np.ndarray, "*n"]:
    """The field's fixed threshold, strict: 0.5 itself is not predicted (Jia et al. 2020). NaN is not
    predicted: what a model cannot tell, it does not say.
    """
    return np.asarray(probabilities > threshold)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A threshold that was chosen, and what it gives on the people it was chosen on.

    Attributes:
        threshold: Predicted is what reaches it (``>=``), as everywhere in PAR's index; infinite if it is best
            to predict nothing.
        value: Value of the metric, in [0, 1].
    """

    threshold: float
    value: float


def best_threshold(
    relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"], metric: Literal["mA", "f1"]
) -> Chosen:
    """The threshold that gives the highest mA or F1 of one attribute; of equally good ones the highest.

    A value chosen and reported on the same people flatters: choose on validation people, report on others.

    Args:
        relevant: Who has the attribute.
        scores: Higher is likelier; NaN never reaches a threshold.
        metric: What is to be high.

    Returns:
        Both figures NaN if the metric is undefined: for mA if either kind is missing, for F1 if no item has
            the attribute.
    """
    points = operating_points(relevant, scores)
    right, shown = np.append(0.0, points.right), np.append(0.0, points.shown)
    have = np.full(len(right), points.relevant)
    ma = (ratio(right, have) + 1 - ratio(shown - right, points.items - have)) / 2
    f1 = ratio(2 * right, shown + have)  # 0/0 where nothing is predicted and no item has it
    values = ma if metric == "mA" else f1
    if np.isnan(values).any():
        return Chosen(float("nan"), float("nan"))
    best = int(values.argmax())
    return Chosen(float(np.append(np.inf, points.thresholds)[best]), float(values[best]))
