"""Boxes of one face are joined, and the face of a person is chosen."""

import numpy as np
import pytest

from par_core.faces.base import Face, choose_face, whole_picture_answer
from par_core.faces.detectors import keep_best, weighted_boxes


def face(x: int, y: int, size: int) -> Face:
    return Face((float(x), float(y), float(x + size), float(y + size)), 0.9, 0.5, 30.0)


def test_the_largest_face_in_the_upper_part_is_the_persons() -> None:
    small, large, bag = face(10, 10, 20), face(40, 20, 30), face(20, 120, 40)
    assert choose_face([small, bag, large], 200) == large
    assert choose_face([bag], 200) is None, "its centre lies below 35 % of the height"
    assert choose_face([face(0, 50, 40)], 200) == face(0, 50, 40), "a centre at 35 % counts"
    assert choose_face([face(0, 0, 80)], 200) is None, "0.4 of the height is no face of this person"
    assert choose_face([], 200) is None


def test_an_answer_from_the_whole_picture_is_no_face() -> None:
    whole = Face((0.0, 0.0, 40.0, 40.0), 0.0, 0.9, 20.0)
    assert choose_face([whole], 200) is None
    assert whole_picture_answer([whole]) == whole
    assert whole_picture_answer([face(1, 1, 5)]) is None


BOXES = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [20, 20, 30, 30]], np.float32)
SCORES = np.array([0.6, 0.9, 0.7], np.float32)


def test_the_best_of_overlapping_boxes_is_kept() -> None:
    boxes, scores = keep_best(BOXES, SCORES, 0.5)
    assert boxes.tolist() == [[0, 0, 10, 8], [20, 20, 30, 30]]
    assert scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(keep_best(BOXES, SCORES, 0.85)[0]) == 3


def test_overlapping_boxes_are_joined_by_their_scores() -> None:
    boxes, scores = weighted_boxes(BOXES, SCORES, 0.3)
    assert boxes[0].tolist() == pytest.approx([0, 0, 10, (0.6 * 10 + 0.9 * 8) / 1.5])
    assert scores.tolist() == pytest.approx([0.9, 0.7])
    none, empty = weighted_boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.3)
    assert none.shape == (0, 4)
    assert empty.shape == (0,)
