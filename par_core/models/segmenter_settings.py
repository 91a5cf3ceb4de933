"""Settings of Mask R-CNN's inference, for each kind of weights. Imports no library."""

from dataclasses import dataclass
from typing import Final

__all__ = ["COMPACT_SETTINGS", "PUBLISHED_SETTINGS", "SegmenterSettings"]

_Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """Settings of the original paper's inference (He et al. 2017, section 3.1), where they decide the result.

    Attributes:
        min_side: Pixels of the shorter side of a resized image...
        max_side: ...unless the longer side would then have more pixels than this...
        max_height: ...or the height more than this: no person is higher than the picture, and the largest
            anchor must fit the highest person.
        multiple: The network's inputs have sides of multiples of this many pixels...
        stretch: ...to which each side of a picture is stretched where that changes it by at most this share;
            elsewhere, and with 0, the input is padded. A runtime prepares its layers for each size that it
            meets, so that few sizes save time and memory.
        min_score: Lowest score of a person.
        proposals: Largest number of regions that go from the RPN to the box head...
        min_objectness: ...among those with at least this objectness: a picture of few people has few, and
            costs less.
        nms_iou: Overlap (IoU) above which the weaker of two boxes is dropped.
        max_people: Largest number of people in one image.
        smooth: Whether images are shrunk with a filter against aliasing; torchvision's published weights were
            trained without.
        mean: Mean of each channel, of pixels in [0, 1].
        std: Standard deviation of each channel.
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
    multiple: int = 32
    stretch: float = 0.0
    # EfficientNet-Lite takes 8-bit pixels as (x - 127) / 128, as in TensorFlow's models
    mean: _Triple = (127 / 255,) * 3
    std: _Triple = (128 / 255,) * 3


#: Settings of the shipped weights; the thresholds were chosen on photographs held out from training, where
# pictures were stretched by up to a tenth, too.
COMPACT_SETTINGS: Final = SegmenterSettings(
    min_side=640,
    max_side=896,
    max_height=800,
    multiple=64,
    stretch=0.1,
    min_score=0.8,
    min_objectness=0.3,
)

#: Settings of torchvision's published weights: its own pipeline exactly, except for the threshold.
PUBLISHED_SETTINGS: Final = SegmenterSettings(
    min_side=800,
    max_side=1333,
    min_score=0.5,
    proposals=1000,
    smooth=False,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
