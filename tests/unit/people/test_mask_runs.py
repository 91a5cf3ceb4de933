"""Run-length codes: our decoder agrees with pycocotools, and damaged codes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from par_core.errors import BadInputError
from par_core.people.masks import crop_mask, decode_mask, encode_mask, mask_area
from par_core.types import MaskRLE

masks = hnp.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(masks)
def test_the_decoder_agrees_with_pycocotools(mask: np.ndarray) -> None:
    code = encode_mask(mask)
    reference = {"size": list(mask.shape), "counts": code.counts}
    np.testing.assert_array_equal(decode_mask(code), coco.decode(reference).astype(bool))
    assert mask_area(code) == coco.area(reference) == mask.sum()


@given(masks, st.data())
def test_a_crop_is_a_part_of_the_whole(mask: np.ndarray, data: st.DataObject) -> None:
    (top, bottom), (left, right) = (
        sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size)))) for size in mask.shape
    )
    np.testing.assert_array_equal(
        crop_mask(encode_mask(mask), left, top, right, bottom), mask[top:bottom, left:right]
    )


def test_runs_of_millions_of_pixels_survive() -> None:
    mask = np.zeros((3000, 2000), bool)
    mask[:, 700:1300] = mask[5, 3] = mask[2999, 1999] = True
    np.testing.assert_array_equal(decode_mask(encode_mask(mask)), mask)


@pytest.mark.parametrize("counts", [b"", b"zzz", b"\xff\xff", b"0" * 50, b"o" * 9, b"PPPPPPPPP1", b"P" * 30])
def test_damaged_codes_are_refused(counts: bytes) -> None:
    for look in (decode_mask, mask_area):
        with pytest.raises(BadInputError):
            look(MaskRLE(20, 30, counts))


@given(st.binary(max_size=30))
def test_any_bytes_are_a_mask_or_refused(counts: bytes) -> None:
    mask = MaskRLE(7, 9, counts)
    try:
        assert decode_mask(mask).sum() == mask_area(mask) == coco.area({"size": [7, 9], "counts": counts})
    except BadInputError:
        return


def test_a_crop_outside_the_image_is_refused() -> None:
    with pytest.raises(BadInputError, match="does not fit"):
        crop_mask(encode_mask(np.zeros((4, 5), bool)), 0, 0, 6, 4)
