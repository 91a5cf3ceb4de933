"""Thresholds that mean something: the highest F1 to be expected, and a balance over several sets."""

import numpy as np
import pytest

from par_core.metrics.label_based import balanced_accuracy
from par_core.metrics.thresholds import best_threshold
from par_core.training.thresholds import threshold_of_balance, threshold_of_expected_f1


def test_the_expected_f1_is_highest_where_the_labels_say_so_too() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 3, 20_000)
    has = rng.random(len(p)) < p
    threshold, best = threshold_of_expected_f1(p), best_threshold(has, p, "f1")
    predicted = p >= threshold
    f1 = 2 * (has & predicted).sum() / (has.sum() + predicted.sum())
    assert f1 > best.value - 0.005
    assert threshold > has.mean() + 0.1, "a filter is stricter than the prevalence"
    assert threshold == pytest.approx(best.value / 2, abs=0.02)


def test_expected_f1_of_the_certain_keeps_those_who_have_it() -> None:
    assert threshold_of_expected_f1(np.array([0.0, 0.99, 0.98, 0.01])) == 0.98


def test_each_set_counts_the_same_for_the_balance() -> None:
    large = np.repeat([False, True], 500), np.repeat([0.1, 0.3], 500)
    small = np.repeat([False, True], 10), np.repeat([0.25, 0.9], 10)
    threshold = threshold_of_balance([large, small])
    for has, p in (large, small):
        assert balanced_accuracy(has, p >= threshold) == 1.0
    assert threshold == pytest.approx(0.28, abs=0.02), "the middle of those that are right for both"
