"""The pictures that Mask R-CNN sees: resized, normalised and padded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from torch import Tensor, nn

from par_core.types import ImageU8

__all__ = ["Prepared", "SegmenterSettings", "prepare"]

_STRIDE: Final = 32  # images are padded to multiples of this


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """Settings of the original paper's inference (He et al. 2017, section 3.1), where they decide the result.

    Attributes:
        min_side: Pixels of the shorter side of a resized image...
        max_side: ...unless the longer side would then have more pixels than this...
        max_height: ...or the height more than this: no person is higher than the picture, and the largest
            anchor must fit the highest person.
        min_score: Lowest score of a person.
        proposals: Largest number of regions that go from the RPN to the box head...
        min_objectness: ...among those with at least this objectness: a picture of few people has few, and
            costs less.
        nms_iou: Overlap (IoU) above which the weaker of two boxes is dropped.
        max_people: Largest number of people in one image.
        smooth: Whether images are shrunk with a filter against aliasing; torchvision's published weights were
            trained without.
    """

    min_side: int
    max_side: int
    min_score: float
    proposals: int = 300
    min_objectness: float = 0.0
    nms_iou: float = 0.5
    max_people: int = 200
    max_height: int | None = None
    smooth: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image as the network sees it.

    Attributes:
        pixels: (3, h, w), normalised, padded with zeros to multiples of 32.
        resized: Height and width of the picture in it.
        whole: Height and width of the image.
    """

    pixels: Tensor
    resized: tuple[int, int]
    whole: tuple[int, int]

    @property
    def scale(self) -> Tensor:
        """Factors (4,) of boxes from pixels of the resized picture to those of the image."""
        down, across = (whole / resized for whole, resized in zip(self.whole, self.resized, strict=True))
        return torch.tensor([across, down] * 2)


def prepare(
    image: ImageU8, settings: SegmenterSettings, mean: Sequence[float], std: Sequence[float]
) -> Prepared:
    """Resize, normalise and pad an image.

    Args:
        image: The upright image.
        settings: Settings of the inference.
        mean: Mean of each channel, of pixels in [0, 1].
        std: Standard deviation of each channel.
    """
    height, width = image.shape[:2]
    scale = min(settings.min_side / min(height, width), settings.max_side / max(height, width))
    if settings.max_height is not None:
        scale = min(scale, settings.max_height / height)
    picture = torch.from_numpy(np.require(image, requirements=["C", "W"])).permute(2, 0, 1)
    if settings.smooth:
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        shrunk = F.resize(
            picture, [rows, columns], interpolation=F.InterpolationMode.BILINEAR, antialias=True
        )
        resized = _normalised(shrunk, mean, std)
    else:
        rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
        resized = nn.functional.interpolate(
            _normalised(picture, mean, std)[None], size=(rows, columns), mode="bilinear"
        )[0]
    padded_rows, padded_columns = (-(-side // _STRIDE) * _STRIDE for side in (rows, columns))
    canvas = torch.zeros(3, padded_rows, padded_columns)
    canvas[:, :rows, :columns] = resized
    return Prepared(canvas, (rows, columns), (height, width))


def _normalised(picture: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    return (picture.float() / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
