"""Overlaps of boxes."""

import numpy as np
import pytest

from par_core.people.boxes import box_overlaps, box_shares_inside


def test_overlaps_of_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [10, 0, 20, 10]], np.float32)
    np.testing.assert_allclose(box_overlaps(boxes[:1], boxes), [[1, 1 / 3, 0, 0]])
    np.testing.assert_allclose(box_overlaps(boxes, boxes[1:2])[:, 0], [1 / 3, 1, 0, 1 / 3])


def test_the_share_of_a_box_inside_another_is_of_the_first() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 5, 10], [8, 8, 18, 18]], np.float32)
    wanted = [[1, 0.5, 0.04], [1, 1, 0], [0.04, 0, 1]]
    np.testing.assert_allclose(box_shares_inside(boxes, boxes), wanted)


@pytest.mark.parametrize(("n", "m"), [(0, 2), (2, 0), (0, 0)])
def test_of_no_boxes_there_are_no_overlaps(n: int, m: int) -> None:
    assert box_overlaps(np.zeros((n, 4), np.float32), np.zeros((m, 4), np.float32)).shape == (n, m)


def test_overlaps_are_as_exact_as_the_boxes() -> None:
    third = np.array([[0, 0, 3000.1, 1]], np.float32)
    part = np.array([[1000.3, 0, 3000.1, 1]], np.float32)
    left, right = float(np.float32(1000.3)), float(np.float32(3000.1))
    assert box_overlaps(part, third)[0, 0] == pytest.approx((right - left) / right, rel=1e-14)


def test_a_box_without_area_overlaps_nothing() -> None:
    line = np.array([[2, 2, 2, 9]], np.float32)
    assert box_overlaps(line, line).tolist() == [[0.0]]
