"""Scoring a segmenter on a data set with outlined people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from par_core.config import RunConfig
from par_core.datasets.folders import name_of
from par_core.datasets.outlines import LabelMap, Photo, outlined_photos, read_photo
from par_core.evaluate.items import SegmentationItems
from par_core.ids import digest_of
from par_core.metrics.coco_ap import Match, match_people, people_at_threshold, segmentation_ap
from par_core.metrics.label_based import ratio
from par_core.models.profiles import score_threshold
from par_core.people.masks import encode_mask
from par_core.predictions.cache import Observer
from par_core.types import MaskRLE, PersonInstances

__all__ = ["LOWEST_SCORE", "SegmentationRun", "SegmentationSet", "above", "evaluate_segmentation", "outlines"]

SegmentationSet = Literal["pennfudan", "coco", "ccp"]

LOWEST_SCORE: Final = 0.02  # average precision wants the weak detections too


@dataclass(frozen=True, slots=True)
class SegmentationRun:
    """What an evaluation of segmentation saw, photograph by photograph.

    Attributes:
        scores: The figures.
        items: What is written of each photograph.
        photos: Where they are.
        truth: The labelled masks of each.
        weak: The people found at any score.
        found: The people found at the score that indexing uses.
    """

    scores: dict[str, Any]
    items: SegmentationItems
    photos: tuple[Photo, ...]
    truth: tuple[list[MaskRLE], ...]
    weak: tuple[PersonInstances, ...]
    found: tuple[PersonInstances, ...]

    @property
    def data_digest(self) -> str:
        """Of names and labelled masks."""
        parts: list[str | bytes] = []
        for name, masks in zip(self.items.names, self.truth, strict=True):
            parts += [name, *(mask.counts for mask in masks)]
        return digest_of(*parts)


def outlines(labels: LabelMap) -> list[MaskRLE]:
    """The mask of each person of a label map, by number."""
    return [encode_mask(labels == number) for number in np.unique(labels) if number]


def above(people: PersonInstances, score: float) -> PersonInstances:
    """The people whose score is above one, as a segmenter with that threshold finds them.

    Weaker boxes never suppress stronger ones, so that the threshold decides nothing about those above it.
    """
    kept = people.scores > score
    masks = tuple(mask for mask, is_kept in zip(people.masks, kept, strict=True) if is_kept)
    return PersonInstances(people.boxes[kept], people.scores[kept], masks)


def evaluate_segmentation(
    dataset: SegmentationSet, root: Path, config: RunConfig, observer: Observer
) -> SegmentationRun:
    """Average precision over all scores; precision and recall, and false people in pictures of nobody, at the
    scores that indexing uses.

    Args:
        dataset: Which published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models; ``segment.min_score`` is the threshold of precision and recall.
        observer: Looks at the photographs.

    Returns:
        With the scores ``mask_ap``, ``mask_ap50``, ``mask_ap75``, ``box_ap``, ``box_ap50``, ``precision``,
        ``recall``, ``images``, ``people``; for ``coco`` also ``empty_images`` and
        ``false_people_per_empty_image``.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    photos = outlined_photos(dataset, root)
    threshold = score_threshold(config)
    lowest = min(LOWEST_SCORE, threshold)
    eager = config.model_copy(update={"segment": config.segment.model_copy(update={"min_score": lowest})})
    (seen,) = observer.outlines([photo.image for photo in photos], [eager])
    weak, found = ([above(people, score) for people in seen] for score in (LOWEST_SCORE, threshold))
    truth = [outlines(read_photo(photo)[1]) for photo in photos]
    scores: dict[str, Any] = {**segmentation_ap(truth, weak), **people_at_threshold(truth, found, 0.0)}
    scores |= {"images": len(truth), "people": sum(map(len, truth))}
    if dataset == "coco":
        (nobody,) = observer.outlines([photo.image for photo in outlined_photos("empty", root)], [eager])
        false = [len(above(people, threshold)) for people in nobody]
        per_image = float(np.mean(false)) if false else float("nan")
        scores |= {"empty_images": len(false), "false_people_per_empty_image": per_image}
    matches = [match_people(masks, people.masks) for masks, people in zip(truth, found, strict=True)]
    return SegmentationRun(
        scores, _items(photos, matches), tuple(photos), tuple(truth), tuple(weak), tuple(found)
    )


def _items(photos: Sequence[Photo], matches: Sequence[Match]) -> SegmentationItems:
    matched = np.array([match.right.sum() for match in matches], np.int64)
    there, claimed = (
        np.array(each, np.int64)
        for each in ([match.there for match in matches], [len(match.whom) for match in matches])
    )
    # matched + missed / 2 + false / 2
    quality = ratio([match.iou.sum() for match in matches], (there + claimed) / 2).astype(np.float32)
    return SegmentationItems(
        tuple(map(name_of, (photo.image for photo in photos))),
        matched,
        there - matched,
        claimed - matched,
        quality,
    )
