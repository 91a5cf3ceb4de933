"""What a detector of faces does, and how boxes of one face are joined."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from par_core.people.boxes import box_overlaps
from par_core.types import BoxesXYXY, ImageU8, Scores

__all__ = ["FaceDetector", "keep_best", "weighted_boxes"]


@runtime_checkable
class FaceDetector(Protocol):
    """Finds the faces of a person.

    Attributes:
        name: Name of the detector, as users type it.
    """

    name: str

    def find(self, cutout: ImageU8) -> tuple[BoxesXYXY, Scores]:
        """Return boxes in pixels of the picture, inside it, and scores in [0, 1], highest first."""
        ...


def keep_best(
    boxes: BoxesXYXY, scores: Scores, overlap: float
) -> tuple[Float32[np.ndarray, "m 4"], Float32[np.ndarray, " m"]]:
    """Keep the box of the highest score of those that overlap by more than a share (IoU), again and again."""
    order = np.argsort(-scores, kind="stable")
    overlaps = box_overlaps(boxes[order], boxes[order])
    kept: list[int] = []
    for i in range(len(order)):
        if not (overlaps[i, kept] > overlap).any():
            kept.append(i)
    return boxes[order][kept], scores[order][kept]


def weighted_boxes(
    boxes: BoxesXYXY, scores: Scores, overlap: float
) -> tuple[Float32[np.ndarray, "m 4"], Float32[np.ndarray, " m"]]:
    """Join boxes that overlap that of the highest score by more than a share (IoU) into their mean, weighted
    by scores, again and again; the joined one has the highest score. MediaPipe's way.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    left = np.arange(len(order))
    joined: list[Float32[np.ndarray, 4]] = []
    best: list[float] = []
    while left.size:
        together = box_overlaps(boxes[left[:1]], boxes[left])[0] > overlap
        together[0] = True  # also a box without area
        group = left[together]
        joined.append(np.average(boxes[group], axis=0, weights=scores[group]).astype(np.float32))
        best.append(float(scores[group[0]]))
        left = left[~together]
    return np.array(joined, np.float32).reshape(-1, 4), np.array(best, np.float32)
