"""Pictures that name their colours by numbers have the colours of the same picture in sRGB."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from par_core.archive import decode
from par_core.archive.named_colours import _CURVES, _PRIMARIES, _SRGB, _matrix, _srgb
from par_core.config import ArchiveConfig

LIMITS = ArchiveConfig()
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
S = (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


def colours() -> np.ndarray:
    random = np.random.default_rng(7)
    return np.repeat(np.repeat(random.integers(30, 220, (16, 16, 3), np.uint8), 4, axis=0), 4, axis=1)


def light() -> np.ndarray:
    return _srgb(colours() / 255.0)


def png(pixels: np.ndarray, **chunks: bytes) -> bytes:
    """A PNG of 8 or 16 bits with these chunks before its pixels."""
    bgr = np.ascontiguousarray(pixels[..., ::-1]) if pixels.ndim == 3 else pixels
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        bgr = np.ascontiguousarray(pixels[..., [2, 1, 0, 3]])
    content = cv2.imencode(".png", bgr)[1].tobytes()
    extra = b"".join(chunk(name.encode(), data) for name, data in chunks.items())
    return content[:33] + extra + content[33:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gamma(value: float) -> bytes:
    return struct.pack(">I", round(value * 100_000))


def chromaticities(points: tuple[float, ...]) -> bytes:
    return struct.pack(">8I", *(round(value * 100_000) for value in points))


def stored(values: np.ndarray, bits: int) -> np.ndarray:
    most = 2**bits - 1
    return (np.clip(values, 0, 1) * most).round().astype(np.uint8 if bits == 8 else np.uint16)


def in_p3(values: np.ndarray) -> np.ndarray:
    """The same light in P3."""
    return np.clip(values @ np.linalg.inv(_matrix(_PRIMARIES[12])).T, 0, 1)


def encoded(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def difference(content: bytes, wanted: np.ndarray | None = None) -> float:
    pixels = decode(content, LIMITS).pixels.astype(int)
    return float(np.abs(pixels - (colours() if wanted is None else wanted)).mean())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("value", [1.0, 0.55556])
def test_a_gamma_is_applied(value: float, bits: int) -> None:
    content = png(stored(light() ** value, bits), gAMA=gamma(value))
    assert difference(content) < (2.5 if bits == 8 else 0.3)
    assert difference(png(stored(light() ** value, bits))) > 8


def test_linear_grey_of_16_bits_keeps_its_dark_parts() -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    content = png(stored(_srgb(grey / 255), 16), gAMA=gamma(1.0))
    assert difference(content, np.repeat(grey[..., None], 3, axis=2)) < 0.3
    content = png(stored(_srgb(grey / 255), 8), gAMA=gamma(1.0))
    assert difference(content, np.repeat(grey[..., None], 3, axis=2)) < 4


def test_the_gamma_of_srgb_changes_no_pixel() -> None:
    for value in (0.45455, 0.45, 0.4545):
        assert difference(png(colours(), gAMA=gamma(value), cHRM=chromaticities(S))) == 0


def test_primaries_are_applied_with_and_without_a_gamma() -> None:
    other = png(stored(encoded(in_p3(light())), 8), cHRM=chromaticities(P3))
    assert difference(other) < 1
    assert difference(png(stored(encoded(in_p3(light())), 8))) > 3
    assert difference(png(stored(in_p3(light()), 16), gAMA=gamma(1), cHRM=chromaticities(P3))) < 0.5


def test_the_chunk_of_srgb_counts_more_than_gamma_and_primaries_and_less_than_cicp() -> None:
    rest = {"gAMA": gamma(1.0), "cHRM": chromaticities(P3)}
    assert difference(png(colours(), sRGB=b"\0", **rest)) == 0
    p3 = stored(encoded(in_p3(light())), 8)
    assert difference(png(p3, cICP=bytes([12, 13, 0, 1]), sRGB=b"\0", **rest)) < 1


@pytest.mark.parametrize("transfer", _CURVES)
def test_every_transfer_of_cicp_is_turned_round(transfer: int) -> None:
    curve = _CURVES[transfer] or _srgb
    values = np.linspace(0, 1, 65_536)
    back = np.interp(light(), curve(values), values)
    assert difference(png(stored(back, 16), cICP=bytes([1, transfer, 0, 1]))) < 0.5


def test_the_white_of_hdr_is_white_and_what_is_brighter_is_clipped() -> None:
    for transfer, white in ((16, 0.5807), (18, 0.75)):  # BT.2408: 203 cd/m²
        for signal, expected in ((white, 255), (1.0, 255), (0.0, 0)):
            grey = stored(np.full((4, 4, 3), signal), 16)
            assert difference(png(grey, cICP=bytes([9, transfer, 0, 1])), np.full((4, 4, 3), expected)) <= 1


def test_a_narrow_range_is_widened() -> None:
    narrow = (16 + colours() * (219 / 255)).round().astype(np.uint8)
    assert difference(png(narrow, cICP=bytes([1, 13, 0, 0]))) < 1


def test_cicp_counts_more_than_a_profile_and_a_profile_more_than_gamma() -> None:
    from tests.unit.archive.test_colour_profiles import in_space, profile

    icc = profile("p3")
    converted = np.asarray(in_space(Image.fromarray(colours()), icc))
    buffer = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", gamma(1.0))
    Image.fromarray(converted).save(buffer, "PNG", icc_profile=icc, pnginfo=info)
    assert difference(buffer.getvalue()) < 1
    content = buffer.getvalue()
    content = content[:33] + chunk(b"cICP", bytes([1, 13, 0, 1])) + content[33:]
    assert difference(content, converted) == 0


@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": gamma(0)},
        {"gAMA": gamma(2.2)},
        {"gAMA": gamma(0.01)},
        {"gAMA": b"\xff\xff\xff\xff"},
        {"cHRM": chromaticities((0.3, 0.3) * 4)},
        {"cHRM": chromaticities((0,) * 8)},
        {"cHRM": b"\xff" * 32},
        {"cICP": bytes([0, 0, 0, 1])},
        {"cICP": bytes([255, 255, 0, 1])},
        {"cICP": bytes([9, 16, 9, 1])},
        {"cICP": bytes([9, 16])},
        {"cICP": b""},
        {"cICP": bytes([2, 2, 0, 1])},
    ],
)
def test_damaged_chunks_are_ignored(chunks: dict[str, bytes]) -> None:
    assert difference(png(colours(), **chunks)) == 0


def test_transparency_palettes_and_turning_stay() -> None:
    linear = stored(light(), 16)
    alpha = np.full((*linear.shape[:2], 1), 32_768, np.uint16)
    on_white = (colours() * 0.5 + 127.5).round()
    assert difference(png(np.concatenate([linear, alpha], axis=2), gAMA=gamma(1.0)), on_white) < 1
    few = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", gamma(0.55556))
    Image.fromarray(stored(light() ** 0.55556, 8)).quantize(256).save(few, "PNG", pnginfo=info)
    assert difference(few.getvalue()) < 6


def test_avif_and_heif_name_their_colours_too() -> None:
    pytest.importorskip("pillow_heif", reason="needs the extra: formats")
    decode(png(colours()), LIMITS)
    for form in ("AVIF", "HEIF"):
        buffer = io.BytesIO()
        Image.fromarray(stored(encoded(in_p3(light())), 8)).save(
            buffer, form, quality=100, subsampling="4:4:4"
        )
        content = buffer.getvalue()
        at = content.index(b"colrnclx") + 8
        named = content[:at] + struct.pack(">HH", 12, 13) + content[at + 4 :]
        assert difference(named) < 3 < difference(content)


def test_a_tiff_may_name_its_primaries(tmp_path: Path) -> None:
    tags = {318: P3[:2], 319: P3[2:]}
    Image.fromarray(stored(encoded(in_p3(light())), 8)).save(tmp_path / "a.tif", tiffinfo=tags)
    assert difference((tmp_path / "a.tif").read_bytes()) < 1
    Image.fromarray(colours()).save(tmp_path / "b.tif", tiffinfo={318: S[:2], 319: S[2:]})
    assert difference((tmp_path / "b.tif").read_bytes()) == 0
    assert tuple(_SRGB[0]) == S[2:4]
