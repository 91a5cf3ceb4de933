"""Confidence intervals against resampling in plain loops, and against what is known of means."""

import math

import numpy as np
import pytest

from par_core.errors import BadInputError
from par_core.metrics.bootstrap import bootstrap_difference, bootstrap_rows, bootstrap_sums
from par_core.metrics.instance_based import InstanceSums, instance_terms
from par_core.metrics.label_based import LabelCounts, label_terms
from par_core.metrics.ranking import roc_auc


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def terms(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones(len(values))], axis=1)


def test_sums_and_rows_of_the_same_seed_draw_the_same_people() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 2, (40, 5)).astype(float), rng.random((40, 5)) < 0.5
    people = [str(i) for i in rng.integers(0, 12, 40)]
    for groups in (None, people):
        fast = bootstrap_sums(
            label_terms(labels, predicted), lambda sums: LabelCounts(sums).mean_ma, groups, resamples=50
        )
        slow = bootstrap_rows(
            40,
            lambda rows: float(LabelCounts.of(labels[rows], predicted[rows]).mean_ma),
            groups,
            resamples=50,
        )
        np.testing.assert_allclose([fast.estimate, fast.low, fast.high], [slow.estimate, slow.low, slow.high])
        f1 = bootstrap_sums(
            instance_terms(labels, predicted), lambda sums: InstanceSums(sums).f1, groups, resamples=50
        )
        assert f1.low < f1.estimate == float(InstanceSums.of(labels, predicted).f1) < f1.high


def test_the_interval_is_that_of_resampling_by_hand() -> None:
    values = np.random.default_rng(1).normal(size=30)
    rng = np.random.default_rng(7)
    means = sorted(sum(values[i] for i in rng.integers(30, size=30)) / 30 for _ in range(201))
    interval = bootstrap_sums(terms(values), mean, resamples=201, seed=7, level=0.9)
    np.testing.assert_allclose([interval.low, interval.high], [means[10], means[190]])
    assert interval != bootstrap_sums(terms(values), mean, resamples=201, seed=8, level=0.9)


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide() -> None:
    values = np.random.default_rng(2).normal(size=400)
    interval = bootstrap_sums(terms(values), mean, resamples=2000)
    error = values.std() / 20
    np.testing.assert_allclose(
        [interval.low, interval.high], [values.mean() - 1.96 * error, values.mean() + 1.96 * error], atol=0.01
    )


def test_many_pictures_of_few_people_make_a_wider_interval() -> None:
    each = np.repeat(np.random.default_rng(3).normal(size=20), 20)
    images, people = (
        bootstrap_sums(terms(each), mean, groups) for groups in (None, [str(i // 20) for i in range(400)])
    )
    assert people.high - people.low > 3 * (images.high - images.low)
    assert people.estimate == images.estimate


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    rng = np.random.default_rng(4)
    hard = rng.normal(size=200)
    better, worse = terms(hard + 0.1 + 0.01 * rng.normal(size=200)), terms(hard)
    interval = bootstrap_difference(better, worse, mean)
    assert 0.09 < interval.low < interval.estimate < interval.high < 0.11
    assert bootstrap_difference(better, better, mean).high == 0
    assert bootstrap_sums(better, mean).low < bootstrap_sums(worse, mean).high


def test_what_a_resample_cannot_tell_is_counted() -> None:
    relevant, scores = np.arange(8) == 0, np.arange(8.0)
    interval = bootstrap_rows(8, lambda rows: roc_auc(relevant[rows], scores[rows]), resamples=300)
    assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)
    assert 60 < interval.undefined < 160  # (7/8)^8 of 300 lack the only relevant item


@pytest.mark.parametrize("n", [0, 1])
def test_one_person_or_none_says_nothing_of_others(n: int) -> None:
    by_image, by_person = (
        bootstrap_sums(np.ones((n, 2)), lambda sums: sums[:, 0] + 0.0, groups) for groups in (None, ["a"] * n)
    )
    for interval in (by_image, by_person):
        assert interval.estimate == n
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)


def test_more_resamples_than_fit_at_once_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = terms(np.random.default_rng(5).normal(size=10))
    at_once = bootstrap_sums(values, mean, resamples=100)
    monkeypatch.setattr("par_core.metrics.bootstrap._AT_ONCE", 70)
    assert bootstrap_sums(values, mean, resamples=100) == at_once


def test_broken_contracts_are_refused() -> None:
    with pytest.raises(BadInputError, match="3 images, but 2 groups"):
        bootstrap_rows(3, len, ["a", "b"])
    with pytest.raises(BadInputError, match="must be finite"):
        bootstrap_sums(np.array([[math.nan, 1.0]]), mean)
