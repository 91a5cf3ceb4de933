"""Calibration against loops over the bins, and thresholds against all that could be chosen."""

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.metrics.calibration import (
    Reliability,
    calibration_error,
    calibration_error_by_chance,
    reliability_terms,
)
from par_core.metrics.label_based import balanced_accuracy
from par_core.metrics.ranking import average_precision, operating_points, roc_auc
from par_core.metrics.thresholds import best_threshold, exceeds

NAN = math.nan

flags_and_scores = st.lists(
    st.tuples(st.booleans(), st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0, NAN]))),
    max_size=20,
)


def arrays(pairs: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([flag for flag, _ in pairs], bool), np.array([score for _, score in pairs], float)


@given(flags_and_scores, st.integers(1, 12))
def test_calibration_is_as_counted_bin_by_bin(pairs: list[tuple[bool, float]], bins: int) -> None:
    known = [(flag, p) for flag, p in pairs if not math.isnan(p)]
    filled: dict[int, list[tuple[bool, float]]] = {}
    for flag, p in known:
        filled.setdefault(min(int(p * bins), bins - 1), []).append((flag, p))
    error = sum(abs(sum(p for _, p in each) - sum(flag for flag, _ in each)) for each in filled.values())
    diagram = Reliability.of(*arrays(pairs), bins)
    np.testing.assert_allclose(
        calibration_error(*arrays(pairs), bins), error / len(known) if known else NAN, atol=1e-12
    )
    np.testing.assert_allclose(
        diagram.brier, sum((p - flag) ** 2 for flag, p in known) / len(known) if known else NAN, atol=1e-12
    )
    for i in range(bins):
        each = filled.get(i, [])
        wanted = [sum(column) / len(each) for column in zip(*each, strict=True)] if each else [NAN, NAN]
        assert diagram.counts[i] == len(each)
        np.testing.assert_allclose([diagram.frequency[i], diagram.confidence[i]], wanted, atol=1e-12)


def test_calibration_by_chance_is_the_mean_over_labels_drawn_from_the_probabilities() -> None:
    rng = np.random.default_rng(3)
    for n, spread in ((140, (1, 3)), (140, (2, 2)), (20, (0.5, 3)), (4_000, (1, 3))):
        p = rng.beta(*spread, n)
        drawn = np.mean([calibration_error(rng.random(n) < p, p) for _ in range(400)])
        assert calibration_error_by_chance(np.append(p, NAN)) == pytest.approx(drawn, rel=0.1)
    assert calibration_error_by_chance(np.array([0.0, 1.0])) == 0
    assert math.isnan(calibration_error_by_chance(np.array([NAN])))


@given(flags_and_scores, st.integers(0, 20))
def test_diagrams_of_parts_add_up(pairs: list[tuple[bool, float]], cut: int) -> None:
    whole = Reliability.of(*arrays(pairs))
    np.testing.assert_allclose(
        (Reliability.of(*arrays(pairs[:cut])) + Reliability.of(*arrays(pairs[cut:]))).sums,
        whole.sums,
        atol=1e-12,
    )
    np.testing.assert_allclose(reliability_terms(*arrays(pairs)).sum(axis=0), whole.sums, atol=1e-12)


@pytest.mark.parametrize("metric", ["mA", "f1"])
@given(flags_and_scores)
def test_no_other_threshold_is_better(metric: Literal["mA", "f1"], pairs: list[tuple[bool, float]]) -> None:
    relevant, scores = arrays(pairs)

    def value(threshold: float) -> float:
        shown = scores >= threshold
        if metric == "mA":
            return balanced_accuracy(relevant, shown)
        return (
            2 * int((relevant & shown).sum()) / int(shown.sum() + relevant.sum()) if relevant.any() else NAN
        )

    chosen = best_threshold(relevant, scores, metric)
    values = {threshold: value(threshold) for threshold in [math.inf, *scores[~np.isnan(scores)].tolist()]}
    if math.isnan(values[math.inf]):
        assert math.isnan(chosen.value)
        assert math.isnan(chosen.threshold)
        return
    assert math.isclose(chosen.value, max(values.values()), abs_tol=1e-12)
    assert math.isclose(value(chosen.threshold), chosen.value, abs_tol=1e-12)
    assert all(
        each < chosen.value + 1e-12 for threshold, each in values.items() if threshold > chosen.threshold
    )


@given(flags_and_scores)
def test_the_curve_holds_average_precision_and_auc(pairs: list[tuple[bool, float]]) -> None:
    relevant, scores = arrays(pairs)
    points = operating_points(relevant, scores)
    for threshold, precision, recall in zip(points.thresholds, points.precision, points.recall, strict=True):
        shown = scores >= threshold
        assert precision == (relevant & shown).sum() / shown.sum()
        np.testing.assert_equal(recall, (relevant & shown).sum() / relevant.sum() if relevant.any() else NAN)
    if relevant.any():
        assert math.isclose(
            average_precision(relevant, scores),
            np.diff(points.recall, prepend=0) @ points.precision,
            abs_tol=1e-12,
        )
        if not relevant.all():
            corners = [
                np.concatenate([[0], each, [1]]) for each in (points.false_positive_rate, points.recall)
            ]
            assert math.isclose(
                roc_auc(relevant, scores), np.trapezoid(corners[1], corners[0]), abs_tol=1e-12
            )


def test_the_fields_threshold_is_strict_and_nan_is_not_said() -> None:
    assert exceeds(np.array([[0.5, 0.5000001], [NAN, 1.0]])).tolist() == [[False, True], [False, True]]
    assert exceeds(np.array([0.2, 0.3]), 0.2).tolist() == [False, True]


def test_of_equally_good_thresholds_the_highest_is_taken() -> None:
    relevant, scores = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.6])
    assert best_threshold(relevant, scores, "mA").threshold == 0.9
    assert best_threshold(relevant, scores, "f1").threshold == 0.7
    assert best_threshold(relevant, -np.full(4, NAN), "mA").threshold == math.inf


def test_what_has_no_score_ranks_below_everything_else() -> None:
    relevant = np.array([True, False, True, False])
    scores = np.array([NAN, NAN, -2.0, -3.0])
    assert average_precision(relevant, scores) == 0.5  # one of two is found, at once
    assert roc_auc(relevant, scores) == (1 + 1 + 0.5 + 0) / 4  # the second pair of NaN is a tie
    assert math.isnan(roc_auc(np.zeros(0, bool), np.zeros(0)))
    assert math.isnan(average_precision(np.zeros(0, bool), np.zeros(0)))
