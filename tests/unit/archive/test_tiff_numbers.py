"""TIFFs of any kind of number, however it is stored, show the same picture; others name their kind."""

import io

import numpy as np
import pytest
import tifffile

from par_core.archive import decode
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status
from tests.tiffs import stored_tiff
from tests.tiffs import tiff_of as plain_tiff_of

LIMITS = ArchiveConfig()
RED = np.tile(np.linspace(0, 255, 256), (48, 1)).round()
COLOURS = np.stack([RED, RED[:, ::-1], np.where(np.indices(RED.shape).sum(0) % 3 == 0, RED, 128)], axis=2)
SCALES = {
    np.dtype(np.float16): 1 / 255,
    np.dtype(np.float32): 1 / 255,
    np.dtype(np.float64): 1 / 255,
    np.dtype(np.uint16): 257,
    np.dtype(np.int16): 128,
    np.dtype(np.uint32): 2**24,
    np.dtype(np.uint64): 2**50,
}
LAYOUTS = {
    "rows": {},
    "tiles": {"tile": (32, 48)},
    "planes": {"planarconfig": "separate"},
    "planes of tiles": {"planarconfig": "separate", "tile": (32, 48)},
    "deflate": {"compression": "zlib"},
    "strips": {"rowsperstrip": 7, "compression": "lzma"},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
}


def tiff_of(values: np.ndarray, **options: object) -> bytes:
    """A TIFF of grey (h, w), colours (h, w, channels), or their planes."""
    file = io.BytesIO()
    if options.get("planarconfig") == "separate":
        values = np.moveaxis(values, 2, 0)
    kind = "rgb" if values.ndim == 3 else "minisblack"
    tifffile.imwrite(file, values, **{"photometric": kind, **options})  # type: ignore[arg-type]
    return file.getvalue()


def assert_shows(content: bytes, wanted: np.ndarray, within: float = 1) -> None:
    wanted = wanted if wanted.ndim == 3 else np.dstack([wanted] * 3)
    decoded = decode(content, LIMITS)
    assert decoded.format == "TIFF"
    assert decoded.pixels.shape == wanted.shape
    assert np.abs(decoded.pixels.astype(float) - wanted).max() <= within


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", SCALES, ids=str)
def test_colours_of_any_number_in_any_layout(dtype: np.dtype, layout: str) -> None:
    values = (COLOURS * SCALES[dtype]).astype(dtype)
    assert_shows(tiff_of(values, **LAYOUTS[layout]), COLOURS)


@pytest.mark.parametrize("dtype", SCALES, ids=str)
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_grey_of_any_number(dtype: np.dtype, white_is_zero: bool) -> None:
    values = (RED * SCALES[dtype]).astype(dtype)
    photometric = "miniswhite" if white_is_zero else "minisblack"
    assert_shows(tiff_of(values, photometric=photometric), 255 - RED if white_is_zero else RED)


@pytest.mark.parametrize("low", [-128, 0])
def test_signed_bytes(low: int) -> None:
    values = (RED + low if low else RED // 2).astype(np.int8)
    assert_shows(tiff_of(values), RED, 2)


def test_numbers_of_32_bits_without_a_format_are_unsigned() -> None:
    content = tiff_of((RED * 2**24).astype(np.uint32))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        assert 339 not in file.pages[0].tags
    assert_shows(content, RED)


def with_real_differences(values: np.ndarray) -> np.ndarray:
    """Bytes of numbers of shape (h, w, channels) as predictor 3 stores them."""
    height, width, channels = values.shape
    bytes_of_numbers = values.astype(values.dtype.newbyteorder(">")).view(np.uint8)
    apart = bytes_of_numbers.reshape(height, width * channels, -1).swapaxes(1, 2).reshape(height, -1)
    differences = apart.copy()
    differences[:, channels:] -= apart[:, :-channels]
    return differences


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_differences_of_real_numbers_are_undone(dtype: type, order: str) -> None:
    stored = with_real_differences((COLOURS / 255).astype(dtype))
    bits = 8 * np.dtype(dtype).itemsize
    assert_shows(stored_tiff(stored.tobytes(), 256, 48, 3, bits, 3, {317: 3}, order), COLOURS)


@pytest.mark.parametrize("order", ["<", ">"])
def test_differences_of_whole_numbers_are_undone(order: str) -> None:
    values = (COLOURS * 2**24).astype(np.uint32)
    stored = values.copy()
    stored[:, 1:] -= values[:, :-1]
    assert_shows(plain_tiff_of(stored, 1, {317: 2}, order), COLOURS)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("values", [RED, COLOURS], ids=["grey", "colours"])
def test_packed_bits(bits: int, values: np.ndarray) -> None:
    values = values[:, :251]  # rows that end within a byte
    whole = (values / 255 * (2**bits - 1)).round().astype(np.uint16)
    packed = np.packbits(((whole[..., None] >> np.arange(bits)[::-1]) & 1).reshape(48, -1), axis=1)
    content = stored_tiff(packed.tobytes(), 251, 48, 1 if values.ndim == 2 else 3, bits)
    assert_shows(content, values)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_planes_are_turned_once(orientation: int) -> None:
    turned = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
    options = {"extratags": [(274, 3, 1, orientation, True)], "planarconfig": "separate"}
    assert_shows(tiff_of((COLOURS * 257).astype(np.uint16), **options), np.rot90(COLOURS, turned))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha", "unspecified"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
def test_transparency_lies_on_white(dtype: type, kind: str, planarconfig: str) -> None:
    scale, half = SCALES.get(np.dtype(dtype), 1), np.full_like(RED, 128)
    shown = COLOURS // 2 if kind == "assocalpha" else COLOURS
    values = (np.dstack([shown, half]) * scale).astype(dtype)
    wanted = COLOURS if kind == "unspecified" else COLOURS * (128 / 255) + 127
    assert_shows(tiff_of(values, extrasamples=[kind], planarconfig=planarconfig), wanted, 2)


@pytest.mark.parametrize("bits", [8, 16])
def test_inks_in_planes(bits: int) -> None:
    inks = np.dstack([255 - COLOURS, np.zeros_like(RED)]) * (1 if bits == 8 else 257)
    options = {"photometric": "separated", "planarconfig": "separate"}
    assert_shows(tiff_of(inks.astype(f"u{bits // 8}"), **options), COLOURS)


def test_a_bright_dot_keeps_dark_colours_of_16_bits_dark() -> None:
    dark = (COLOURS // 8 * 257).astype(np.uint16)
    dark[0, 0] = 65_535
    wanted = COLOURS // 8
    wanted[0, 0] = 255
    assert_shows(tiff_of(dark), wanted)


@pytest.mark.parametrize(
    ("values", "options", "kind"),
    [
        (RED.astype(np.complex64), {}, "a TIFF of complex numbers"),
        (np.dstack([RED] * 5).astype(np.uint16), {"planarconfig": "contig"}, "a TIFF of 5 bands"),
        (COLOURS.astype(np.uint16), {"photometric": "cielab"}, "a TIFF of L*a*b* in 16 bits"),
    ],
)
def test_what_is_not_read_names_its_kind(values: np.ndarray, options: dict[str, object], kind: str) -> None:
    content = tiff_of(values, **({"photometric": "minisblack"} | options))
    with pytest.raises(UnreadableImageError) as caught:
        decode(content, LIMITS)
    assert caught.value.status is Status.DAMAGED
    assert caught.value.message == f"{kind}, which PAR does not read"


@pytest.mark.parametrize("layout", ["rows", "tiles", "planes", "deflate"])
def test_a_file_that_ends_too_early_is_truncated_or_damaged(layout: str) -> None:
    content = tiff_of((COLOURS / 255).astype(np.float16), **LAYOUTS[layout])
    with pytest.raises(UnreadableImageError) as caught:
        decode(content[:-30], LIMITS)
    assert caught.value.status in (Status.TRUNCATED, Status.DAMAGED)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the directory
@pytest.mark.parametrize("layout", ["rows", "tiles", "planes"])
@pytest.mark.parametrize("value", [0, 1, 3, 65_535, 2**31])
def test_any_number_in_the_directory_gives_a_picture_or_a_status(layout: str, value: int) -> None:
    content = tiff_of((COLOURS / 255).astype(np.float16), **LAYOUTS[layout])
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        entries = [(tag.offset + 4, tag.offset + 8) for tag in file.pages[0].tags]
    ends = {
        outcome(content[:place] + value.to_bytes(4, "little") + content[place + 4 :])
        for entry in entries
        for place in entry
    }
    assert ends <= {"picture", Status.DAMAGED, Status.TRUNCATED, Status.TOO_LARGE}
    assert len(ends) > 1


def outcome(content: bytes) -> str:
    try:
        decode(content, ArchiveConfig(max_pixels=1_000_000))
    except UnreadableImageError as error:
        return error.status
    return "picture"
