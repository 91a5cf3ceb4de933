"""Scores of a segmenter on the photographs that were kept back from training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from torchvision.models.detection import MaskRCNN

from par_core.evaluate.datasets.outlines import read_photo
from par_core.evaluate.segmentation import people_at_threshold, segmentation_ap
from par_core.evaluate.segmentation_run import LOWEST_SCORE, outlines
from par_core.models.runtimes import TorchRuntime
from par_core.models.segmenter import COMPACT_SETTINGS, MaskRCNNSegmenter
from par_core.training.segmentation_data import split_photos

__all__ = ["score_segmenter"]

_THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


def score_segmenter(network: MaskRCNN, data_dir: Path, seed: int) -> dict[str, float]:
    """Average precision, precision and recall on Penn-Fudan and COCO, and false people an image on COCO photographs without people, by threshold."""
    settings = replace(COMPACT_SETTINGS, min_score=LOWEST_SCORE)
    segmenter = MaskRCNNSegmenter(network, settings, "", "compact", TorchRuntime())
    kept = split_photos(data_dir, seed).validation
    scores: dict[str, float] = {}
    for source in ("pennfudan", "coco"):
        read = [read_photo(photo) for photo in kept[source]]
        truth = [outlines(labels) for _, labels in read]
        found = segmenter.segment([picture for picture, _ in read])
        scores |= {f"{source}_{name}": value for name, value in segmentation_ap(truth, found).items()} | {f"{source}_images": len(read)}
        for threshold in _THRESHOLDS:
            scores |= {f"{source}_{name}_at_{threshold}": value for name, value in people_at_threshold(truth, found, threshold).items()}
    empty = segmenter.segment([read_photo(photo)[0] for photo in kept["empty"]])
    scores["empty_images"] = len(empty)
    for threshold in _THRESHOLDS:
        scores[f"false_people_per_empty_image_at_{threshold}"] = float(np.mean([(people.scores >= threshold).sum() for people in empty]))
    return scores
