"""The five figures of pedestrian attribute recognition, and the sentence that says how they are counted."""

import numpy as np
from jaxtyping import Bool, Float

from par_core.metrics.instance_based import InstanceSums
from par_core.metrics.label_based import LabelCounts

__all__ = ["attribute_metrics", "convention"]


def convention(predicted: str = "its probability exceeds 0.5") -> str:
    """The sentence to print with every table of these figures.

    Args:
        predicted: When an attribute counts as predicted.
    """
    return (
        f"An attribute counts as predicted where {predicted}; mA is the mean over attributes of (true"
        " positive rate + true negative rate) / 2; accuracy, precision and recall are means over images,"
        " where an image without any positive label scores 0; F1 is computed from mean precision and mean"
        " recall; uncertain labels (RAP's 2) count as absent, and unknown labels are left out (Li et al."
        " 2016; Jia et al. 2020)."
    )


def attribute_metrics(
    labels: Float[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]
) -> dict[str, float]:
    """Label-based ``mA``, and instance-based ``accuracy``, ``precision``, ``recall`` and ``f1`` (paper,
    equations 1 to 3), as :func:`convention` says.

    Args:
        labels: 1, 0, 2 (RAP's "uncertain": absent) or NaN (unknown).
        predicted: What the model says; ignored where the label is unknown.

    Returns:
        Each in [0, 1]. ``mA`` is the mean over the attributes that some people have and some do not, NaN if
        there is none; the others are NaN without images.

    Raises:
        BadInputError: Another label.
    """
    each, sets = LabelCounts.of(labels, predicted), InstanceSums.of(labels, predicted)
    named = {
        "mA": each.mean_ma,
        "accuracy": sets.accuracy,
        "precision": sets.precision,
        "recall": sets.recall,
        "f1": sets.f1,
    }
    return {name: float(value) for name, value in named.items()}
