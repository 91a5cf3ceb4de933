"""Average precision of boxes and masks, by the reference implementation (pycocotools, Lin et al. 2014)."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from par_core.errors import BadInputError

__all__ = [
    "Detections",
    "Match",
    "RankedPeople",
    "RunLengths",
    "match_people",
    "people_at_threshold",
    "ranked_ap",
    "segmentation_ap",
]

_LEAST_IOU: Final = 0.5
_MOST: Final = 100  # detections an image, as COCOeval counts them
_RECALLS: Final = np.linspace(0, 1, 101)
_NAMES: Final = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50")


@runtime_checkable
class RunLengths(Protocol):
    """One mask of a whole image as COCO's compressed run lengths."""

    @property
    def height(self) -> int:
        """Height of the image, pixels."""
        ...

    @property
    def width(self) -> int:
        """Width of the image, pixels."""
        ...

    @property
    def counts(self) -> bytes:
        """Run lengths, ASCII."""
        ...


@runtime_checkable
class Detections(Protocol):
    """Objects detected in one image, highest score first."""

    @property
    def boxes(self) -> Float32[np.ndarray, "n 4"]:
        """x1 y1 x2 y2, pixels."""
        ...

    @property
    def scores(self) -> Float32[np.ndarray, " n"]:
        """In [0, 1]."""
        ...

    @property
    def masks(self) -> Sequence[RunLengths]:
        """N masks of the image's size."""
        ...


def segmentation_ap(
    truth: Sequence[Sequence[RunLengths]], detections: Sequence[Detections]
) -> dict[str, float]:
    """Score detected people against labelled people.

    Args:
        truth: Labelled masks of each image.
        detections: Detected people in each image, in the same order.

    Returns:
        ``mask_ap`` (mean over IoU 0.50 to 0.95), ``mask_ap50``, ``mask_ap75``, ``box_ap``, ``box_ap50``, each
        in [0, 1]; NaN if no image shows a person.

    Raises:
        BadInputError: The lengths differ.
    """
    if len(truth) != len(detections):
        raise BadInputError(f"{len(truth)} images with truth, {len(detections)} with people found")
    if not any(truth):
        return dict.fromkeys(_NAMES, float("nan"))
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = _dataset(truth)
        reference.createIndex()
        results = _results(detections)
        if not results:
            return dict.fromkeys(_NAMES, 0.0)
        loaded = reference.loadRes(results)
        scores: dict[str, float] = {}
        for kind, name in (("segm", "mask"), ("bbox", "box")):
            evaluation = COCOeval(reference, loaded, kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            scores |= {
                f"{name}_ap": float(evaluation.stats[0]),
                f"{name}_ap50": float(evaluation.stats[1]),
                f"{name}_ap75": float(evaluation.stats[2]),
            }
    del scores["box_ap75"]
    return scores


@dataclass(frozen=True, slots=True)
class Match:
    """People detected in one image, matched with the labelled people.

    Attributes:
        label_numbers: For each detection, number of the labelled person, or -1.
        iou: Overlap with that person, from 0.5 to 1; 0 without.
        labelled: Number of labelled people.
    """

    label_numbers: Int64[np.ndarray, " n"]
    iou: Float64[np.ndarray, " n"]
    labelled: int

    @property
    def right(self) -> Bool[np.ndarray, " n"]:
        """Whether each detection is a labelled person."""
        return self.label_numbers >= 0


def match_people(
    truth: Sequence[RunLengths], detected: Sequence[RunLengths], least_iou: float = _LEAST_IOU
) -> Match:
    """Match people one to one at a mask IoU of at least one half, or another.

    Args:
        truth: Masks of the labelled people.
        detected: Masks of detected people, best scores first; each is matched with the best of the labelled
            people who are not matched yet.
        least_iou: Least overlap of a match, in (0, 1].
    """
    numbers, iou = np.full(len(detected), -1), np.zeros(len(detected))
    if detected and truth:
        overlaps = np.asarray(
            coco_mask.iou([_coco(m) for m in detected], [_coco(m) for m in truth], [0] * len(truth))
        )
        for n, row in enumerate(overlaps):
            best = int(row.argmax())
            if row[best] >= least_iou:
                numbers[n], iou[n] = best, row[best]
                overlaps[:, best] = 0
    return Match(numbers, iou, len(truth))


@dataclass(frozen=True, slots=True)
class RankedPeople:
    """People detected in one image at any score, and which of them are right at one mask IoU.

    Attributes:
        scores: In [0, 1].
        right: Whether each is a labelled person.
        labelled: Number of labelled people.
    """

    scores: Float32[np.ndarray, " n"]
    right: Bool[np.ndarray, " n"]
    labelled: int

    @classmethod
    def of(
        cls, truth: Sequence[RunLengths], people: Detections, least_iou: float = _LEAST_IOU
    ) -> "RankedPeople":
        """Match the people of one image, best scores first."""
        best_first = np.argsort(-people.scores, kind="stable")[:_MOST]
        match = match_people(truth, [people.masks[i] for i in best_first], least_iou)
        return cls(people.scores[best_first], match.right, match.labelled)


def ranked_ap(images: Sequence[RankedPeople]) -> float:
    """Return the average precision of people of many images, in [0, 1]: as :func:`segmentation_ap` computes
    it, but fast enough for the resamples of a bootstrap. NaN if no image shows a person.
    """
    labelled = sum(image.labelled for image in images)
    if not labelled:
        return float("nan")
    scores = np.concatenate([image.scores for image in images])
    right = np.concatenate([image.right for image in images])[np.argsort(-scores, kind="stable")]
    found = np.cumsum(right)
    precision = np.maximum.accumulate((found / np.arange(1, len(right) + 1))[::-1])[::-1]
    places = np.searchsorted(found / labelled, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[np.minimum(places, len(precision))].mean())


def people_at_threshold(
    truth: Sequence[Sequence[RunLengths]], detections: Sequence[Detections], min_score: float
) -> dict[str, float]:
    """Compute precision and recall of people above a score, matched one to one at a mask IoU of at least one
    half, best scores first.

    Returns:
        ``precision`` and ``recall`` in [0, 1]; NaN where no person was detected or is labelled.
    """
    right = claimed = labelled = 0
    for masks, people in zip(truth, detections, strict=True):
        match = match_people(
            masks,
            [mask for mask, score in zip(people.masks, people.scores, strict=True) if score >= min_score],
        )
        labelled, claimed, right = (
            labelled + match.labelled,
            claimed + len(match.label_numbers),
            right + int(match.right.sum()),
        )
    return {
        "precision": right / claimed if claimed else float("nan"),
        "recall": right / labelled if labelled else float("nan"),
    }


def _dataset(truth: Sequence[Sequence[RunLengths]]) -> dict[str, object]:
    sizes = [[masks[0].height, masks[0].width] if masks else [1, 1] for masks in truth]
    images = [{"id": i, "height": height, "width": width} for i, (height, width) in enumerate(sizes)]
    people = [(i, _coco(mask)) for i, masks in enumerate(truth) for mask in masks]
    annotations = [
        {
            "id": n,
            "image_id": i,
            "category_id": 1,
            "iscrowd": 0,
            "area": int(coco_mask.area(mask)),
            "bbox": coco_mask.toBbox(mask).tolist(),
            "segmentation": mask,
        }
        for n, (i, mask) in enumerate(people, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def _results(detections: Sequence[Detections]) -> list[dict[str, object]]:
    return [
        {
            "image_id": i,
            "category_id": 1,
            "score": float(people.scores[n]),
            "bbox": _xywh(people.boxes[n]),
            "segmentation": _coco(people.masks[n]),
        }
        for i, people in enumerate(detections)
        for n in range(len(people.scores))
    ]


def _xywh(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _coco(mask: RunLengths) -> dict[str, object]:
    return {"size": [mask.height, mask.width], "counts": mask.counts}
