"""The metrics of pedestrian attribute recognition: label-based mA, and instance-based accuracy, precision, recall and F1.

Convention (Li et al. 2016; Jia et al. 2020; paper, equation 3): the instance-based metrics are means over people; a person without any true or
predicted attribute counts 0 in precision or recall, and 1 in accuracy if both are empty; F1 is the harmonic mean of mean precision and mean recall.
"""

import numpy as np
from jaxtyping import Bool

from par_core.evaluate.retrieval import balanced_accuracy

__all__ = ["attribute_metrics"]


def attribute_metrics(has: Bool[np.ndarray, "n k"], predicted: Bool[np.ndarray, "n k"]) -> dict[str, float]:
    """``mA``, ``accuracy``, ``precision``, ``recall`` and ``f1``.

    Args:
        has: The labels.
        predicted: What the model says.

    Returns:
        Each in [0, 1]. ``mA`` is the mean over the attributes that some people have and some do not; NaN if there is none.
    """
    each = [balanced_accuracy(has[:, i], predicted[:, i]) for i in range(has.shape[1])]
    known = [value for value in each if not np.isnan(value)]
    both, either = (has & predicted).sum(axis=1), (has | predicted).sum(axis=1)
    accuracy = np.where(either > 0, both / np.maximum(either, 1), 1.0).mean()
    precision = (both / np.maximum(predicted.sum(axis=1), 1)).mean()
    recall = (both / np.maximum(has.sum(axis=1), 1)).mean()
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    named = {"mA": np.mean(known) if known else float("nan"), "accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}
    return {name: float(value) for name, value in named.items()}
