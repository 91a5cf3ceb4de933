"""The detector ``ssd_mobilenetv1`` of ``@vladmandic/face-api``: an SSD on MobileNet v1, 512 x 512 pixels,
which looks at the whole picture of a person.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from par_core.errors import WeightsError
from par_core.faces.detectors import keep_best
from par_core.faces.graph import conv, depthwise, network, operations
from par_core.faces.pixels import padded_to_square, resized
from par_core.types import BoxesXYXY, ImageU8, Scores

__all__ = ["SsdDetector"]

_SIZE: Final = 512
_EPSILON: Final = 0.0010000000474974513
_OVERLAP: Final = 0.5
_HALVING: Final = (2, 4, 6, 12)  # the layers that halve the picture
_FACE: Final = 1  # of the three classes
_MIN_SCORE: Final = 0.5
_ANCHORS: Final = "Output/extra_dim"


class SsdDetector:
    """Finds faces in the whole picture of a person.

    Args:
        tensors: Tensors of ``ssd_mobilenetv1_model`` by name.
        min_score: Lowest score of a face, exclusive.
        threads: Number of threads.

    Raises:
        WeightsError: The tensors are those of another network.
    """

    name = "ssd"

    def __init__(
        self, tensors: Mapping[str, np.ndarray], *, min_score: float = _MIN_SCORE, threads: int = 1
    ) -> None:
        try:
            self._run = network(_SIZE, lambda x: _mobilenet(x, tensors), threads=threads)
            top, left, bottom, right = tensors[_ANCHORS][0].T.astype(np.float32)
        except KeyError as error:
            raise WeightsError(f"these are no weights of the SSD: {error} is missing") from error
        self._sizes = np.stack([bottom - top, right - left], axis=1)
        self._centres = np.stack([top, left], axis=1) + self._sizes / 2
        self._min_score = min_score

    def find(self, cutout: ImageU8) -> tuple[BoxesXYXY, Scores]:
        """Return boxes in pixels of the picture, inside it, and scores in [0, 1], highest first."""
        height, width = cutout.shape[:2]
        square = resized(padded_to_square(cutout, centred=False), _SIZE)
        encoded, classes = self._run((square / np.float32(127.5) - np.float32(1))[None])
        scores = 1 / (1 + np.exp(-classes[0, :, _FACE]))
        found = scores > self._min_score
        centres = encoded[0, found, :2] / 10 * self._sizes[found] + self._centres[found]
        halves = np.exp(encoded[0, found, 2:] / 5) * self._sizes[found] / 2
        corners = np.concatenate([centres - halves, centres + halves], axis=1)  # y1 x1 y2 x2, 1 = the square
        boxes, kept = keep_best(corners.astype(np.float32), scores[found].astype(np.float32), _OVERLAP)
        # as the package does it: the picture in the square has whole pixels
        scale = _SIZE / max(height, width)
        down, across = (_SIZE / max(1, round(side * scale)) * side for side in (height, width))
        limits = np.array([width, height] * 2, np.float32)
        pixels = np.clip(boxes, 0, 1)[:, [1, 0, 3, 2]] * np.array([across, down] * 2, np.float32)
        return np.clip(pixels, 0, limits).astype(np.float32), kept


def _mobilenet(x: Any, tensors: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """Nodes of the encoded boxes (n, boxes, 4), y x h w, and of the classes (n, boxes, 3)."""
    ops = operations()

    def pointwise(x: Any, name: str, stride: int = 1) -> Any:
        bias = tensors[f"{name}_pointwise/convolution_bn_offset"]
        return ops.clamp(conv(x, tensors[f"{name}_pointwise/weights"], bias, stride), 0.0, 6.0)

    def each_channel(x: Any, name: str, stride: int) -> Any:
        norm = {
            key: tensors[f"{name}_depthwise/BatchNorm/{key}"]
            for key in ("gamma", "beta", "moving_mean", "moving_variance")
        }
        factor = norm["gamma"] / np.sqrt(norm["moving_variance"] + np.float32(_EPSILON))
        offset = norm["beta"] - norm["moving_mean"] * factor
        out = depthwise(x, tensors[f"{name}_depthwise/depthwise_weights"], stride)
        scaled = ops.multiply(out, ops.constant(factor.reshape(1, -1, 1, 1)))
        return ops.clamp(ops.add(scaled, ops.constant(offset.reshape(1, -1, 1, 1))), 0.0, 6.0)

    x = pointwise(x, "MobilenetV1/Conv2d_0", 2)
    taps = []
    for i in range(1, 14):
        name = f"MobilenetV1/Conv2d_{i}"
        x = pointwise(each_channel(x, name, 2 if i in _HALVING else 1), name)
        if i in (11, 13):
            taps.append(x)
    for i in range(8):
        x = pointwise(x, f"Prediction/Conv2d_{i}", 1 + i % 2)
        if i % 2:
            taps.append(x)
    heads = (("BoxEncodingPredictor", 4), ("ClassPredictor", 3))
    return tuple(
        ops.concat(
            [_per_box(tap, tensors, f"Prediction/BoxPredictor_{i}/{head}", n) for i, tap in enumerate(taps)],
            1,
        )
        for head, n in heads
    )


def _per_box(x: Any, tensors: Mapping[str, np.ndarray], name: str, numbers: int) -> Any:
    """The numbers of each box of a layer, (n, boxes, numbers)."""
    ops = operations()
    out = conv(x, tensors[f"{name}/weights"], tensors[f"{name}/biases"])
    last = ops.transpose(out, ops.constant(np.array([0, 2, 3, 1], np.int64)))
    return ops.reshape(last, ops.constant(np.array([0, -1, numbers], np.int64)), special_zero=True)
