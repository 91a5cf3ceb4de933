"""The scores of attributes, wherever their probabilities are from: models that run now, or a store."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from par_core.evaluate.items import CLOTHING
from par_core.evaluate.metrics.calibration import calibration_error
from par_core.evaluate.metrics.labels import balanced_accuracy
from par_core.evaluate.metrics.ranking import roc_auc

__all__ = ["LEAST", "score_attributes"]

LEAST: Final = 5  # people with and without an attribute, for a score to say anything
_MEANS: Final = {"mean_auc": "auc", "mA": "mA", "mean_ece": "ece"}


def score_attributes(
    names: Sequence[str], labels: Float32[np.ndarray, "n k"], probabilities: Float32[np.ndarray, "n k"], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    """Score the attributes that at least ``LEAST`` people have and lack.

    Args:
        names: Of the k attributes.
        labels: 1, 0 or NaN.
        probabilities: In [0, 1]; NaN where the model tells nothing.
        thresholds: From which probability on an attribute counts as seen; 0.5 where it is not there.

    Returns:
        ``mean_auc``, ``mA`` and ``mean_ece`` over the attributes of clothing (NaN where there are none); and ``attributes``: by name ``auc``, ``mA``,
        ``accuracy``, ``ece``, ``threshold``, ``prevalence``, ``n``.
    """
    scored: dict[str, dict[str, Any]] = {}
    for name, p, y in zip(names, probabilities.T, labels.T, strict=True):
        known = ~np.isnan(y) & ~np.isnan(p)
        threshold = thresholds.get(name, 0.5)
        has, likely = y[known] == 1, p[known] >= threshold
        if min(int(has.sum()), int((~has).sum())) >= LEAST:
            row = {"auc": roc_auc(has, p[known]), "mA": balanced_accuracy(has, likely), "accuracy": float((has == likely).mean())}
            row |= {"ece": calibration_error(has, p[known]), "threshold": threshold}
            scored[name] = row | {"prevalence": float(has.mean()), "n": int(known.sum())}
    clothing = [scored[name] for name in CLOTHING if name in scored]
    means = {called: float(np.mean([each[key] for each in clothing])) if clothing else float("nan") for called, key in _MEANS.items()}
    return {**means, "attributes": scored}
