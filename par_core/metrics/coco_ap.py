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

__all__ = ["Detections", "Match", "RunLengths", "match_people", "people_at_threshold", "segmentation_ap"]

_LEAST_IOU: Final = 0.5
_NAMES: Final = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50")


@runtime_checkable
class RunLengths(Protocol):
    """One mask of a whole image as COCO's compressed run lengths."""

    @property
    def height(self) -> int:
        """Of the image, pixels."""
        ...

    @property
    def width(self) -> int:
        """Of the image, pixels."""
        ...

    @property
    def counts(self) -> bytes:
        """The run lengths, ASCII."""
        ...


@runtime_checkable
class Detections(Protocol):
    """The objects found in one image, highest score first."""

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


def segmentation_ap(truth: Sequence[Sequence[RunLengths]], found: Sequence[Detections]) -> dict[str, float]:
    """Score people that were found against people that are there.

    Args:
        truth: The masks of each image.
        found: The people found in each image, in the same order.

    Returns:
        ``mask_ap`` (mean over IoU 0.50 to 0.95), ``mask_ap50``, ``mask_ap75``, ``box_ap``, ``box_ap50``, each
        in [0, 1]; NaN if no image holds anybody.

    Raises:
        BadInputError: The lengths differ.
    """
    if len(truth) != len(found):
        raise BadInputError(f"{len(truth)} images with truth, {len(found)} with people found")
    if not any(truth):
        return dict.fromkeys(_NAMES, float("nan"))
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = _dataset(truth)
        reference.createIndex()
        results = _results(found)
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
    """How the people found in one image go with those that are there.

    Attributes:
        whom: For each one found, the number of the labelled person, or -1.
        iou: Overlap with that person, from 0.5 to 1; 0 without.
        there: How many are labelled.
    """

    whom: Int64[np.ndarray, " n"]
    iou: Float64[np.ndarray, " n"]
    there: int

    @property
    def right(self) -> Bool[np.ndarray, " n"]:
        """Which of those found are labelled."""
        return self.whom >= 0


def match_people(truth: Sequence[RunLengths], found: Sequence[RunLengths]) -> Match:
    """Match people one to one at a mask IoU of at least one half.

    Args:
        truth: The people that are there.
        found: Best scores first; each takes the best of those who are not taken yet.
    """
    whom, iou = np.full(len(found), -1), np.zeros(len(found))
    if found and truth:
        overlaps = np.asarray(
            coco_mask.iou([_coco(m) for m in found], [_coco(m) for m in truth], [0] * len(truth))
        )
        for n, row in enumerate(overlaps):
            best = int(row.argmax())
            if row[best] >= _LEAST_IOU:
                whom[n], iou[n] = best, row[best]
                overlaps[:, best] = 0
    return Match(whom, iou, len(truth))


def people_at_threshold(
    truth: Sequence[Sequence[RunLengths]], found: Sequence[Detections], min_score: float
) -> dict[str, float]:
    """Precision and recall of people above a score, matched one to one at a mask IoU of at least one half,
    best scores first.

    Returns:
        ``precision`` and ``recall`` in [0, 1]; NaN where nobody was found or is there.
    """
    right = claimed = there = 0
    for masks, people in zip(truth, found, strict=True):
        match = match_people(
            masks,
            [mask for mask, score in zip(people.masks, people.scores, strict=True) if score >= min_score],
        )
        there, claimed, right = there + match.there, claimed + len(match.whom), right + int(match.right.sum())
    return {
        "precision": right / claimed if claimed else float("nan"),
        "recall": right / there if there else float("nan"),
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


def _results(found: Sequence[Detections]) -> list[dict[str, object]]:
    return [
        {
            "image_id": i,
            "category_id": 1,
            "score": float(people.scores[n]),
            "bbox": _xywh(people.boxes[n]),
            "segmentation": _coco(people.masks[n]),
        }
        for i, people in enumerate(found)
        for n in range(len(people.scores))
    ]


def _xywh(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return [x1, y1, x2 - x1, y2 - y1]


def _coco(mask: RunLengths) -> dict[str, object]:
    return {"size": [mask.height, mask.width], "counts": mask.counts}
