"""RoIAlign on the levels of a feature pyramid (He et al., ICCV 2017, section 3), in NumPy.

The steps are those of torchvision's ``MultiScaleRoIAlign`` with two samples a bin and direction and
``aligned=False``. Bilinear samples are separable: the bins of a region are Y F Xᵗ, where F are the cells of
the pyramid under it, and the rows of Y and X are the means of the weights of the two samples of each bin. So
a region costs two products of small matrices.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from par_core.models.runtimes import widened
from par_core.types import BoxesXYXY

__all__ = ["STRIDES", "pool_regions"]

#: Pixels of the picture a cell, of the levels on which regions are pooled.
STRIDES: Final = (4, 8, 16, 32)

_OF_224: Final = np.float32(4)  # level of regions of 224 x 224 pixels (Lin et al., CVPR 2017, eq. 1)
_FIRST: Final = 2  # level of the first of STRIDES
_SAMPLES: Final = (np.float32(0.5), np.float32(1.5))  # their places in a bin, in halves of it
_HALF: Final = np.float32(0.5)


def pool_regions(
    boxes: BoxesXYXY, pyramid: Sequence[Shaped[np.ndarray, "_ _ c"]], bins: int, multiple: int = 1
) -> Float32[np.ndarray, "rows bins bins c"]:
    """Return the features of n regions, each from the level of the pyramid that fits its size.

    Args:
        boxes: (n, 4) in pixels of the network's input.
        pyramid: Levels (h, w, c) of the strides ``STRIDES``, contiguous, in fp32, or in bf16 as 16-bit
            integers.
        bins: Bins of a region in each direction.
        multiple: The result gets rows of zeros until their number is a multiple of this.
    """
    n, channels = len(boxes), pyramid[0].shape[2]
    pooled = np.empty((-(-n // multiple) * multiple, bins, bins, channels), np.float32)
    pooled[n:] = 0
    chosen = _levels(boxes)
    for number, (level, stride) in enumerate(zip(pyramid, STRIDES, strict=False)):
        inside = np.flatnonzero(chosen == number)
        if len(inside):
            _pool(boxes[inside] / np.float32(stride), level, bins, pooled, inside.tolist())
    return pooled


def _levels(boxes: BoxesXYXY) -> Int64[np.ndarray, " n"]:
    """The place in STRIDES of the level of each box: torchvision's LevelMapper."""
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    with np.errstate(divide="ignore"):
        levels = np.floor(_OF_224 + np.log2(sides / np.float32(224)) + np.float32(1e-6))
    return np.clip(levels - _FIRST, 0, len(STRIDES) - 1).astype(np.int64)


def _pool(
    boxes: BoxesXYXY, level: Shaped[np.ndarray, "_ _ c"], bins: int, pooled: np.ndarray, places: list[int]
) -> None:
    """Write the bins of boxes, in cells of a level, into places of the result."""
    height, width, channels = level.shape
    rows = level.reshape(height, width * channels)
    tops, n_rows, down = _weights(boxes[:, 1], boxes[:, 3], height, bins)
    lefts, n_columns, across = _weights(boxes[:, 0], boxes[:, 2], width, bins)
    for i, place in enumerate(places):
        top, left, n = tops[i], lefts[i], n_columns[i]
        under = rows[top : top + n_rows[i], left * channels : (left + n) * channels]
        if under.dtype == np.uint16:
            under = widened(under)
        lines = (down[i, :, : n_rows[i]] @ under).reshape(bins, n, channels)
        np.matmul(across[i, :, :n], lines, out=pooled[place])


def _weights(
    starts: Float32[np.ndarray, " n"], ends: Float32[np.ndarray, " n"], size: int, bins: int
) -> tuple[list[int], list[int], Float32[np.ndarray, "n bins cells"]]:
    """The weights of cells in the bins of intervals along one side of a level.

    Args:
        starts: First ends of the intervals, in cells.
        ends: Their other ends.
        size: Cells of the side.
        bins: Bins of an interval.

    Returns:
        The first cell and the number of cells under each interval, and the weights of these; those of samples
        more than a cell outside of the level are 0.
    """
    step = np.maximum(ends - starts, np.float32(1)) / np.float32(bins)
    begins = starts[:, None] + np.arange(bins, dtype=np.float32) * step[:, None]
    samples = np.stack([begins + (place * step / np.float32(2))[:, None] for place in _SAMPLES], axis=2)
    counted = ((samples >= -1) & (samples <= size)) * _HALF
    samples = np.clip(samples, np.float32(0), np.float32(size - 1))
    low = samples.astype(np.int64)
    high = np.minimum(low + 1, size - 1)
    part = samples - low.astype(np.float32)
    first, last = low.min(axis=(1, 2)), high.max(axis=(1, 2))
    weights = np.zeros((len(starts), bins, int((last - first).max()) + 1), np.float32)
    interval, bin_ = np.arange(len(starts))[:, None], np.arange(bins)
    for sample in range(len(_SAMPLES)):
        for cells, share in ((low, 1 - part), (high, part)):
            weights[interval, bin_, cells[..., sample] - first[:, None]] += (
                share[..., sample] * counted[..., sample]
            )
    return first.tolist(), (last + 1 - first).tolist(), weights
