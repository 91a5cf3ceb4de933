"""The pictures that Mask R-CNN sees: resized, normalised and padded."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from par_core.models.resizing import resize
from par_core.models.segmenter_settings import SegmenterSettings
from par_core.types import ImageU8

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image as the network sees it.

    Attributes:
        pixels: (3, h, w), normalised; padded with zeros where the picture does not fill it.
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
        highest = min(settings.max_side, settings.max_height or settings.max_side)
        rows = _side(height * scale, highest, settings)
        columns = _side(width * scale, settings.max_side, settings)
        canvas = _canvas(rows, columns, settings.multiple)
        _normalise(resize(image, rows, columns), settings, canvas[:, :rows, :columns])
    else:
        rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
        canvas, planes = _canvas(rows, columns, settings.multiple), np.empty((3, height, width), np.float32)
        _normalise(image, settings, planes)
        for plane, into in zip(planes, canvas[:, :rows, :columns], strict=True):
            into[...] = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return Prepared(canvas, (rows, columns), (height, width))


def _side(length: float, most: int, settings: SegmenterSettings) -> int:
    """Pixels of a side of a resized picture: the nearest multiple that is not above ``most``, or the length
    itself where that is too far away.
    """
    nearest = settings.multiple * min(round(length / settings.multiple), most // settings.multiple)
    near = abs(nearest - length) <= settings.stretch * length
    return nearest if near and nearest else max(1, round(length))


def _canvas(rows: int, columns: int, multiple: int) -> Float32[np.ndarray, "3 _ _"]:
    """Room for a picture of a size, zero where it is padded to multiples of some pixels."""
    canvas = np.empty((3, *(-(-side // multiple) * multiple for side in (rows, columns))), np.float32)
    canvas[:, rows:], canvas[:, :, columns:] = 0, 0
    return canvas


def _normalise(picture: ImageU8, settings: SegmenterSettings, into: Float32[np.ndarray, "3 _ _"]) -> None:
    """Write the normalised channels of a picture, by a table of the 256 values of each."""
    values = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    tables = ((values - np.array(settings.mean, np.float32)) / np.array(settings.std, np.float32)).T.copy()
    for channel, table, plane in zip(cv2.split(picture), tables, into, strict=True):
        cv2.LUT(channel, table, dst=plane)
