"""Pictures of more than 8 bits are neither black nor white, whatever part of their numbers they use."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from par_core.archive import decode
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from tests.tiffs import tiff_of

LIMITS = ArchiveConfig()
RAMP = np.tile(np.linspace(0, 255, 256), (64, 1)).round()
PICTURE = np.where(np.indices(RAMP.shape).sum(0) % 3 == 0, RAMP[:, ::-1], RAMP)


def content_of(values: np.ndarray, form: str = "TIFF", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, form, **options)
    return buffer.getvalue()


def assert_same(content: bytes, within: float = 1.5, wanted: np.ndarray = PICTURE) -> None:
    pixels = decode(content, LIMITS).pixels.astype(float)
    assert np.ptp(pixels, axis=2).max() == 0
    assert np.abs(pixels[..., 0] - wanted).max() <= within


@pytest.mark.parametrize(
    "values",
    [
        (PICTURE * 257).astype(np.uint16),
        (PICTURE * 16).astype(np.uint16),
        (PICTURE * 4).astype(np.uint16),
        PICTURE.astype(np.uint16),
        PICTURE.astype(np.int32),
        (PICTURE * 257).astype(np.int32),
        (PICTURE * 2**15).astype(np.int32),
        (PICTURE / 255).astype(np.float32),
        (PICTURE / 250).astype(np.float32),
        PICTURE.astype(np.float32),
        (PICTURE * 257).astype(np.float32),
        (PICTURE / 50).astype(np.float32),
        (PICTURE / 25500).astype(np.float32),
        (PICTURE - 128).astype(np.float32),
        (PICTURE * 100 - 12_800).astype(np.int32),
    ],
    ids=str,
)
def test_grey_values_of_any_range(values: np.ndarray) -> None:
    assert_same(content_of(values), 3)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_fewer_bits_in_a_png_of_sixteen(bits: int) -> None:
    values = (PICTURE / 255 * (2**bits - 1)).round().astype(np.uint16)
    assert_same(content_of(values, "PNG"))
    colours = np.stack([values] * 3, axis=2)
    done, encoded = cv2.imencode(".png", colours)
    assert done
    assert_same(encoded.tobytes())


def test_a_dark_picture_of_eight_bits_stays_dark() -> None:
    dark = (PICTURE / 10).round()
    assert_same(content_of(np.stack([dark.astype(np.uint8)] * 3, axis=2), "PNG"), 0, dark)


def test_defective_pixels_do_not_decide_the_range() -> None:
    values = np.tile((PICTURE / 255).astype(np.float32), (4, 4))
    values[5, 5], values[7, 9], values[8, 8] = np.inf, np.nan, 1e9
    pixels = decode(content_of(values), LIMITS).pixels[..., 0].astype(float)
    assert np.median(np.abs(pixels - np.tile(PICTURE, (4, 4)))) <= 1


def test_the_range_that_a_tiff_names_is_used() -> None:
    values = (PICTURE * 4).astype(np.uint16)
    named = content_of(values, tiffinfo={340: 0, 341: 65535})
    assert_same(named, 1, (PICTURE * 4 / 257).round())
    assert_same(content_of((PICTURE / 255).astype(np.float32), tiffinfo={340: 0.0, 341: 2.0}), 1, PICTURE / 2)


def test_white_is_zero_is_no_negative() -> None:
    inverted = (65535 - PICTURE * 257).astype(np.uint16)
    assert_same(content_of(inverted, tiffinfo={262: 0}))
    eight = Image.fromarray((255 - PICTURE).astype(np.uint8))
    buffer = io.BytesIO()
    eight.save(buffer, "TIFF", tiffinfo={262: 0})
    with Image.open(io.BytesIO(buffer.getvalue())) as written:
        assert_same(buffer.getvalue(), 1, np.asarray(written).astype(float))


@pytest.mark.parametrize("value", [0, 1, 700, 65535])
def test_one_value_throughout_is_a_picture(value: int) -> None:
    pixels = decode(content_of(np.full((8, 8), value, np.uint16)), LIMITS).pixels
    assert pixels.shape == (8, 8, 3)
    assert np.ptp(pixels) == 0


def colours_of(kind: str) -> np.ndarray:
    """Red rises to the right, green falls, blue is flat."""
    red, blue = RAMP[:, ::4], np.full((64, 64), 128.0)
    colours = np.stack([red, 255 - red, blue], axis=2)
    return {
        "real": (colours / 255).astype(np.float32),
        "double": colours / 255,
        "signed": (colours * 128).astype(np.int16),
        "32 bits": (colours * 16_843_009).astype(np.uint32),
        "12 in 16": (colours * 16).astype(np.uint16),
    }[kind]


@pytest.mark.parametrize("kind", ["real", "double", "signed", "32 bits", "12 in 16"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_deep_colours_of_any_type_are_read_and_turned_once(kind: str, orientation: int) -> None:
    upright = {1: lambda a: a, 3: lambda a: a[::-1, ::-1], 6: lambda a: np.rot90(a, -1)}[orientation]
    wanted = upright(colours_of("double") * 255)
    pixels = decode(tiff_of(colours_of(kind), orientation), LIMITS).pixels
    assert np.abs(pixels - wanted).max() <= 3


def test_grey_of_double_numbers_is_read() -> None:
    assert_same(tiff_of(PICTURE / 255))


def test_the_limit_of_pixels_holds_for_numbers_that_pillow_does_not_read() -> None:
    with pytest.raises(UnreadableImageError, match="max_pixels"):
        decode(tiff_of(PICTURE / 255), ArchiveConfig(max_pixels=1_000))


@pytest.mark.parametrize("cut", [20, 2_000])
def test_numbers_that_end_too_early_are_damaged(cut: int) -> None:
    with pytest.raises(UnreadableImageError):
        decode(tiff_of(PICTURE / 255)[:-cut], LIMITS)


@pytest.mark.parametrize("form", [".png", ".tiff", ".jp2"])
def test_twelve_bits_of_colours_beside_transparency(form: str) -> None:
    colours = colours_of("12 in 16")
    if form != ".jp2":
        opaque = np.full(colours.shape[:2], 65_535 if form == ".png" else 4_095, np.uint16)
        colours = np.dstack([colours[..., ::-1], opaque])
    else:
        colours = np.ascontiguousarray(colours[..., ::-1])
    done, encoded = cv2.imencode(form, colours)
    assert done
    assert np.abs(decode(encoded.tobytes(), LIMITS).pixels - colours_of("double") * 255).max() <= 4
