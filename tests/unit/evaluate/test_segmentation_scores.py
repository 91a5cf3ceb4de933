"""Matching of people one to one, and the people of high scores, taken from those of any score."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from par_core.config import RunConfig, load_config
from par_core.evaluate import segmentation
from par_core.evaluate.segmentation import LOWEST_SCORE, evaluate_segmentation
from par_core.metrics.coco_ap import match_people, people_at_threshold
from par_core.models.fake import FakeSegmenter
from par_core.models.profiles import score_threshold
from par_core.models.segmenter_settings import COMPACT_SETTINGS, PUBLISHED_SETTINGS
from par_core.models.torch_runtime import TorchRuntime
from par_core.models.torch_segmenter import compact_network, segmenter_of
from par_core.people.masks import encode_mask, mask_boxes
from par_core.predictions.cache import PredictionCache
from par_core.predictions.compute import compute_here
from par_core.types import MaskRLE, PersonInstances
from tests.indexing import FAKE
from tests.unit.studies.test_evaluation import coco, pennfudan  # noqa: F401 - fixtures


def block(left: int, right: int) -> MaskRLE:
    mask = np.zeros((10, 40), bool)
    mask[:, left:right] = True
    return encode_mask(mask)


def test_of_two_that_are_found_on_one_person_the_second_is_wrong() -> None:
    whole, twice = block(0, 10), (block(0, 10), block(0, 9))
    match = match_people([whole], twice)
    assert match.label_numbers.tolist() == [0, -1]
    assert match.iou.tolist() == [1.0, 0.0]
    people = PersonInstances(mask_boxes(list(twice)), np.array([0.9, 0.8], np.float32), twice)
    assert people_at_threshold([[whole]], [people], 0.5) == {"precision": 0.5, "recall": 1.0}


def test_who_is_taken_leaves_the_next_best_to_the_others() -> None:
    labelled = [block(0, 10), block(4, 14)]
    # all overlap the first person most, or as much
    match = match_people(labelled, [block(0, 11), block(1, 12), block(2, 12)])
    assert match.label_numbers.tolist() == [0, 1, -1]


class Unsure(FakeSegmenter):
    """Finds the fake's people, and weaker ones, down to a score."""

    def __init__(self, lowest: float, looked: list[int]) -> None:
        self.lowest, self.looked = lowest, looked

    def segment(self, images: list[np.ndarray]) -> list[PersonInstances]:  # type: ignore[override]
        self.looked.append(len(images))
        detections = []
        for people, image in zip(super().segment(images), images, strict=True):
            corner = np.zeros(image.shape[:2], bool)
            corner[:9, :9] = True
            masks = (*people.masks, *[encode_mask(corner)] * 3)
            scores = np.array([0.9] * len(people) + [0.6, 0.5, 0.3], np.float32)
            kept = np.flatnonzero(scores > np.float32(self.lowest))
            detections.append(
                PersonInstances(mask_boxes(list(masks))[kept], scores[kept], tuple(masks[i] for i in kept))
            )
        return detections


@pytest.mark.parametrize("dataset", ["pennfudan", "coco"])
def test_each_photograph_is_segmented_once(
    dataset: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = request.getfixturevalue(dataset)
    looked: list[int] = []
    monkeypatch.setattr(
        "par_core.predictions.compute.load_segmenter",
        lambda config: Unsure(config.segment.min_score or 0.5, looked),
    )
    monkeypatch.setattr(segmentation, "score_threshold", lambda config: 0.5)
    run = evaluate_segmentation(dataset, root, FAKE, PredictionCache(tmp_path / "out", compute_here))  # type: ignore[arg-type]
    assert sum(looked) == 3, "there are three photographs"
    for weak, strong, photo in zip(run.weak, run.detected, run.photos, strict=True):
        picture = cv2.cvtColor(cv2.imread(str(photo.image)), cv2.COLOR_BGR2RGB)
        for threshold, detected in ((LOWEST_SCORE, weak), (0.5, strong)):
            (alone,) = Unsure(threshold, []).segment([picture])
            np.testing.assert_array_equal(detected.boxes, alone.boxes)
            np.testing.assert_array_equal(detected.scores, alone.scores)
            assert detected.masks == alone.masks
    if dataset == "coco":
        assert run.scores["false_people_per_empty_image"] == 1.5, (
            "0.6 each, and one coloured area; 0.5 is not above 0.5"
        )


@pytest.mark.usefixtures("pennfudan")
def test_a_threshold_below_that_of_average_precision_counts_the_weakest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thresholds: list[float | None] = []

    def load(config: RunConfig) -> FakeSegmenter:
        thresholds.append(config.segment.min_score)
        return FakeSegmenter()

    monkeypatch.setattr(segmentation, "score_threshold", lambda config: 0.01)
    monkeypatch.setattr("par_core.predictions.compute.load_segmenter", load)
    evaluate_segmentation("pennfudan", tmp_path, FAKE, PredictionCache(tmp_path / "out", compute_here))
    assert thresholds == [0.01]


def test_the_threshold_of_a_model_is_known_without_loading_it() -> None:
    assert score_threshold(load_config()) == COMPACT_SETTINGS.min_score
    assert score_threshold(load_config(profile="clip")) == PUBLISHED_SETTINGS.min_score
    assert score_threshold(load_config(segment={"min_score": 0.3})) == 0.3


def test_the_network_finds_the_same_people_at_a_high_score_as_among_those_of_any_score() -> None:
    image = np.ascontiguousarray(data.astronaut()[:256, :320])
    settings = replace(COMPACT_SETTINGS, min_side=192, max_side=256)
    weak, strong = (
        segmenter_of(compact_network(), replace(settings, min_score=score), "", "", TorchRuntime()).segment(
            [image]
        )[0]
        for score in (LOWEST_SCORE, 0.3)
    )
    among = segmentation.above(weak, 0.3)
    assert len(weak) > len(strong) > 0
    np.testing.assert_array_equal(among.boxes, strong.boxes)
    np.testing.assert_array_equal(among.scores, strong.scores)
    assert [mask.counts for mask in among.masks] == [mask.counts for mask in strong.masks]
