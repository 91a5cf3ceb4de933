"""The pictures that Mask R-CNN sees: resized, normalised and padded."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32

from par_core.models.resizing import resize
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.types import ImageU8

__all__ = ["Prepared", "prepare"]

_STRIDE: Final = 32  # images are padded to multiples of this


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image as the network sees it.

    Attributes:
        pixels: (3, h, w), normalised, padded with zeros to multiples of 32.
        resized: Height and width of the picture in it.
        whole: Height and width of the image.
    """

    pixels: Float32[np.ndarray, "3 _ _"]
    resized: tuple[int, int]
    whole: tuple[int, int]

    @property
    def scale(self) -> Float32[np.ndarray, "4"]:
        """Factors of boxes from pixels of the resized picture to those of the image."""
        down, across = (whole / resized for whole, resized in zip(self.whole, self.resized, strict=True))
        return np.array([across, down] * 2, np.float32)


def prepare(image: ImageU8, settings: SegmenterSettings) -> Prepared:
    """Resize, normalise and pad an image.

    Args:
        image: The upright image.
        settings: Settings of the inference.
    """
    height, width = image.shape[:2]
    scale = min(settings.min_side / min(height, width), settings.max_side / max(height, width))
    if settings.max_height is not None:
        scale = min(scale, settings.max_height / height)
    if settings.smooth:
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        planes = _normalised(resize(image, rows, columns), settings)
    else:
        rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
        planes = [
            cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_LINEAR)
            for plane in _normalised(image, settings)
        ]
    padded_rows, padded_columns = (-(-side // _STRIDE) * _STRIDE for side in (rows, columns))
    canvas = np.zeros((3, padded_rows, padded_columns), np.float32)
    for channel, plane in enumerate(planes):
        canvas[channel, :rows, :columns] = plane
    return Prepared(canvas, (rows, columns), (height, width))


def _normalised(picture: ImageU8, settings: SegmenterSettings) -> list[Float32[np.ndarray, "_ _"]]:
    """The normalised channels of a picture, by a table of the 256 values of each."""
    values = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    table = (values - np.array(settings.mean, np.float32)) / np.array(settings.std, np.float32)
    return [table[:, channel][picture[..., channel]] for channel in range(3)]
