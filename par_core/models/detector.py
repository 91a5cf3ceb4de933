"""Mask R-CNN on OpenVINO: three compiled networks, and NumPy between them.

    features   picture in; pyramid, objectness and box deltas of all levels out
    box        regions and pyramid in; logits and box deltas of each class out
    mask       boxes and pyramid in; mask logits of a person out

RoIAlign is part of the box and mask networks (``with_pooling``).
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from par_core.models.openvino_library import openvino_library
from par_core.models.regions import Anchors, find_people, propose, sigmoid
from par_core.models.runtimes import Arrays, Compiled
from par_core.models.segmenter import Found, MaskProbabilities
from par_core.models.segmenter_input import Prepared
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.types import BoxesXYXY

__all__ = ["POOLED", "OpenVinoDetector", "examples", "with_pooling"]

#: Levels of the pyramid on which regions are pooled; strides 4 to 32.
POOLED: Final = 4
_STRIDES: Final = [4, 8, 16, 32]
_SAMPLES: Final = 2  # points a bin and direction, as in torchvision


class OpenVinoDetector:
    """Finds people in prepared images, one by one: on a CPU a batch is no faster.

    Args:
        features: The network of features.
        box: The network of boxes.
        mask: The network of masks.
        anchors: The anchors of the network.
        settings: Settings of the inference.
    """

    in_batches = False

    def __init__(
        self, features: Compiled, box: Compiled, mask: Compiled, anchors: Anchors, settings: SegmenterSettings
    ) -> None:
        self._features, self._box, self._mask = features, box, mask
        self._anchors, self._settings = anchors, settings

    def find(self, images: Sequence[Prepared]) -> list[Found]:
        """Return the people of images."""
        return [self._find(image) for image in images]

    def outline(self, image: Prepared, boxes: BoxesXYXY) -> MaskProbabilities:
        """Return the masks of people whose boxes are known, in pixels of the resized picture."""
        return self._masks(boxes, self._features(image.pixels[None])[:POOLED])

    def _find(self, image: Prepared) -> Found:
        outputs = self._features(image.pixels[None])
        n = len(outputs) // 3
        objectness, deltas = ([level[0] for level in outputs[i * n : (i + 1) * n]] for i in (1, 2))
        padded = (image.pixels.shape[1], image.pixels.shape[2])
        regions = propose(objectness, deltas, padded, image.resized, self._anchors, self._settings)
        if not len(regions):
            return Found(regions, np.zeros(0, np.float32), self._masks(regions, ()))
        logits, moves = self._box(regions, *outputs[:POOLED])
        boxes, scores = find_people(logits, moves, regions, image.resized, self._settings)
        return Found(boxes, scores, self._masks(boxes, outputs[:POOLED]))

    def _masks(self, boxes: BoxesXYXY, pyramid: Arrays) -> MaskProbabilities:
        if not len(boxes):
            return np.zeros((0, 28, 28), np.float32)
        (logits,) = self._mask(boxes, *pyramid)
        return sigmoid(logits)


def with_pooling(head: Any, channels: int, side: int) -> Any:
    """Return an OpenVINO model from boxes and pyramid to the outputs of a head, RoIAlign included.

    Args:
        head: OpenVINO model of one input (n, channels, side, side); changed in place.
        channels: Channels of the pyramid.
        side: Bins of a region in each direction.
    """
    ov = openvino_library()
    from openvino import opset13 as ops
    from openvino.utils.node_factory import NodeFactory

    boxes = ops.parameter([-1, 4], np.float32, name="boxes")
    levels = [ops.parameter([1, channels, -1, -1], np.float32, name=f"level{i}") for i in range(POOLED)]
    attributes = {
        "output_size": side,
        "sampling_ratio": _SAMPLES,
        "pyramid_scales": _STRIDES,
        "aligned": False,
    }
    # chooses the level of each box and aligns (He et al. 2017), exactly as torchvision does
    pooled = NodeFactory("opset6").create(
        "ExperimentalDetectronROIFeatureExtractor",
        [node.output(0) for node in (boxes, *levels)],
        attributes,
    )
    (entry,) = head.get_parameters()
    for target in entry.output(0).get_target_inputs():
        target.replace_source_output(pooled.output(0))
    return ov.Model(head.get_results(), [boxes, *levels], "pooled")


def examples(channels: int) -> tuple[Arrays, Arrays]:
    """Return typical inputs of the features, and of the box and mask networks, with fixed random values.

    Args:
        channels: Channels of the pyramid.
    """
    rng = np.random.default_rng(0)
    height, width = 256, 320
    picture = rng.standard_normal((1, 3, height, width), np.float32)
    levels = [rng.random((1, channels, height // s, width // s), np.float32) for s in _STRIDES]
    corners = rng.random((16, 2), np.float32) * np.array([width, height], np.float32) / 2
    boxes = np.concatenate([corners, corners + rng.random((16, 2), np.float32) * 100 + 8], axis=1)
    return (picture,), (boxes, *levels)
