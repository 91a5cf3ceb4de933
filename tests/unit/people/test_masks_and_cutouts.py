import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from par_core.config import CutoutConfig
from par_core.errors import BadInputError
from par_core.people.cutout import FILL, crop_box, cut_out, dilate_mask, paint_background
from par_core.people.geometry import clip_boxes, whole_pixels
from par_core.people.masks import decode_mask, encode_mask, encode_mask_in_box, mask_area, mask_boxes
from par_core.types import MaskRLE

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))
coordinates = st.floats(-50, 150, width=32)
boxes = st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=6).map(
    lambda rows: np.array(rows, np.float32).reshape(-1, 4)
)


@given(masks)
def test_run_length_round_trip(mask: np.ndarray) -> None:
    encoded = encode_mask(mask)
    assert np.array_equal(decode_mask(encoded), mask)
    assert mask_area(encoded) == mask.sum()


@given(masks, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_encoding_inside_a_box_equals_encoding_the_whole_frame(
    inside: np.ndarray, left: int, top: int, right: int, bottom: int
) -> None:
    rows, columns = inside.shape
    frame = np.zeros((top + rows + bottom, left + columns + right), bool)
    frame[top : top + rows, left : left + columns] = inside
    assert encode_mask_in_box(inside, left, top, *frame.shape) == encode_mask(frame)


def test_a_box_that_leaves_the_image_is_refused() -> None:
    with pytest.raises(BadInputError, match="does not fit"):
        encode_mask_in_box(np.ones((3, 3), bool), 8, 0, 10, 10)


@given(masks)
def test_box_of_a_mask_is_tight(mask: np.ndarray) -> None:
    (box,) = mask_boxes([encode_mask(mask)])
    if mask.any():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@given(boxes)
def test_clipped_boxes_are_inside_and_clipping_twice_changes_nothing(given_boxes: np.ndarray) -> None:
    once = clip_boxes(given_boxes, width=100, height=80)
    assert once.shape == given_boxes.shape
    assert (once >= 0).all()
    assert (once <= [100, 80, 100, 80]).all()
    assert np.array_equal(clip_boxes(once, width=100, height=80), once)


def test_boxes_that_are_not_finite_are_refused() -> None:
    with pytest.raises(BadInputError, match="row 1"):
        clip_boxes(np.array([[0, 0, 1, 1], [0, np.nan, 1, 1]], np.float32), width=5, height=5)


@given(st.tuples(coordinates, coordinates, coordinates, coordinates))
def test_whole_pixels_are_at_least_one_and_inside(box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = whole_pixels(np.array(box, np.float32), width=100, height=80)
    assert 0 <= left < right <= 100
    assert 0 <= top < bottom <= 80


IMAGE = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
BOX = np.array([30, 20, 60, 100], np.float32)


def person() -> MaskRLE:
    mask = np.zeros(IMAGE.shape[:2], bool)
    mask[25:95, 38:52] = True
    return encode_mask(mask)


def test_keep_shows_the_image_as_it_is() -> None:
    left, top, right, bottom = crop_box(BOX, 0.05, 2.0, width=90, height=120)
    assert np.array_equal(
        cut_out(IMAGE, BOX, person(), CutoutConfig(background="keep"), 2.0), IMAGE[top:bottom, left:right]
    )


@pytest.mark.parametrize("background", ["eliminate", "blur"])
@pytest.mark.parametrize("dilate", [0.0, 0.05])
def test_the_person_is_untouched_and_the_background_is_not(background: str, dilate: float) -> None:
    config = CutoutConfig(background=background, dilate=dilate)
    left, top, right, bottom = crop_box(BOX, config.margin, 2.0, width=90, height=120)
    shown, original = cut_out(IMAGE, BOX, person(), config, 2.0), IMAGE[top:bottom, left:right]
    inside = dilate_mask(decode_mask(person())[top:bottom, left:right], round(dilate * 80))
    assert np.array_equal(shown[inside], original[inside])
    changed = (shown != original).any(axis=2)
    assert changed[~inside].mean() > 0.9
    if background == "eliminate":
        assert len(np.unique(shown[~inside], axis=0)) == 1


def test_the_background_takes_the_colour_that_is_asked_for() -> None:
    crop = np.zeros((10, 10, 3), np.uint8)
    crop[:, :5], crop[:, 5:] = (200, 0, 0), (0, 0, 100)
    inside = np.zeros((10, 10), bool)
    inside[:, :5] = True
    for fill, colour in (("crop", (100, 0, 50)), ("background", (0, 0, 100)), ("grey", (127, 127, 127))):
        painted = paint_background(crop, inside, blur=False, fill=fill)
        assert (painted[:, 5:] == colour).all()
        assert (painted[:, :5] == (200, 0, 0)).all()
    assert np.array_equal(
        paint_background(crop, inside, blur=False), paint_background(crop, inside, blur=False, fill=FILL)
    )
    everything = np.ones((10, 10), bool)
    assert np.array_equal(paint_background(crop, everything, blur=False, fill="background"), crop)


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_a_box_in_the_middle_of_a_large_image_gets_the_wanted_aspect(aspect: float) -> None:
    left, top, right, bottom = crop_box(
        np.array([480, 400, 520, 500], np.float32), 0.05, aspect, width=1000, height=1000
    )
    assert abs((bottom - top) - aspect * (right - left)) <= 2
    assert left <= 480
    assert right >= 520


@given(masks, st.integers(0, 6))
def test_dilation_only_adds_and_adds_what_is_within_the_radius(mask: np.ndarray, radius: int) -> None:
    wider = dilate_mask(mask, radius)
    assert (wider >= mask).all()
    y, x = np.nonzero(wider)
    here = np.argwhere(mask)
    if radius and len(here):
        nearest = np.array([np.sqrt(((here - [a, b]) ** 2).sum(1)).min() for a, b in zip(y, x, strict=True)])
        assert (nearest <= radius + 1e-6).all()
    if not radius:
        assert np.array_equal(wider, mask)


def test_a_person_of_one_pixel_can_be_cut_out() -> None:
    one = np.zeros((1, 1, 3), np.uint8)
    assert cut_out(
        one, np.array([0, 0, 1, 1], np.float32), encode_mask(np.ones((1, 1), bool)), CutoutConfig(), 2.0
    ).shape == (1, 1, 3)
