"""Scoring a segmenter on a data set with outlined people."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from par_core.config import RunConfig
from par_core.evaluate.datasets.outlines import LabelMap, Photo, outlined_photos, read_photo
from par_core.evaluate.segmentation import people_at_threshold, segmentation_ap
from par_core.models.profiles import load_segmenter
from par_core.people.masks import encode_mask
from par_core.types import MaskRLE

__all__ = ["LOWEST_SCORE", "SegmentationSet", "evaluate_segmentation", "outlines"]

SegmentationSet = Literal["pennfudan", "coco", "ccp"]
Follow = Callable[[Sequence[Photo], str], Iterable[Photo]]

LOWEST_SCORE: Final = 0.02  # average precision wants the weak detections too


def outlines(labels: LabelMap) -> list[MaskRLE]:
    """The mask of each person of a label map, by number."""
    return [encode_mask(labels == number) for number in np.unique(labels) if number]


def evaluate_segmentation(dataset: SegmentationSet, root: Path, config: RunConfig, follow: Follow) -> dict[str, Any]:
    """Average precision over all scores; precision and recall, and false people in pictures of nobody, at the scores that indexing uses.

    Args:
        dataset: Which published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models; ``segment.min_score`` is the threshold of precision and recall.
        follow: Shows how far it is: takes the photographs and a word for them, gives them back one by one.

    Returns:
        ``mask_ap``, ``mask_ap50``, ``mask_ap75``, ``box_ap``, ``box_ap50``, ``precision``, ``recall``, ``images``, ``people``; for ``coco`` also
        ``empty_images`` and ``false_people_per_empty_image``.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    eager = load_segmenter(config.model_copy(update={"segment": config.segment.model_copy(update={"min_score": LOWEST_SCORE})}))
    usual = load_segmenter(config)
    truth, weak, found = [], [], []
    for photo in follow(outlined_photos(dataset, root), "photographs"):
        picture, labels = read_photo(photo)
        truth.append(outlines(labels))
        weak += eager.segment([picture])
        found += usual.segment([picture])
    scores: dict[str, Any] = {**segmentation_ap(truth, weak), **people_at_threshold(truth, found, 0.0)}
    scores |= {"images": len(truth), "people": sum(map(len, truth))}
    if dataset == "coco":
        empty = outlined_photos("empty", root)
        false = [len(usual.segment([read_photo(photo)[0]])[0]) for photo in follow(empty, "photographs of nobody")]
        scores |= {"empty_images": len(empty), "false_people_per_empty_image": float(np.mean(false)) if false else float("nan")}
    return scores
