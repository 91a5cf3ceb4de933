"""Every metric that scikit-learn has too gives what scikit-learn gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.metrics.calibration import Reliability
from par_core.metrics.instance_based import InstanceSums
from par_core.metrics.label_based import LabelCounts
from par_core.metrics.queries import ndcg_at
from par_core.metrics.ranking import average_precision, operating_points, roc_auc

metrics: Any = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn, which make install brings")
calibration: Any = pytest.importorskip("sklearn.calibration")

seeds = st.integers(0, 2**32 - 1)


def ranked(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Items with ties, some relevant and some not."""
    rng = np.random.default_rng(seed)
    relevant = rng.random(rng.integers(2, 40)) < 0.4
    relevant[:2] = True, False
    return relevant, rng.integers(-5, 6, len(relevant)) / 10


def answered(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, each attribute with some of either kind, and predictions."""
    rng = np.random.default_rng(seed)
    labels, predicted = (rng.random((rng.integers(2, 20), 4)) < 0.4 for _ in range(2))
    labels[:2] = [[True], [False]]
    return labels, np.resize(predicted, labels.shape)


@given(seeds)
def test_ranking(seed: int) -> None:
    relevant, scores = ranked(seed)
    np.testing.assert_allclose(
        average_precision(relevant, scores), metrics.average_precision_score(relevant, scores)
    )
    np.testing.assert_allclose(roc_auc(relevant, scores), metrics.roc_auc_score(relevant, scores))
    points = operating_points(relevant, scores)
    precision, recall, thresholds = metrics.precision_recall_curve(relevant, scores)
    for ours, theirs in (
        (points.precision, precision[:-1]),
        (points.recall, recall[:-1]),
        (points.thresholds, thresholds),
    ):
        np.testing.assert_allclose(ours, theirs[::-1])
    false_positive_rate, _, _ = metrics.roc_curve(relevant, scores, drop_intermediate=False)
    np.testing.assert_allclose(points.false_positive_rate, false_positive_rate[1:])
    for k in (1, 3, 100):
        np.testing.assert_allclose(
            ndcg_at(relevant, scores, k), metrics.ndcg_score(relevant[None].astype(float), scores[None], k=k)
        )


@given(seeds)
def test_attributes(seed: int) -> None:
    labels, predicted = answered(seed)
    counts = LabelCounts.of(labels.astype(float), predicted)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, average=None, zero_division=0
    )
    for ours, theirs in (
        (counts.precision, precision),
        (counts.recall, recall),
        (counts.f1, f1),
        (counts.positives, support),
    ):
        np.testing.assert_allclose(ours, theirs)
    np.testing.assert_allclose(
        counts.ma, [metrics.balanced_accuracy_score(a, b) for a, b in zip(labels.T, predicted.T, strict=True)]
    )
    np.testing.assert_allclose(
        counts.accuracy, [metrics.accuracy_score(a, b) for a, b in zip(labels.T, predicted.T, strict=True)]
    )


@given(seeds)
def test_images(seed: int) -> None:
    labels, predicted = answered(seed)
    sums = InstanceSums.of(labels.astype(float), predicted)
    precision, recall, _, _ = metrics.precision_recall_fscore_support(
        labels, predicted, average="samples", zero_division=0
    )
    accuracy = metrics.jaccard_score(labels, predicted, average="samples", zero_division=0)
    np.testing.assert_allclose([sums.precision, sums.recall, sums.accuracy], [precision, recall, accuracy])


@given(seeds)
def test_calibration(seed: int) -> None:
    relevant, scores = ranked(seed)
    # off the bins' edges, whose closed side differs
    probabilities = scores + 0.5 + np.where(scores < 0.5, 1e-9, 0)
    diagram = Reliability.of(relevant, probabilities)
    np.testing.assert_allclose(diagram.brier, metrics.brier_score_loss(relevant, probabilities))
    frequency, confidence = calibration.calibration_curve(relevant, probabilities, n_bins=10)
    filled = diagram.counts > 0
    np.testing.assert_allclose(diagram.frequency[filled], frequency)
    np.testing.assert_allclose(diagram.confidence[filled], confidence)
