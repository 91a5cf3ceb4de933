"""Metrics against second, plainer implementations."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from par_core.errors import BadInputError
from par_core.metrics.coco_ap import people_at_threshold, segmentation_ap
from par_core.metrics.label_based import balanced_accuracy
from par_core.metrics.ranking import average_precision, roc_auc
from par_core.people.masks import encode_mask, mask_boxes
from par_core.types import PersonInstances

ranked = st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=1, max_size=30)


def arrays(pairs: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([flag for flag, _ in pairs]), np.array([float(score) for _, score in pairs])


@given(ranked)
def test_average_precision_equals_the_sum_over_thresholds(pairs: list[tuple[bool, int]]) -> None:
    relevant, scores = arrays(pairs)
    assume(relevant.any())
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        shown = scores >= threshold
        recall = (relevant & shown).sum() / relevant.sum()
        total += (recall - before) * (relevant & shown).sum() / shown.sum()
        before = recall
    assert math.isclose(average_precision(relevant, scores), total, abs_tol=1e-9)


@given(ranked)
def test_auc_equals_the_share_of_ordered_pairs(pairs: list[tuple[bool, int]]) -> None:
    relevant, scores = arrays(pairs)
    assume(relevant.any() and not relevant.all())
    wins = [(a > b) + 0.5 * (a == b) for a in scores[relevant] for b in scores[~relevant]]
    assert math.isclose(roc_auc(relevant, scores), sum(wins) / len(wins), abs_tol=1e-9)


def test_scores_of_nothing_are_nan() -> None:
    none, all_ = np.array([False, False]), np.array([True, True])
    assert math.isnan(average_precision(none, np.zeros(2)))
    assert math.isnan(roc_auc(all_, np.zeros(2)))
    assert math.isnan(balanced_accuracy(none, none))
    assert balanced_accuracy(np.array([True, False]), np.array([True, False])) == 1.0


def detected(*masks: np.ndarray, scores: list[float]) -> PersonInstances:
    encoded = tuple(encode_mask(mask) for mask in masks)
    return PersonInstances(mask_boxes(list(encoded)), np.array(scores, np.float32), encoded)


def block(left: int, right: int) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[10:90, left:right] = True
    return mask


def test_perfect_and_useless_segmentations_score_one_and_zero() -> None:
    truth = [[encode_mask(block(0, 40)), encode_mask(block(50, 90))], []]
    no_people = detected(scores=[])
    perfect = [detected(block(0, 40), block(50, 90), scores=[0.9, 0.8]), no_people]
    assert segmentation_ap(truth, perfect)["mask_ap"] == pytest.approx(1)
    assert segmentation_ap(truth, [no_people, no_people])["mask_ap50"] == 0
    assert math.isnan(segmentation_ap([[], []], [no_people, no_people])["mask_ap"])
    with pytest.raises(BadInputError):
        segmentation_ap(truth, [no_people])


def test_precision_and_recall_count_each_person_once() -> None:
    truth = [[encode_mask(block(0, 40)), encode_mask(block(50, 90))]]
    twice = [detected(block(0, 40), block(1, 40), block(60, 61), scores=[0.9, 0.8, 0.7])]
    assert people_at_threshold(truth, twice, 0.5) == {"precision": pytest.approx(1 / 3), "recall": 0.5}
    assert people_at_threshold(truth, twice, 0.85) == {"precision": 1.0, "recall": 0.5}
