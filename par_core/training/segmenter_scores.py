"""Scores of a segmenter: those that a run chooses its weights by, and those to report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torchvision.models.detection import MaskRCNN

from par_core.datasets.outlines import BoxedPhoto, Photo, read_photo, read_picture
from par_core.evaluate.segmentation import LOWEST_SCORE, outlines
from par_core.metrics.coco_ap import people_at_threshold, segmentation_ap
from par_core.models.segmenter import MaskRCNNSegmenter
from par_core.models.segmenter_settings import COMPACT_SETTINGS
from par_core.models.torch_runtime import TorchRuntime
from par_core.models.torch_segmenter import segmenter_of
from par_core.people.masks import encode_mask
from par_core.types import MaskRLE, PersonInstances

__all__ = ["score_boxes", "score_segmenter", "score_validation"]

_THRESHOLDS = (0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def score_validation(network: MaskRCNN, photos: Mapping[str, Sequence[Photo]]) -> dict[str, float]:
    """Average precision by source, and ``score``: the mean over sources of mask AP50 and AP75."""
    segmenter = _segmenter(network)
    scores: dict[str, float] = {}
    for source in [
        source for source, listed in photos.items() if listed and source != "empty" and source != "ccp"
    ]:
        truth, detected = _predict(segmenter, photos[source])
        scores |= {f"{source}_{name}": value for name, value in segmentation_ap(truth, detected).items()}
    decisive = [value for name, value in scores.items() if name.endswith(("mask_ap50", "mask_ap75"))]
    return {"score": float(np.mean(decisive)) if decisive else float("nan"), **scores}


def score_boxes(network: MaskRCNN, photos: Sequence[BoxedPhoto]) -> dict[str, float]:
    """Average precision of boxes on photographs without outlines: ``box_ap``, ``box_ap50``; people whom
    nobody labelled, on photographs without people, count against it.
    """
    pictures = [read_picture(photo.image) for photo in photos]
    truth = [
        [_filled(picture.shape[:2], box) for box in photo.boxes]
        for picture, photo in zip(pictures, photos, strict=True)
    ]
    scores = segmentation_ap(truth, _segmenter(network).segment(pictures))
    return {name: scores[name] for name in ("box_ap", "box_ap50")}


def _filled(shape: tuple[int, int], box: np.ndarray) -> MaskRLE:
    """The mask of a whole box, of which COCO's tools take the box again."""
    mask = np.zeros(shape, bool)
    x1, y1, x2, y2 = np.rint(box).astype(int)
    mask[y1:y2, x1:x2] = True
    return encode_mask(mask)


def score_segmenter(network: MaskRCNN, photos: Mapping[str, Sequence[Photo]]) -> dict[str, float]:
    """Average precision, precision and recall on photographs of Penn-Fudan and COCO, and false people an
    image on COCO photographs without people, by threshold.

    Args:
        network: The segmenter.
        photos: Photographs by source: ``pennfudan``, ``coco`` and ``empty``.
    """
    segmenter = _segmenter(network)
    scores: dict[str, float] = {}
    for source in ("pennfudan", "coco"):
        truth, detected = _predict(segmenter, photos[source])
        scores |= {f"{source}_{name}": value for name, value in segmentation_ap(truth, detected).items()} | {
            f"{source}_images": len(truth)
        }
        for threshold in _THRESHOLDS:
            scores |= {
                f"{source}_{name}_at_{threshold}": value
                for name, value in people_at_threshold(truth, detected, threshold).items()
            }
    empty = segmenter.segment([read_photo(photo)[0] for photo in photos["empty"]])
    scores["empty_images"] = len(empty)
    for threshold in _THRESHOLDS:
        scores[f"false_people_per_empty_image_at_{threshold}"] = float(
            np.mean([(people.scores >= threshold).sum() for people in empty])
        )
    return scores


def _segmenter(network: MaskRCNN) -> MaskRCNNSegmenter:
    device = next(network.parameters()).device
    return segmenter_of(
        network, replace(COMPACT_SETTINGS, min_score=LOWEST_SCORE), "", "compact", TorchRuntime(str(device))
    )


def _predict(
    segmenter: MaskRCNNSegmenter, photos: Sequence[Photo]
) -> tuple[list[list[MaskRLE]], list[PersonInstances]]:
    read = [read_photo(photo) for photo in photos]
    return [outlines(labels) for _, labels in read], segmenter.segment([picture for picture, _ in read])
