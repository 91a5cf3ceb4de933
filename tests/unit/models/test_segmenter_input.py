"""The sizes of the pictures that Mask R-CNN sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.models.segmenter_input import prepare
from par_core.models.segmenter_settings import COMPACT_SETTINGS, PUBLISHED_SETTINGS

SIDES = st.integers(20, 2_000)


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("size", "resized", "padded"),
    [
        ((375, 500), (640, 832), (640, 832)),  # 640 x 853 before it is stretched
        ((500, 375), (768, 576), (768, 576)),  # no higher than 800
        ((1080, 1920), (512, 896), (512, 896)),
        ((640, 640), (640, 640), (640, 640)),
        ((100, 1_000), (90, 896), (128, 896)),  # 64 and 128 are too far away from 90
        ((1_000, 20), (768, 16), (768, 64)),
    ],
)
def test_pictures_fill_inputs_of_few_sizes(
    size: tuple[int, int], resized: tuple[int, int], padded: tuple[int, int]
) -> None:
    prepared = prepare(grey(*size), COMPACT_SETTINGS)
    assert (prepared.resized, prepared.pixels.shape[1:], prepared.whole) == (resized, padded, size)


@given(height=SIDES, width=SIDES)
def test_no_side_is_stretched_by_more_than_a_tenth(height: int, width: int) -> None:
    settings = COMPACT_SETTINGS
    prepared = prepare(grey(height, width), settings)
    scale = min(settings.min_side / min(height, width), settings.max_side / max(height, width), 800 / height)
    for side, before in zip(prepared.resized, (height * scale, width * scale), strict=True):
        assert abs(side - before) <= max(0.1 * before, 1)
    assert all(side % 64 == 0 for side in prepared.pixels.shape[1:])
    assert max(prepared.resized) <= settings.max_side
    assert np.allclose(prepared.scale, np.array([width, height] * 2) / np.array(prepared.resized[::-1] * 2))


@given(height=SIDES, width=SIDES)
def test_padding_is_zero_and_the_picture_is_not(height: int, width: int) -> None:
    prepared = prepare(grey(height, width), COMPACT_SETTINGS)
    rows, columns = prepared.resized
    assert (prepared.pixels[:, :rows, :columns] > 0.99).all()
    assert not prepared.pixels[:, rows:].any()
    assert not prepared.pixels[:, :, columns:].any()


def test_published_weights_see_pictures_as_torchvision_pads_them() -> None:
    prepared = prepare(grey(375, 500), PUBLISHED_SETTINGS)
    assert (prepared.resized, prepared.pixels.shape[1:]) == ((800, 1_066), (800, 1_088))
