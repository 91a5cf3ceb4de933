"""Scoring a segmenter on a data set with outlined people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from par_core.config import RunConfig
from par_core.datasets.folders import name_of
from par_core.datasets.instances import coco_photos
from par_core.datasets.outlines import LabelMap, Photo, outlined_photos, read_photo
from par_core.evaluate.items import SegmentationItems
from par_core.ids import digest_of
from par_core.metrics.coco_ap import (
    Match,
    RankedPeople,
    match_people,
    people_at_threshold,
    segmentation_ap,
)
from par_core.metrics.label_based import ratio
from par_core.models.profiles import score_threshold
from par_core.people.masks import encode_mask
from par_core.predictions.cache import PredictionCache
from par_core.types import MaskRLE, PersonInstances

__all__ = ["LOWEST_SCORE", "SegmentationRun", "SegmentationSet", "above", "evaluate_segmentation", "outlines"]

SegmentationSet = Literal["pennfudan", "coco", "ccp", "made"]

LOWEST_SCORE: Final = 0.02  # average precision wants the weak detections too
_RANKED: Final = {"mask_ap50": 0.5, "mask_ap75": 0.75}  # average precisions that get intervals


@dataclass(frozen=True, slots=True)
class SegmentationRun:
    """Result of an evaluation of segmentation, photograph by photograph.

    Attributes:
        scores: Scores by name.
        items: Counts and quality of each photograph.
        photos: The photographs.
        truth: Labelled masks of each photograph.
        weak: People detected at any score.
        detected: People detected at the score that indexing uses.
    """

    scores: dict[str, Any]
    items: SegmentationItems
    photos: tuple[Photo, ...]
    truth: tuple[list[MaskRLE], ...]
    weak: tuple[PersonInstances, ...]
    detected: tuple[PersonInstances, ...]

    @property
    def data_digest(self) -> str:
        """Digest of names and labelled masks."""
        parts: list[str | bytes] = []
        for name, masks in zip(self.items.names, self.truth, strict=True):
            parts += [name, *(mask.counts for mask in masks)]
        return digest_of(*parts)


def outlines(labels: LabelMap) -> list[MaskRLE]:
    """Return the mask of each person of a label map, by number."""
    return [encode_mask(labels == number) for number in np.unique(labels) if number]


def above(people: PersonInstances, score: float) -> PersonInstances:
    """Return the people whose score is above a threshold, as a segmenter with that threshold detects them.

    Weaker boxes never suppress stronger ones, so the threshold changes nothing for those above it.
    """
    kept = people.scores > score
    masks = tuple(mask for mask, is_kept in zip(people.masks, kept, strict=True) if is_kept)
    return PersonInstances(people.boxes[kept], people.scores[kept], masks)


def evaluate_segmentation(
    dataset: SegmentationSet, root: Path, config: RunConfig, cache: PredictionCache
) -> SegmentationRun:
    """Compute average precision over all scores; precision and recall, and false people in pictures of empty,
    at the scores that indexing uses.

    Args:
        dataset: A published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models; ``segment.min_score`` is the threshold of precision and recall.
        cache: Predictions, computed where missing.

    Returns:
        The run with the scores ``mask_ap``, ``mask_ap50``, ``mask_ap75``, ``box_ap``, ``box_ap50``,
        ``precision``, ``recall``, ``images``, ``people``; for ``coco`` also ``empty_images`` and
        ``false_people_per_empty_image``.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    listed = coco_photos(root) if dataset == "coco" else outlined_photos(dataset, root)
    photos = [photo for photo in listed if photo.source != "empty"]
    threshold = score_threshold(config)
    lowest = min(LOWEST_SCORE, threshold)
    eager = config.model_copy(update={"segment": config.segment.model_copy(update={"min_score": lowest})})
    (predicted,) = cache.outlines([photo.image for photo in photos], [eager])
    weak, detected = ([above(people, score) for people in predicted] for score in (LOWEST_SCORE, threshold))
    truth = [outlines(read_photo(photo)[1]) for photo in photos]
    scores: dict[str, Any] = {**segmentation_ap(truth, weak), **people_at_threshold(truth, detected, 0.0)}
    scores |= {"images": len(truth), "people": sum(map(len, truth))}
    if dataset == "coco":
        (empty,) = cache.outlines([photo.image for photo in listed if photo.source == "empty"], [eager])
        false = [len(above(people, threshold)) for people in empty]
        per_image = float(np.mean(false)) if false else float("nan")
        scores |= {"empty_images": len(false), "false_people_per_empty_image": per_image}
    matches = [match_people(masks, people.masks) for masks, people in zip(truth, detected, strict=True)]
    ranked = {
        name: [RankedPeople.of(masks, people, iou) for masks, people in zip(truth, weak, strict=True)]
        for name, iou in _RANKED.items()
    }
    items = replace(_items(photos, matches), ranked=ranked)
    return SegmentationRun(scores, items, tuple(photos), tuple(truth), tuple(weak), tuple(detected))


def _items(photos: Sequence[Photo], matches: Sequence[Match]) -> SegmentationItems:
    matched = np.array([match.right.sum() for match in matches], np.int64)
    labelled, claimed = (
        np.array(counts, np.int64)
        for counts in ([match.labelled for match in matches], [len(match.label_numbers) for match in matches])
    )
    # matched + missed / 2 + false / 2
    quality = ratio([match.iou.sum() for match in matches], (labelled + claimed) / 2).astype(np.float32)
    return SegmentationItems(
        tuple(map(name_of, (photo.image for photo in photos))),
        matched,
        labelled - matched,
        claimed - matched,
        quality,
    )
