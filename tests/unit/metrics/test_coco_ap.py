"""Average precision of masks and boxes against COCO's definition written down plainly (Lin et al. 2014,
section 5; 101 recalls, 10 overlaps).
"""

from typing import Final

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from par_core.metrics.coco_ap import RankedPeople, ranked_ap, segmentation_ap
from par_core.people.masks import encode_mask, mask_boxes
from par_core.types import PersonInstances

SIDE: Final = 12
corner = st.integers(0, SIDE - 5)
shapes = st.tuples(corner, corner, st.integers(2, 5), st.integers(2, 5), st.booleans())
images = st.lists(
    st.tuples(
        st.lists(shapes, max_size=3),
        st.lists(st.tuples(shapes, st.sampled_from([0.2, 0.5, 0.8])), max_size=4),
    ),
    min_size=1,
    max_size=3,
)


def drawn(shape: tuple[int, int, int, int, bool]) -> np.ndarray:
    """A rectangle, or one without a corner, whose box overlaps others more than its mask does."""
    left, top, width, height, cut = shape
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top : top + height, left : left + width] = True
    if cut:
        mask[top, left] = False
    return mask


def filled(mask: np.ndarray) -> np.ndarray:
    """The box of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = np.zeros_like(mask)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box


def plain_ap(
    truth: list[list[np.ndarray]], detections: list[list[tuple[np.ndarray, float]]], overlap: float
) -> float:
    claims = []
    for there, claimed in zip(truth, detections, strict=True):
        free = list(range(len(there)))
        for mask, score in sorted(claimed, key=lambda each: -each[1]):
            ious = {i: (mask & there[i]).sum() / (mask | there[i]).sum() for i in free}
            best = max(reversed(free), key=lambda i: ious[i], default=None)
            right = best is not None and ious[best] >= min(overlap, 1 - 1e-10)
            if right:
                free.remove(best)
            claims.append((score, right))
    claims.sort(key=lambda claim: -claim[0])
    right = np.cumsum([flag for _, flag in claims])
    recall, precision = right / sum(map(len, truth)), right / np.arange(1, len(claims) + 1)
    return float(
        np.mean(
            [
                max((p for p, r in zip(precision, recall, strict=True) if r >= wanted), default=0.0)
                for wanted in np.linspace(0, 1, 101)
            ]
        )
    )


@given(images)
def test_mask_and_box_ap_are_as_defined(drawings: list[tuple[list[tuple], list[tuple]]]) -> None:
    truth = [[drawn(shape) for shape in there] for there, _ in drawings]
    detections = [[(drawn(shape), score) for shape, score in claimed] for _, claimed in drawings]
    assume(any(truth))
    encoded = [[encode_mask(mask) for mask in each] for each in truth]
    people = []
    for claimed in detections:
        masks = tuple(encode_mask(mask) for mask, _ in claimed)
        people.append(
            PersonInstances(
                mask_boxes(list(masks)), np.array([score for _, score in claimed], np.float32), masks
            )
        )
    scores = segmentation_ap(encoded, people)
    overlaps = np.linspace(0.5, 0.95, 10)
    boxes = (
        [[filled(mask) for mask in each] for each in truth],
        [[(filled(mask), score) for mask, score in each] for each in detections],
    )
    for kind, (there, claims) in {"mask": (truth, detections), "box": boxes}.items():
        assert scores[f"{kind}_ap50"] == pytest.approx(plain_ap(there, claims, 0.5))
        assert scores[f"{kind}_ap"] == pytest.approx(
            np.mean([plain_ap(there, claims, overlap) for overlap in overlaps])
        )
    assert scores["mask_ap75"] == pytest.approx(plain_ap(truth, detections, 0.75))
    for name, iou in {"mask_ap50": 0.5, "mask_ap75": 0.75}.items():
        ranked = [RankedPeople.of(masks, found, iou) for masks, found in zip(encoded, people, strict=True)]
        assert ranked_ap(ranked) == pytest.approx(scores[name])


def test_the_ranked_ap_of_photographs_without_people_is_undefined() -> None:
    nothing = np.zeros(0, np.float32), np.zeros(0, bool)
    assert np.isnan(ranked_ap([RankedPeople(*nothing, 0)]))
    assert ranked_ap([RankedPeople(*nothing, 3)]) == 0
