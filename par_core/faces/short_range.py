"""MediaPipe's short-range detector of faces, BlazeFace, 128 x 128 pixels, which looks at a person's head.

Bazarevsky, Kartynnik, Vakunov, Raveendran, Grundmann, "BlazeFace: Sub-millisecond neural face detection on
mobile GPUs", 2019. Anchors: the centres of 16 x 16 cells twice, then of 8 x 8 cells six times.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from par_core.faces.detectors import weighted_boxes
from par_core.faces.graph import compiled, read_network
from par_core.types import BoxesXYXY, ImageU8, Scores

__all__ = ["ShortRangeDetector"]

_SIZE: Final = 128
_CELLS: Final = ((16, 2), (8, 6))
_HEAD: Final = 0.4  # of the person's height, from the top: the part that is looked at
_OVERLAP: Final = 0.3
_MIN_SCORE: Final = 0.5


class ShortRangeDetector:
    """Finds faces in the upper 40 % of a person.

    Args:
        path: ``face_detection_short_range.tflite``.
        min_score: Lowest score of a face, exclusive.
        threads: Number of threads.
    """

    name = "short-range"

    def __init__(self, path: Path, *, min_score: float = _MIN_SCORE, threads: int = 1) -> None:
        self._run = compiled(read_network(str(path)), threads=threads)
        self._anchors = _anchors()
        self._min_score = min_score

    def find(self, cutout: ImageU8) -> tuple[BoxesXYXY, Scores]:
        """Return boxes in pixels of the picture, inside it, and scores in [0, 1], highest first."""
        head = cutout[: max(1, round(cutout.shape[0] * _HEAD))]
        height, width = head.shape[:2]
        scale = _SIZE / max(height, width)
        small = [max(1, round(side * scale)) for side in (width, height)]
        smoothed = cv2.resize(head, small, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        left, top = (_SIZE - small[0]) // 2, (_SIZE - small[1]) // 2
        square = np.zeros((_SIZE, _SIZE, 3), np.float32)
        square[top : top + small[1], left : left + small[0]] = smoothed
        regressors, logits = self._run((square / np.float32(127.5) - np.float32(1))[None])
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -80, 80)))
        found = scores > self._min_score
        centres = regressors[0, found, :2] + self._anchors[found] * _SIZE
        halves = regressors[0, found, 2:4] / 2
        corners = np.concatenate([centres - halves, centres + halves], axis=1).astype(np.float32)
        boxes, kept = weighted_boxes(corners, scores[found].astype(np.float32), _OVERLAP)
        factors = np.array([width, height] * 2, np.float32) / np.array(small * 2, np.float32)
        pixels = (boxes - np.array([left, top, left, top], np.float32)) * factors
        limits = np.array([width, cutout.shape[0]] * 2, np.float32)
        return np.clip(pixels, 0, limits).astype(np.float32), kept


def _anchors() -> np.ndarray:
    """Centres (896, 2) x y as shares of the square."""
    centres = []
    for cells, times in _CELLS:
        line = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        across, down = np.meshgrid(line, line)
        centres.append(np.repeat(np.stack([across.ravel(), down.ravel()], axis=1), times, axis=0))
    return np.concatenate(centres)
