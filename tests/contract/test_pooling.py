"""RoIAlign in NumPy against torchvision's, on boxes of all sizes, inside and outside of the picture."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torchvision.ops import MultiScaleRoIAlign

from par_core.models.pooling import STRIDES, pool_regions
from par_core.models.runtimes import widened
from par_core.types import BoxesXYXY

HEIGHT, WIDTH, CHANNELS = 256, 320, 6
RANDOM = np.random.default_rng(0)
PYRAMID = [
    RANDOM.standard_normal((HEIGHT // stride, WIDTH // stride, CHANNELS), np.float32) for stride in STRIDES
]
NEAR = 2e-5  # of values of about 1


def by_torchvision(boxes: BoxesXYXY, pyramid: list[np.ndarray], bins: int) -> np.ndarray:
    levels = OrderedDict(
        (str(number), torch.from_numpy(level.copy()).permute(2, 0, 1)[None])
        for number, level in enumerate(pyramid)
    )
    pool = MultiScaleRoIAlign(list(levels), bins, sampling_ratio=2)
    pooled: torch.Tensor = pool(levels, [torch.from_numpy(boxes)], [(HEIGHT, WIDTH)])
    return pooled.permute(0, 2, 3, 1).numpy()


def boxes_of(corners: list[tuple[float, float, float, float]]) -> BoxesXYXY:
    return np.array([(x, y, x + w, y + h) for x, y, w, h in corners], np.float32).reshape(-1, 4)


places = st.floats(-60, 400, width=32)
sides = st.one_of(st.floats(0, 8, width=32), st.floats(0, 500, width=32))


@settings(deadline=None)
@given(st.lists(st.tuples(places, places, sides, sides), min_size=1, max_size=8), st.sampled_from([1, 7, 14]))
@example([(0, 0, 0, 0), (WIDTH, HEIGHT, 0, 0), (10, 20, 0, 90)], 7)  # without an area
@example([(-900, -900, 5, 5), (2000, 3, 40, 40), (-50, 600, 500, 3)], 7)  # outside
@example([(0, 0, WIDTH, HEIGHT), (3, 3, 0.01, 0.01), (0, 0, WIDTH, 2)], 14)
def test_regions_are_pooled_as_by_torchvision(
    corners: list[tuple[float, float, float, float]], bins: int
) -> None:
    boxes = boxes_of(corners)
    assert np.abs(pool_regions(boxes, PYRAMID, bins) - by_torchvision(boxes, PYRAMID, bins)).max() < NEAR


@pytest.mark.parametrize("level", range(len(STRIDES)))
def test_each_level_is_read_and_no_other(level: int) -> None:
    side = 56 * 2.0 ** (level + 0.5)
    boxes = boxes_of([(8, 8, side, side), (40, 0, side * 2, side / 2)])
    only = [values if number == level else values * 0 for number, values in enumerate(PYRAMID)]
    pooled = pool_regions(boxes, only, 7)
    assert np.abs(pooled - by_torchvision(boxes, PYRAMID, 7)).max() < NEAR
    assert pooled.any()


def test_levels_in_bf16_are_read_as_the_numbers_that_they_stand_for() -> None:
    bits = [(level.view(np.uint32) >> 16).astype(np.uint16) for level in PYRAMID]
    boxes = boxes_of([(5, 5, 60, 90), (100, 30, 200, 220), (30, 60, 12, 20)])
    assert np.array_equal(pool_regions(boxes, bits, 7), pool_regions(boxes, [*map(widened, bits)], 7))


def test_rows_of_zeros_fill_up_a_multiple() -> None:
    boxes = boxes_of([(5, 5, 60, 90)] * 5)
    pooled = pool_regions(boxes, PYRAMID, 7, multiple=4)
    assert pooled.shape == (8, 7, 7, CHANNELS)
    assert np.array_equal(pooled[:5], pool_regions(boxes, PYRAMID, 7))
    assert not pooled[5:].any()
    assert pool_regions(boxes[:0], PYRAMID, 7, multiple=4).shape == (0, 7, 7, CHANNELS)
