import numpy as np
import pytest
from scipy.special import expit

from par_core.people.cutout_quality import MEASURES, CutoutWeights, cutout_measures, cutout_scores
from par_core.people.masks import encode_mask
from par_core.types import PersonInstances

HEIGHT, WIDTH = 200, 300


def one(
    score: float = 0.99,
    box: tuple[int, int, int, int] = (100, 20, 140, 180),
    hole: tuple[int, int] | None = None,
) -> PersonInstances:
    """A person who fills the box, but for the rows of the hole."""
    left, top, right, bottom = box
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    if hole is not None:
        mask[slice(*hole)] = False
    return PersonInstances(np.array([box], np.float32), np.array([score], np.float32), (encode_mask(mask),))


def both(first: PersonInstances, second: PersonInstances) -> PersonInstances:
    return PersonInstances(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
        first.masks + second.masks,
    )


def measure(name: str, people: PersonInstances, sharpness: float = 0.5) -> list[float]:
    values = cutout_measures(people, np.full(len(people), sharpness))
    column: list[float] = values[:, MEASURES.index(name)].tolist()
    return column


def test_each_measure_says_what_it_is_called() -> None:
    assert measure("certainty", one(0.9)) == pytest.approx([np.log(9)], rel=1e-4)
    assert measure("certainty", one(1.0)) == measure("certainty", one(0.9999)), "certain beyond doubt"
    assert measure("height", one()) == [np.log2(160)]
    assert measure("sharpness", one(), 0.25) == [-2]
    assert measure("largest_piece", one()) == [1]
    assert measure("largest_piece", one(hole=(60, 80))) == pytest.approx([100 / 140])
    inner = one(0.8, (100, 60, 140, 100))
    assert measure("covered", both(one(), inner)) == [0, -1]


@pytest.mark.parametrize(
    ("box", "sides"),
    [
        ((100, 20, 140, 180), 0),
        ((0, 20, 40, 180), 1),
        ((100, 1, 140, 180), 1),
        ((260, 0, 299, 180), 2),
        ((100, 20, 140, 200), 0),  # the lower edge
    ],
)
def test_the_frame_cuts_at_three_sides(box: tuple[int, int, int, int], sides: int) -> None:
    assert measure("cut_sides", one(box=box)) == [-sides]


def test_the_score_is_logistic_in_the_measures_and_what_is_not_known_says_nothing() -> None:
    weights = CutoutWeights((1.0, 0.0), (2.0, 1.0), (0.5, 1.0), -0.25)
    scores = weights.scores(np.array([[3.0, 2.0], [3.0, np.nan], [1.0, 0.0]]))
    assert scores == pytest.approx(expit([0.5 + 2 - 0.25, 0.5 - 0.25, -0.25]))


def test_a_clear_and_whole_person_is_better_than_a_scrap() -> None:
    clear = float(cutout_scores(one(), np.array([0.6]))[0])
    scrap = float(cutout_scores(one(0.78, (0, 20, 20, 60), hole=(35, 40)), np.array([0.02]))[0])
    assert clear > 0.75
    assert scrap < 0.1
    worse = [
        float(cutout_scores(people, np.array([sharpness]))[0])
        for people, sharpness in (
            (one(0.8), 0.6),
            (one(), 0.02),
            (one(hole=(60, 100)), 0.6),
            (one(box=(100, 20, 110, 60)), 0.6),
            (one(box=(0, 20, 40, 180)), 0.6),
        )
    ]
    assert max(worse) < clear


def test_shipped_weights_are_of_these_measures_and_none_is_negative() -> None:
    shipped = CutoutWeights.shipped()
    assert len(shipped.means) == len(shipped.spreads) == len(shipped.weights) == len(MEASURES)
    assert min(shipped.weights) >= 0
    assert min(shipped.spreads) > 0


def test_nobody_is_fine_and_an_empty_mask_too() -> None:
    nobody = PersonInstances(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
    assert cutout_scores(nobody, np.zeros(0)).tolist() == []
    empty = PersonInstances(
        np.array([[0, 0, 0, 0]], np.float32),
        np.array([0.9], np.float32),
        (encode_mask(np.zeros((HEIGHT, WIDTH), bool)),),
    )
    assert measure("largest_piece", empty) == [0]
