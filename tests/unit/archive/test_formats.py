"""Formats of telephones and scanners, and pictures that PAR knows by name alone."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from par_core.archive import decode, list_source
from par_core.archive.formats import jxl_size, why_passed_over
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

LIMITS = ArchiveConfig()
pytest.importorskip("pillow_heif", reason="needs the extra: formats")
pytest.importorskip("pillow_jxl", reason="needs the extra: formats")
SUFFIXES = {"HEIF": "heic", "AVIF": "avif", "JXL": "jxl", "JPEG2000": "jp2"}


def halves() -> Image.Image:
    """Blue on the left, red on the right."""
    picture = Image.new("RGB", (96, 48), (200, 30, 30))
    picture.paste((30, 30, 200), (0, 0, 48, 48))
    return picture


def written(form: str, picture: Image.Image | None = None, **options: object) -> bytes:
    decode(png(halves()), LIMITS)  # the plugins are loaded
    buffer = io.BytesIO()
    (picture or halves()).save(buffer, form, **options)
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif


def assert_upright(pixels: np.ndarray) -> None:
    """Blue is above red: orientation 6 turns the left side to the top."""
    assert pixels.shape == (96, 48, 3)
    assert (pixels[10, 24, 2] > 150) & (pixels[10, 24, 0] < 90)
    assert (pixels[-10, 24, 0] > 150) & (pixels[-10, 24, 2] < 90)


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_format_gives_the_picture_and_is_listed(form: str, tmp_path: Path) -> None:
    decoded = decode(written(form), LIMITS)
    assert decoded.format == form
    assert np.abs(decoded.pixels.astype(int) - np.asarray(halves())).mean() < 6
    (tmp_path / f"a.{SUFFIXES[form].upper()}").write_bytes(written(form))
    assert len(list_source(str(tmp_path)).entries) == 1


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
def test_a_turned_picture_is_turned_once(form: str) -> None:
    assert_upright(decode(written(form, exif=turned().tobytes()), LIMITS).pixels)


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def test_a_jpeg_xl_that_its_decoder_turns_is_not_turned_by_exif_again() -> None:
    # what cjxl 0.7 wrote of ``halves`` with orientation 6, which it puts into the codestream's own header
    codestream = bytes.fromhex(
        "ff0acb2d10505c1208020100c8004b2835c63eac120a262042fdf1638c1fe37abf40100000f3b3a37a94589623"
        "013a510ad04270054c482a912ab06e006c3b01"
    )
    signature = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    exif = box(b"Exif", bytes(4) + turned().tobytes().removeprefix(b"Exif\0\0"))
    for content in (codestream, signature + exif + box(b"jxlc", codestream)):
        assert_upright(decode(content, LIMITS).pixels)


def test_a_jpeg_in_a_jpeg_xl_is_turned_once(tmp_path: Path) -> None:
    halves().save(tmp_path / "a.jpg", exif=turned(), quality=95)
    with Image.open(tmp_path / "a.jpg") as jpeg:
        assert_upright(decode(written("JXL", jpeg, lossless_jpeg=True), LIMITS).pixels)


@pytest.mark.parametrize("form", SUFFIXES)
def test_too_many_pixels_are_refused_and_damage_has_a_status(form: str) -> None:
    content = written(form)
    with pytest.raises(UnreadableImageError) as refused:
        decode(content, ArchiveConfig(max_pixels=96 * 48 - 1))
    assert refused.value.status is Status.TOO_LARGE
    for damaged in (content[: len(content) // 2], content[:40] + b"\xff" * len(content)):
        with pytest.raises(UnreadableImageError) as broken:
            decode(damaged, LIMITS)
        assert broken.value.status in (Status.DAMAGED, Status.TRUNCATED, Status.TOO_LARGE)


@pytest.mark.parametrize("size", [(8, 8), (16, 9), (640, 480), (1000, 333), (5000, 7), (256, 256), (97, 97)])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    assert jxl_size(written("JXL", Image.new("RGB", size))) == size
    Image.new("RGB", size, "red").save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as jpeg:
        assert jxl_size(written("JXL", jpeg, lossless_jpeg=True)) == size


@pytest.mark.parametrize("content", [b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", png(halves())])
def test_what_is_no_jpeg_xl_has_no_size(content: bytes) -> None:
    assert jxl_size(content) in (None, (1, 1), (8, 8), (512, 512))


def test_pictures_that_are_not_read_are_counted_by_their_kind(tmp_path: Path) -> None:
    for name in ("a.RAW", "b.raw", "c.psd", "d.txt", "e.jpg", "f.svg", ".g.nef"):
        (tmp_path / name).write_bytes(b"content")
    listing = list_source(str(tmp_path))
    assert [Path(entry.uri).name for entry in listing.entries] == ["e.jpg"]
    assert listing.skipped == {".raw": 2, ".psd": 1, ".svg": 1, "not_an_image": 1, "hidden": 1}
    assert why_passed_over("x.JPG") is None
