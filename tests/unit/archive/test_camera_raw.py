"""Previews of raw files. Cameras' own files cannot be part of the repository: DNGs are written here."""

import contextlib
import io
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from par_core.archive import decode, list_source
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.stages.status import store_status
from par_core.status import Status
from par_core.store.layout import Store
from tests.dng import dng, halves, jpeg
from tests.indexing import content, index
from tests.pictures import scene

pytest.importorskip("rawpy", reason="needs the extra: formats")
LIMITS = ArchiveConfig()


def assert_blue_on_top(pixels: np.ndarray) -> None:
    """Orientation 6 turns the left side to the top."""
    assert pixels.shape == (480, 320, 3)
    assert (pixels[20, 160, 2] > 150) & (pixels[20, 160, 0] < 90)
    assert (pixels[-20, 160, 0] > 150) & (pixels[-20, 160, 2] < 90)


def test_the_preview_is_the_picture_and_not_the_thumbnail_before_it() -> None:
    decoded = decode(dng(jpeg(halves())), LIMITS)
    assert decoded.format == "RAW"
    assert np.abs(decoded.pixels.astype(int) - np.asarray(halves())).mean() < 6


def test_a_bitmap_is_taken_where_there_is_no_jpeg() -> None:
    assert np.array_equal(decode(dng(np.asarray(halves())), LIMITS).pixels, np.asarray(halves()))
    assert decode(dng(None), LIMITS).pixels.shape == (12, 16, 3)


@pytest.mark.parametrize("raw", [1, 6])
@pytest.mark.parametrize("jfif", [True, False])
def test_a_preview_with_its_own_orientation_is_turned_once(raw: int, jfif: bool) -> None:
    assert_blue_on_top(decode(dng(jpeg(halves(), 6, jfif=jfif), raw), LIMITS).pixels)


@pytest.mark.parametrize("preview", [jpeg(halves()), jpeg(halves(), jfif=False), np.asarray(halves())])
def test_a_preview_without_an_orientation_has_that_of_the_raw_file(preview: bytes | np.ndarray) -> None:
    assert_blue_on_top(decode(dng(preview, 6), LIMITS).pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_that_of_a_jpeg(orientation: int) -> None:
    expected = decode(jpeg(halves(), orientation), LIMITS).pixels
    assert np.array_equal(decode(dng(jpeg(halves()), orientation), LIMITS).pixels, expected)
    assert np.array_equal(decode(dng(jpeg(halves(), orientation)), LIMITS).pixels, expected)


def test_a_preview_that_the_camera_has_turned_is_not_turned_again() -> None:
    upright = halves().transpose(Image.Transpose.ROTATE_270)
    assert_blue_on_top(decode(dng(jpeg(upright), 6, size=upright.size), LIMITS).pixels)


def test_the_time_of_capture_is_that_of_the_raw_file() -> None:
    decoded = decode(dng(jpeg(halves()), taken_at=b"2021:07:05 12:30:15"), LIMITS)
    assert (decoded.captured_at, decoded.unreadable_time) == (datetime(2021, 7, 5, 12, 30, 15), False)
    decoded = decode(dng(jpeg(halves()), taken_at=b"last week"), LIMITS)
    assert (decoded.captured_at, decoded.unreadable_time) == (None, True)


@pytest.mark.parametrize("preview", [jpeg(halves()), np.asarray(halves())])
def test_too_many_pixels_are_refused(preview: bytes | np.ndarray) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        decode(dng(preview), ArchiveConfig(max_pixels=480 * 320 - 1))
    assert refused.value.status is Status.TOO_LARGE


def test_the_size_that_counts_is_that_of_the_jpeg_and_not_what_the_raw_file_states() -> None:
    assert decode(dng(jpeg(halves()), size=(60_000, 60_000)), LIMITS).pixels.shape == (320, 480, 3)
    with pytest.raises(UnreadableImageError) as refused:
        decode(dng(jpeg(halves()), size=(100, 100), thumbnail=False), ArchiveConfig(max_pixels=480 * 320 - 1))
    assert refused.value.status is Status.TOO_LARGE


def broken() -> dict[str, bytes]:
    whole = dng(jpeg(halves()))
    scans = jpeg(halves())
    scan = scans[scans.index(b"\xff\xda") : scans.index(b"\xff\xda") + 14]
    return {
        "no preview": dng(None, thumbnail=False),
        "no jpeg": dng(b"\xff\xd8" + b"x" * 500),
        "cut jpeg": dng(jpeg(halves())[:2_000]),
        "cut file": whole[: len(whole) // 2],
        "cut header": whole[:60],
        "many scans": dng(scans[:-2] + scan * 200 + b"\xff\xd9"),
        "raw of Canon": b"II*\0\x10\0\0\0CR\x02\0" + bytes(400),
        "raw of Fujifilm": b"FUJIFILMCCD-RAW 0201" + bytes(400),
        "size of a known camera": bytes(5_298_000),
    }


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("kind", broken())
def test_a_raw_file_that_is_broken_has_a_status(kind: str) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        decode(broken()[kind], LIMITS)
    assert refused.value.status in (Status.DAMAGED, Status.TRUNCATED, Status.TOO_LARGE)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, on damaged directories
def test_damage_anywhere_gives_a_picture_or_a_status() -> None:
    whole, rng = dng(jpeg(halves()), 6, taken_at=b"2021:07:05 12:30:15"), np.random.default_rng(0)
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(max(0, len(whole) - 1_500), len(whole), 4):
            content[place] = rng.integers(256)
        with contextlib.suppress(UnreadableImageError):
            decode(bytes(content[: int(rng.integers(1_000, 2 * len(whole)))]), LIMITS)


def tiff(picture: Image.Image, **tags: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(
        buffer, "TIFF", tiffinfo={271: "Canon", 272: "EOS", **{int(k[1:]): v for k, v in tags.items()}}
    )
    return buffer.getvalue()


@pytest.mark.parametrize("tags", [{}, {"_254": 1}])
def test_a_plain_tiff_of_a_camera_stays_a_tiff(tags: dict[str, object]) -> None:
    deep = Image.fromarray(np.linspace(0, 65_535, 96 * 64, dtype=np.uint16).reshape(64, 96))
    for picture in (halves(), deep):
        decoded = decode(tiff(picture, **tags), LIMITS)
        assert (decoded.format, decoded.pixels.shape[:2]) == ("TIFF", picture.size[::-1])


def test_raw_files_are_listed_and_indexed(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shown = Image.fromarray(scene("red", "blue"))
    (photos / "a.DNG").write_bytes(dng(jpeg(shown), size=shown.size))
    for name in ("b.cr3", "c.nef", "d.raw"):
        (photos / name).write_bytes(b"content")
    listing = list_source(str(photos))
    assert [Path(entry.uri).name for entry in listing.entries] == ["a.DNG", "b.cr3", "c.nef"]
    assert listing.skipped == {".raw": 1}
    index(tmp_path / "store", [photos])
    assert store_status(Store.open(tmp_path / "store")).accounting.failures == {"damaged": 2}
    assert {Path(row["uri"]).name for row in content(tmp_path / "store")} == {"a.DNG"}


def test_without_the_package_raw_files_are_counted_and_one_that_is_named_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(dng(jpeg(halves())))
    script = f"""
import sys
sys.modules["rawpy"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "rawpy" else find(name, *rest)
from par_core.archive import decode, list_source
from par_core.config import ArchiveConfig
print(dict(list_source({str(tmp_path)!r}).skipped))
try:
    decode(open({str(tmp_path / "a.dng")!r}, "rb").read(), ArchiveConfig())
except Exception as error:
    print(error.status.value, error.message)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "{'.dng': 1}",
        "damaged a raw file; its preview needs pip install 'par-search[formats]'",
    ]
