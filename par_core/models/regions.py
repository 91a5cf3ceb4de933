"""What Mask R-CNN computes between its networks, in NumPy: anchors, boxes by deltas, non-maximum suppression.

The steps are those of torchvision (``rpn.filter_proposals``, ``roi_heads.postprocess_detections``), with
equal results; tests compare them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64

from par_core.log_odds import logit
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
_ROUNDING: Final = 1e-3  # of logits; what is a little too low is dropped by its probability


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
        objectness: Logits (h, w, anchors) of each level of the pyramid.
        deltas: Deltas (h, w, 4 anchors) of each level.
        padded: Height and width of the network's input.
        resized: Height and width of the picture in it.
        anchors: The anchors.
        settings: Settings of the inference.
    """
    boxes, scores = list[np.ndarray](), list[np.ndarray]()
    for level, (logits, moves) in enumerate(zip(objectness, deltas, strict=True)):
        rows, columns, n_anchors = logits.shape
        best = _best(logits.ravel(), settings)
        row, column, anchor = np.unravel_index(best, logits.shape)
        places = np.stack([column * (padded[1] // columns), row * (padded[0] // rows)] * 2, axis=1)
        found = anchors.around_origin(level)[anchor] + places.astype(np.float32)
        moved = _moved(found, moves.reshape(rows, columns, n_anchors, 4)[row, column, anchor])
        inside, score = _inside(moved, resized), sigmoid(logits[row, column, anchor])
        usable = _large(inside, _RPN_LEAST_SIDE) & (score >= settings.min_objectness)
        inside, score = inside[usable], score[usable]
        kept = _suppress(inside, score, _RPN_NMS_IOU)
        boxes.append(inside[kept])
        scores.append(score[kept])
    order = np.argsort(-np.concatenate(scores), kind="stable")[: settings.proposals]
    return np.concatenate(boxes)[order]


def _best(logits: Float32[np.ndarray, " n"], settings: SegmenterSettings) -> Int64[np.ndarray, " best"]:
    """The places of the highest logits; without most of those that are too low to be used."""
    likely = np.flatnonzero(logits >= np.float32(logit(settings.min_objectness) - _ROUNDING))
    n_best = min(settings.proposals, len(likely))
    return likely[np.argpartition(-logits[likely], n_best - 1)[:n_best]] if n_best else likely


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
    left, top, right, bottom = np.ascontiguousarray(boxes[order].T)[..., None]
    areas = (right - left) * (bottom - top)
    across = np.minimum(right, right.T) - np.maximum(left, left.T)
    down = np.minimum(bottom, bottom.T) - np.maximum(top, top.T)
    common = np.maximum(across, np.float32(0)) * np.maximum(down, np.float32(0))
    overlapping = common / (areas + areas.T - common) > np.float32(iou)
    # a row is one large integer: a loop over arrays of so few bits would take longer
    rows = [int.from_bytes(bits.tobytes(), "little") for bits in np.packbits(overlapping, 1, "little")]
    gone, kept = 0, list[int]()
    for place, row in enumerate(rows):
        if not gone >> place & 1:
            kept.append(place)
            gone |= row
    return order[np.array(kept, np.int64)]
