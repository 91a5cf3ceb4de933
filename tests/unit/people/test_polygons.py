"""Polygons of masks give the same pixels again, by each of the two usual ways to fill a polygon."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from par_core.people.masks import encode_mask
from par_core.people.polygons import mask_polygons
from par_core.types import Mask


def by_pycocotools(polygons: list[list[float]], shape: tuple[int, int]) -> Mask:
    filled: Mask = coco.decode(coco.merge(coco.frPyObjects(polygons, *shape))).astype(bool)
    return filled


def by_fill_poly(polygons: list[list[float]], shape: tuple[int, int]) -> Mask:
    filled = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(filled, [np.array(polygon).reshape(-1, 2).astype(np.int32)], 1)
    return filled.astype(bool)


def without_holes(mask: Mask) -> Mask:
    """Everything that the background around the picture cannot reach by steps to a neighbour."""
    padded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), 2)
    return padded[1:-1, 1:-1] != 2


@pytest.mark.parametrize("fill", [by_pycocotools, by_fill_poly])
@given(st.integers(0, 10_000), st.integers(1, 24), st.integers(1, 24), st.floats(0.1, 0.9))
def test_any_mask_without_holes_comes_back(
    fill: object, seed: int, height: int, width: int, share: float
) -> None:
    mask = without_holes(np.random.default_rng(seed).random((height, width)) < share)
    polygons = mask_polygons(encode_mask(mask))
    assert all(len(polygon) >= 8 for polygon in polygons)
    if mask.any():
        assert (fill(polygons, (height, width)) == mask).all()  # type: ignore[operator]
    else:
        assert polygons == []


def test_a_pixel_a_line_and_a_corner_to_corner_step_are_kept() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1, 1] = mask[3, 2:7] = mask[5:9, 8] = mask[6, 3] = mask[7, 4] = True
    polygons = mask_polygons(encode_mask(mask))
    assert (by_pycocotools(polygons, mask.shape) == mask).all()
    assert (by_fill_poly(polygons, mask.shape) == mask).all()


def test_holes_are_filled() -> None:
    mask = np.ones((7, 7), bool)
    mask[2:5, 2:5] = False
    assert by_pycocotools(mask_polygons(encode_mask(mask)), mask.shape).all()
