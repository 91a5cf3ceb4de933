import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp

from par_core.archive.quality import glvn


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
