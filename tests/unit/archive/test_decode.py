import contextlib
import io
import random
import struct
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from par_core.archive import decode, decode_part
from par_core.archive.jpeg import count_scans
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

LIMITS = ArchiveConfig()
FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "MPO"]


def picture(mode: str = "RGB", size: tuple[int, int] = (37, 23)) -> Image.Image:
    """A soft gradient, so that lossy formats keep it."""
    x, y = np.meshgrid(np.linspace(0, 200, size[0]), np.linspace(0, 200, size[1]))
    return Image.fromarray(np.stack([x, y, (x + y) / 2], axis=2).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_picture(form: str) -> None:
    decoded = decode(encoded(picture(), form), LIMITS)
    assert decoded.format == ("JPEG" if form == "MPO" and decoded.format == "JPEG" else form)
    assert decoded.pixels.shape == (23, 37, 3)
    assert np.abs(decoded.pixels.astype(int) - np.asarray(picture())).mean() < 6


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("L", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("LA", "PNG"),
        ("RGBA", "WEBP"),
        ("L", "JPEG"),
    ],
)
def test_every_mode_becomes_rgb(mode: str, form: str) -> None:
    decoded = decode(encoded(picture(mode), form), LIMITS)
    assert decoded.pixels.shape == (23, 37, 3)
    assert np.abs(decoded.pixels.astype(int) - np.asarray(picture(mode).convert("RGB"))).mean() < 6


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = np.linspace(0, 65535, 37 * 23).reshape(23, 37).astype(np.uint16)
    for form in ("PNG", "TIFF"):
        decoded = decode(encoded(Image.fromarray(grey), form), LIMITS)
        assert np.abs(decoded.pixels[:, :, 0].astype(int) - (grey / 257).round()).max() <= 1


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert (decode(encoded(clear, "PNG"), LIMITS).pixels == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation: int) -> None:
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
    }
    turned |= {6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}
    stored = picture().transpose(turned[orientation]) if orientation in turned else picture()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert np.array_equal(decode(encoded(stored, "PNG", exif=exif), LIMITS).pixels, np.asarray(picture()))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_a_part_is_the_same_part_of_the_whole(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(picture(size=(48, 32)), form, exif=exif)
    left, top, right, bottom = part = (3, 5, 21, 30)
    whole = decode(content, LIMITS).pixels
    assert np.array_equal(decode_part(content, LIMITS, part), whole[top:bottom, left:right])
    with pytest.raises(UnreadableImageError, match="without pixels"):
        decode_part(content, LIMITS, (7, 5, 7, 30))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_a_part_of_a_shrunk_jpeg_is_where_it_was(mode: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(picture(mode, (400, 256)), "JPEG", exif=exif, quality=95)
    left, top, right, bottom = part = (40, 64, 200, 240)
    shown = decode_part(content, LIMITS, part, 4)
    assert shown.shape == (44, 40, 3)
    whole = decode(content, LIMITS).pixels[top:bottom, left:right].astype(int)
    smaller = whole.reshape(44, 4, 40, 4, 3).mean(axis=(1, 3))
    assert np.abs(shown - smaller).max() < 6


def test_time_of_capture_is_read_and_a_wrong_one_is_none() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:11:24 18:30:05"
    assert decode(encoded(picture(), "JPEG", exif=exif), LIMITS).captured_at == datetime(
        2026, 11, 24, 18, 30, 5
    )
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "0000:00:00 00:00:00"
    assert decode(encoded(picture(), "JPEG", exif=exif), LIMITS).captured_at is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF"])
def test_a_file_that_ends_too_early_is_truncated(form: str) -> None:
    whole = encoded(picture(size=(200, 200)), form)
    with pytest.raises(UnreadableImageError) as caught:
        decode(whole[: len(whole) * 2 // 3], LIMITS)
    assert caught.value.status is Status.TRUNCATED


def test_what_is_no_picture_is_damaged() -> None:
    with pytest.raises(UnreadableImageError) as caught:
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n", LIMITS)
    assert caught.value.status is Status.DAMAGED


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = encoded(Image.new("1", (30_000, 30_000)), "PNG")
    with pytest.raises(UnreadableImageError, match=r"archive\.max_pixels") as caught:
        decode(bomb, LIMITS)
    assert caught.value.status is Status.TOO_LARGE
    assert len(bomb) < 1_000_000


def test_a_jpeg_that_goes_over_itself_again_and_again_is_refused_before_it_is_decoded() -> None:
    whole = encoded(picture("L"), "JPEG", progressive=True)
    last_scan = whole[whole.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnreadableImageError, match="scans") as caught:
        decode(whole[:-2] + 200 * last_scan + whole[-2:], LIMITS)
    assert caught.value.status is Status.TOO_LARGE
    decode(whole[:-2] + 10 * last_scan + whole[-2:], LIMITS)


def test_scans_behind_the_end_of_a_jpeg_do_not_count() -> None:
    whole = encoded(picture(), "JPEG", progressive=True)
    # zeros first: other bytes, read as a length, skip most of it
    behind = b"\0\0" + 500 * b"\xff\xda\x00\x02"
    assert count_scans(whole + behind) == count_scans(whole) == whole.count(b"\xff\xda")
    decode(whole + behind, LIMITS)


def test_what_follows_a_jpeg_or_stands_in_its_metadata_is_no_scan() -> None:
    looks_like_scans = 500 * b"\xff\xda\x00\x08"
    # a motion photo carries a video behind its end
    decode(encoded(picture(), "JPEG") + looks_like_scans, LIMITS)
    decode(encoded(picture(), "JPEG", comment=looks_like_scans), LIMITS)


_WITH_LITTLE_MEMORY = """
import resource, sys
from par_core.archive import decode, decode_part
from par_core.config import ArchiveConfig
from par_core.errors import TransientError, UnreadableImageError
content, room = open(sys.argv[1], "rb").read(), int(sys.argv[2])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
try:
    print(decode(content, ArchiveConfig()).pixels.shape)
except (TransientError, UnreadableImageError) as error:
    print(type(error).__name__, getattr(error, "status", ""), error)
"""


@pytest.mark.parametrize(
    ("form", "room"),
    [("JPEG", 20_000_000), ("JPEG", 170_000_000), ("PNG", 170_000_000), ("TIFF", 230_000_000)],
)
def test_a_lack_of_memory_is_no_damage(tmp_path: Path, form: str, room: int) -> None:
    """Room for nothing, for what Pillow keeps (6000 x 6000 pixels of 4 bytes), for a part of what comes then.

    In the second of these, libjpeg says that the file is broken.
    """
    options = {"JPEG": {"progressive": True}, "PNG": {}, "TIFF": {"compression": "tiff_lzw"}}[form]
    path = tmp_path / "large"
    path.write_bytes(encoded(Image.new("RGB", (6_000, 6_000), "red"), form, **options))
    run = subprocess.run(
        [sys.executable, "-c", _WITH_LITTLE_MEMORY, path, str(room)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.startswith("TransientError  out of memory"), run.stdout + run.stderr


def test_damage_is_damage_where_there_is_memory_for_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded(picture(size=(200, 200)), "PNG")
    sizes: list[int] = []
    monkeypatch.setattr("par_core.archive.shortage.np.empty", lambda n_bytes, kind: sizes.append(n_bytes))
    with pytest.raises(UnreadableImageError):
        decode(whole[: len(whole) * 2 // 3], LIMITS)
    assert sizes == [4 * 200 * 200]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of odd metadata
@pytest.mark.parametrize("form", [*FORMATS, "AVIF", "JPEG2000", "HEIF", "JXL"])
def test_damage_anywhere_is_an_unreadable_image_or_a_picture_never_a_crash(form: str) -> None:
    whole, chance = encoded(picture(), form), random.Random(form)
    for _ in range(150):
        broken = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
        for _ in range(chance.randrange(6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(UnreadableImageError):
            assert decode(bytes(broken), ArchiveConfig(max_pixels=1_000_000)).pixels.ndim == 3


@pytest.mark.parametrize(
    ("kind", "field"),
    [(1, b"\6\0\0\0"), (2, b"6\0\0\0"), (3, b"\6\0\0\0"), (4, b"\6\0\0\0"), (5, b"\x1a\0\0\0")],
)
def test_an_orientation_counts_whatever_type_it_is_written_as(kind: int, field: bytes) -> None:
    entry = struct.pack("<HHI", 274, kind, 2 if kind == 2 else 1) + field
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0" + struct.pack("<II", 6, 1)
    buffer = io.BytesIO()
    Image.new("RGB", (32, 16)).save(buffer, "JPEG", exif=exif)
    assert decode(buffer.getvalue(), ArchiveConfig()).pixels.shape == (32, 16, 3)
