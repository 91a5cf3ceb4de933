"""What Mask R-CNN computes between its networks, in NumPy: anchors, boxes by deltas, non-maximum suppression.

The steps are those of torchvision (``rpn.filter_proposals``, ``roi_heads.postprocess_detections``), with
equal results; tests compare them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64

from par_core.models.segmenter_settings import SegmenterSettings
from par_core.types import BoxesXYXY, Scores

__all__ = ["COMPACT_ANCHORS", "PERSON_LABEL", "Anchors", "find_people", "propose", "sigmoid"]

#: The label of a person in every architecture: the only class of ``compact``, and class 1 of COCO.
PERSON_LABEL: Final = 1

_LARGEST: Final = np.float32(np.log(1000 / 16))  # no box grows more than this by its deltas
_BOX_WEIGHTS: Final = np.array([10, 10, 5, 5], np.float32)
_RPN_NMS_IOU: Final = 0.7
_RPN_LEAST_SIDE: Final = 1e-3  # pixels
_LEAST_SIDE: Final = 1e-2


@dataclass(frozen=True, slots=True)
class Anchors:
    """Boxes of fixed sizes around each cell of the feature pyramid.

    Attributes:
        sizes: Square roots of the areas, in pixels of the resized image, of each level of the pyramid.
        ratios: Heights divided by widths.
    """

    sizes: tuple[tuple[int, ...], ...]
    ratios: tuple[float, ...]

    def around_origin(self, level: int) -> BoxesXYXY:
        """Return the anchors of a level around the point (0, 0): (ratios x sizes, 4)."""
        heights = np.sqrt(np.array(self.ratios, np.float32))
        sizes = np.array(self.sizes[level], np.float32)
        columns = ((1 / heights)[:, None] * sizes).ravel()
        rows = (heights[:, None] * sizes).ravel()
        return np.round(np.stack([-columns, -rows, columns, rows], axis=1) / 2)


COMPACT_ANCHORS: Final = Anchors(((24,), (48,), (96,), (192,), (384,)), (0.5, 1.0, 2.0, 3.0))


def propose(
    objectness: Sequence[Float32[np.ndarray, "_ _ _"]],
    deltas: Sequence[Float32[np.ndarray, "_ _ _"]],
    padded: tuple[int, int],
    resized: tuple[int, int],
    anchors: Anchors,
    settings: SegmenterSettings,
) -> BoxesXYXY:
    """Return the regions (n, 4) of an image that may hold something, the likeliest first.

    Args:
        objectness: Logits (anchors, h, w) of each level of the pyramid.
        deltas: Deltas (4 anchors, h, w) of each level.
        padded: Height and width of the network's input.
        resized: Height and width of the picture in it.
        anchors: The anchors.
        settings: Settings of the inference.
    """
    boxes, scores = list[np.ndarray](), list[np.ndarray]()
    for level, (logits, moves) in enumerate(zip(objectness, deltas, strict=True)):
        n_anchors, rows, columns = logits.shape
        flat = logits.ravel()
        n_best = min(settings.proposals, len(flat))
        best = np.argpartition(-flat, n_best - 1)[:n_best]
        anchor, row, column = np.unravel_index(best, logits.shape)
        places = np.stack([column * (padded[1] // columns), row * (padded[0] // rows)] * 2, axis=1)
        found = anchors.around_origin(level)[anchor] + places.astype(np.float32)
        moved = _moved(found, moves.reshape(n_anchors, 4, rows, columns)[anchor, :, row, column])
        inside, score = _inside(moved, resized), sigmoid(flat[best])
        usable = _large(inside, _RPN_LEAST_SIDE) & (score >= settings.min_objectness)
        inside, score = inside[usable], score[usable]
        kept = _suppress(inside, score, _RPN_NMS_IOU)
        boxes.append(inside[kept])
        scores.append(score[kept])
    order = np.argsort(-np.concatenate(scores), kind="stable")[: settings.proposals]
    return np.concatenate(boxes)[order]


def find_people(
    logits: Float32[np.ndarray, "n k"],
    deltas: Float32[np.ndarray, "n _"],
    regions: BoxesXYXY,
    resized: tuple[int, int],
    settings: SegmenterSettings,
) -> tuple[Float32[np.ndarray, "people 4"], Float32[np.ndarray, " people"]]:
    """Return the boxes and scores of people, highest score first.

    Args:
        logits: Logits of k classes for n regions; class 0 is background.
        deltas: Deltas of each class.
        regions: The regions.
        resized: Height and width of the picture in the network's input.
        settings: Settings of the inference.
    """
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    row, label = np.nonzero(likely[:, 1:] > settings.min_score)
    label += 1
    scores = likely[row, label]
    moves = deltas.reshape(len(deltas), -1, 4)[row, label] / _BOX_WEIGHTS
    boxes = _inside(_moved(regions[row], moves), resized)
    large = _large(boxes, _LEAST_SIDE)
    boxes, scores, label = boxes[large], scores[large], label[large]
    kept = [
        of_class[_suppress(boxes[of_class], scores[of_class], settings.nms_iou)]
        for of_class in (np.flatnonzero(label == one) for one in np.unique(label))
    ]
    together = np.concatenate([np.zeros(0, np.int64), *kept])
    best = together[np.argsort(-scores[together], kind="stable")][: settings.max_people]
    people = best[label[best] == PERSON_LABEL]
    return boxes[people], scores[people]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities of logits, also of those far below zero."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-logits))


def _moved(boxes: BoxesXYXY, deltas: Float32[np.ndarray, "n 4"]) -> BoxesXYXY:
    """Boxes after their deltas: centres by shares of the sides, sides by powers of e (Girshick et al. 2014,
    appendix C).
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + np.float32(0.5) * sides + deltas[:, :2] * sides
    halves = np.float32(0.5) * np.exp(np.minimum(deltas[:, 2:], _LARGEST)) * sides
    return np.concatenate([centres - halves, centres + halves], axis=1)


def _inside(boxes: BoxesXYXY, size: tuple[int, int]) -> BoxesXYXY:
    height, width = size
    return np.clip(boxes, np.float32(0), np.array([width, height] * 2, np.float32))


def _large(boxes: BoxesXYXY, least: float) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2] >= np.float32(least)).all(axis=1)


def _suppress(boxes: BoxesXYXY, scores: Scores, iou: float) -> Int64[np.ndarray, " kept"]:
    """The boxes, best first, of which none overlaps a better one of them by more than an IoU."""
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    starts, ends = boxes[:, None, :2], boxes[:, None, 2:]
    sides = np.maximum(np.minimum(ends, boxes[:, 2:]) - np.maximum(starts, boxes[:, :2]), np.float32(0))
    common = sides[..., 0] * sides[..., 1]
    overlapping = common / (areas[:, None] + areas - common) > np.float32(iou)
    free = np.ones(len(boxes), bool)
    kept = []
    for i in range(len(boxes)):
        if free[i]:
            kept.append(i)
            free &= ~overlapping[i]
    return order[np.array(kept, np.int64)]
