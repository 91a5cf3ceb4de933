import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from par_core.archive.quality import glvn, sharpness
from tests.pictures import photograph


@given(hnp.arrays(np.uint8, (7, 5, 3)))
def test_glvn_is_variance_over_mean_of_grey(image: np.ndarray) -> None:
    grey = (image @ np.array([0.299, 0.587, 0.114])).round()
    wanted = grey.var() / grey.mean() if grey.mean() else 0.0
    assert abs(glvn(image) - wanted) <= 0.02 * wanted + 1


def test_a_plain_picture_has_none_and_contrast_has_more() -> None:
    plain, striped = np.full((20, 20, 3), 90, np.uint8), np.full((20, 20, 3), 90, np.uint8)
    striped[::2] = 200
    assert glvn(plain) == 0
    assert glvn(np.zeros((4, 4, 3), np.uint8)) == 0
    assert glvn(striped) > 10


def test_blur_takes_sharpness_away_and_contrast_does_not() -> None:
    picture = photograph(height=150, width=80)
    blurred, pale = cv2.GaussianBlur(picture, (0, 0), 3), (picture // 2 + 60).astype(np.uint8)
    assert sharpness(blurred) < sharpness(picture) / 4
    assert sharpness(pale) == pytest.approx(sharpness(picture), rel=0.1)
    assert sharpness(np.full((20, 20, 3), 90, np.uint8)) == 0


def test_sharpness_is_of_the_picture_at_the_height_that_is_looked_at() -> None:
    """What only a closer look shows does not count."""
    picture = photograph(height=150, width=80)
    larger = cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    assert sharpness(larger) == pytest.approx(sharpness(cv2.resize(picture, (85, 160))), rel=0.25)
    assert sharpness(np.repeat(np.arange(200, dtype=np.uint8), 3).reshape(200, 1, 3)) >= 0


def test_sharpness_is_the_variance_of_the_laplacian_over_that_of_grey() -> None:
    grey = np.zeros((5, 5), np.uint8)
    grey[2, 2] = 200
    laplacian = np.zeros((5, 5))
    laplacian[2, 2], laplacian[[1, 3, 2, 2], [2, 2, 1, 3]] = -800, 200
    wanted = laplacian.var() / grey.var()
    assert sharpness(np.repeat(grey[..., None], 3, axis=2)) == pytest.approx(wanted, rel=1e-5)
