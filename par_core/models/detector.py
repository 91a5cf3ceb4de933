"""Mask R-CNN on OpenVINO: three compiled networks, and NumPy between them.

    features   picture in; pyramid, objectness and box deltas of all levels out
    box        pooled regions in; logits and box deltas of each class out
    mask       pooled boxes in; mask logits of a person out

Everything between them has its channels last, so that the channels of a cell lie together.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped

from par_core.models.openvino_library import openvino_library
from par_core.models.pooling import STRIDES, pool_regions
from par_core.models.regions import Anchors, find_people, propose, sigmoid
from par_core.models.runtimes import AS_COMPUTED, Arrays, Compiled, OpenVinoNetwork
from par_core.models.segmenter import Found, MaskProbabilities
from par_core.models.segmenter_input import Prepared
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.types import BoxesXYXY

__all__ = ["BOX_BINS", "MASK_BINS", "OpenVinoDetector", "channels_last", "examples"]

#: Bins of a region in each direction, for the box and the mask network.
BOX_BINS: Final = 7
MASK_BINS: Final = 14

# OpenVINO prepares its layers for each number of regions that it meets, which takes as long as many regions
_REGIONS_A_STEP: Final = 16


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
        self,
        features: OpenVinoNetwork,
        box: Compiled,
        mask: Compiled,
        anchors: Anchors,
        settings: SegmenterSettings,
    ) -> None:
        self._features, self._box, self._mask = features, box, mask
        self._anchors, self._settings = anchors, settings

    def find(self, images: Sequence[Prepared]) -> list[Found]:
        """Return the people of images."""
        return [self._find(image) for image in images]

    def outline(self, image: Prepared, boxes: BoxesXYXY) -> MaskProbabilities:
        """Return the masks of people whose boxes are known, in pixels of the resized picture."""
        return self._masks(boxes, self._features.in_place(image.pixels[None]))

    def _find(self, image: Prepared) -> Found:
        outputs = self._features.in_place(image.pixels[None])
        n = len(outputs) // 3
        objectness, deltas = ([level[0] for level in outputs[i * n : (i + 1) * n]] for i in (1, 2))
        padded = (image.pixels.shape[1], image.pixels.shape[2])
        regions = propose(objectness, deltas, padded, image.resized, self._anchors, self._settings)
        if not len(regions):
            return Found(regions, np.zeros(0, np.float32), self._masks(regions, ()))
        pooled = pool_regions(regions, _pyramid(outputs), BOX_BINS, multiple=_REGIONS_A_STEP)
        logits, moves = (output[: len(regions)] for output in self._box(pooled))
        boxes, scores = find_people(logits, moves, regions, image.resized, self._settings)
        return Found(boxes, scores, self._masks(boxes, outputs))

    def _masks(self, boxes: BoxesXYXY, outputs: Arrays) -> MaskProbabilities:
        if not len(boxes):
            return np.zeros((0, 28, 28), np.float32)
        (logits,) = self._mask(pool_regions(boxes, _pyramid(outputs), MASK_BINS))
        return sigmoid(logits)


def _pyramid(outputs: Arrays) -> list[Shaped[np.ndarray, "_ _ c"]]:
    return [level[0] for level in outputs[: len(STRIDES)]]


def channels_last(features: Any) -> Any:
    """Return an OpenVINO model of features whose outputs have their channels last, and whose pyramid may stay
    in the precision in which it is computed.

    Args:
        features: Model whose outputs are (1, channels, h, w), the pyramid first; changed in place.
    """
    openvino_library()
    from openvino import opset13 as ops

    for number, result in enumerate(features.get_results()):
        last = ops.transpose(result.input_value(0), np.array([0, 2, 3, 1], np.int64))
        if number < len(STRIDES):
            last.output(0).set_names({f"{AS_COMPUTED}{number}"})
        result.input(0).replace_source_output(last.output(0))
    features.validate_nodes_and_infer_types()
    return features


def examples(channels: int) -> tuple[Arrays, Arrays, Arrays]:
    """Return typical inputs of the features, and of the box and mask networks, with fixed random values.

    Args:
        channels: Channels of the pyramid.
    """
    rng = np.random.default_rng(0)
    height, width = 256, 320
    picture = rng.standard_normal((1, 3, height, width), np.float32)
    levels = [rng.random((height // s, width // s, channels), np.float32) for s in STRIDES]
    corners = rng.random((16, 2), np.float32) * np.array([width, height], np.float32) / 2
    boxes = np.concatenate([corners, corners + rng.random((16, 2), np.float32) * 100 + 8], axis=1)
    box, mask = (pool_regions(boxes, levels, bins) for bins in (BOX_BINS, MASK_BINS))
    return (picture,), (box,), (mask,)
