"""Folding hits that tell the same thing."""

import numpy as np

from par_core.query.grouping import group

A, B, C = ([1.0, 0.0], [0.0, 1.0], [0.7071, 0.7071])


def test_people_of_one_image_and_near_duplicates_are_folded_into_the_best() -> None:
    vectors = np.array([A, B, A, C, C], np.float32)
    assert group(["1", "2", "3", "1", "4"], vectors, 10) == [[0, 2, 3], [1], [4]]


def test_the_limit_counts_groups_not_hits() -> None:
    vectors = np.array([A, A, B, C, A], np.float32)
    assert group(list("abcde"), vectors, 2) == [[0, 1, 4], [2]]
    assert group([], np.empty((0, 2), np.float32), 5) == []
