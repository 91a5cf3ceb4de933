"""Thresholds that mean something: for filters, and for what is one thing or the other on several sets."""

import numpy as np
import pytest

from par_core.metrics.label_based import balanced_accuracy
from par_core.metrics.thresholds import best_threshold
from par_core.training.thresholds import threshold_for_filters, threshold_of_balance


def test_what_is_expected_of_a_threshold_comes_true() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 3, 20_000)
    has = rng.random(len(p)) < p

    def worth(threshold: float) -> float:
        predicted = p >= threshold
        f1 = 2 * (has & predicted).sum() / (has.sum() + predicted.sum())
        return float(f1 + 2 * balanced_accuracy(has, predicted))

    threshold = threshold_for_filters(p)
    assert worth(threshold) > max(map(worth, np.linspace(0.01, 0.99, 99))) - 0.005
    assert has.mean() < threshold < best_threshold(has, p, "f1").threshold


def test_the_certain_are_kept_and_no_others() -> None:
    assert threshold_for_filters(np.array([0.0, 0.99, 0.98, 0.01])) == 0.98


def test_each_set_counts_the_same_for_the_balance() -> None:
    large = np.repeat([False, True], 500), np.repeat([0.1, 0.3], 500)
    small = np.repeat([False, True], 10), np.repeat([0.25, 0.9], 10)
    threshold = threshold_of_balance([large, small])
    for has, p in (large, small):
        assert balanced_accuracy(has, p >= threshold) == 1.0
    assert threshold == pytest.approx(0.28, abs=0.02), "the middle of those that are right for both"
