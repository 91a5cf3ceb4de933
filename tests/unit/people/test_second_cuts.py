from itertools import permutations

import numpy as np
import pytest

from par_core.people.masks import encode_mask, share_inside
from par_core.people.second_cuts import covered_shares, second_cuts
from par_core.types import PersonInstances

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def mask_of(*rectangles: Rectangle) -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    for left, top, right, bottom in rectangles:
        mask[top:bottom, left:right] = True
    return mask


def people(*described: tuple[float, Rectangle]) -> PersonInstances:
    """Score and rectangle of each."""
    return PersonInstances(
        np.array([box for _, box in described], np.float32).reshape(-1, 4),
        np.array([score for score, _ in described], np.float32),
        tuple(encode_mask(mask_of(box)) for _, box in described),
    )


def test_the_share_inside_is_of_the_union_of_the_others() -> None:
    whole, left, low = (
        encode_mask(mask_of(box)) for box in ((0, 0, 40, 40), (0, 0, 20, 40), (0, 30, 40, 60))
    )
    assert share_inside(whole, [left]) == 0.5
    assert share_inside(whole, [left, low]) == pytest.approx(0.5 + 0.125)
    assert share_inside(left, [whole]) == 1
    assert share_inside(whole, []) == 0
    assert share_inside(encode_mask(mask_of()), [whole]) == 0
    assert share_inside(whole, [encode_mask(mask_of())]) == 0


def test_the_weaker_outline_of_a_person_is_a_second_cut_and_a_neighbour_is_none() -> None:
    found = people((0.9, (10, 10, 40, 90)), (0.8, (10, 10, 40, 50)), (0.7, (35, 10, 60, 90)))
    assert second_cuts(found).tolist() == [False, True, False]
    assert covered_shares(found) == pytest.approx([0, 1, 0.2])


def test_a_stronger_outline_is_kept_though_a_weaker_one_holds_it() -> None:
    """One outline around two people, who are certain by themselves, is the second cut."""
    found = people((0.9, (10, 10, 40, 90)), (0.8, (42, 10, 70, 90)), (0.7, (10, 10, 70, 90)))
    assert second_cuts(found).tolist() == [False, False, True]


def test_what_a_second_cut_covers_does_not_count() -> None:
    found = people((0.9, (0, 0, 40, 80)), (0.8, (0, 0, 50, 80)), (0.7, (40, 0, 52, 80)))
    assert covered_shares(found) == pytest.approx([0, 0.8, 0])
    assert second_cuts(found).tolist() == [False, True, False]


@pytest.mark.parametrize(("width", "is_second"), [(29, False), (30, True)])
def test_three_quarters_are_enough(width: int, is_second: bool) -> None:
    found = people((0.9, (0, 0, width, 50)), (0.8, (0, 0, 40, 50)))
    assert second_cuts(found).tolist() == [False, is_second]


def test_the_order_changes_nothing_and_of_equal_scores_the_larger_stays() -> None:
    described = [(0.9, (10, 10, 40, 90)), (0.9, (10, 10, 40, 50)), (0.5, (60, 10, 90, 90))]
    for order in permutations(range(3)):
        found = people(*(described[i] for i in order))
        assert [order[i] for i in np.flatnonzero(second_cuts(found))] == [1]


def test_nobody_is_fine() -> None:
    assert second_cuts(people()).tolist() == []
