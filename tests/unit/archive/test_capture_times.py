"""Times of capture as cameras, telephones and programs write them."""

import io
from datetime import datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from flows.console.status import status_lines
from par_core.archive import decode
from par_core.archive.exif import capture_time
from par_core.config import ArchiveConfig
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive

NOON = datetime(2021, 7, 5, 12, 30, 15)


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2021:07:05 12:30:15", NOON),
        ("2021-07-05 12:30:15", NOON),
        ("2021/07/05 12:30:15", NOON),
        ("2021.07.05 12:30:15", NOON),
        ("2021-07-05T12:30:15", NOON),
        ("2021:07:05T12:30:15Z", NOON),
        ("2021-07-05T12:30:15+02:00", NOON),
        ("2021:07:05 12:30:15.250", NOON),
        ("2021:07:05  12:30:15", NOON),
        ("2021:7:5 12:30:15", NOON),
        (" 2021:07:05 12:30:15\0", NOON),
        ("2021:07:05 12:30:15\0rest", NOON),
        (b"2021:07:05 12:30:15", NOON),
        ("2021:07:05 12:30", NOON.replace(second=0)),
        ("2021:07:05 24:00:00", datetime(2021, 7, 6)),
        ("2021:12:31 24:00:00", datetime(2022, 1, 1)),
        ("2021: 7: 5 12:30:15", NOON),
        ("2021:07:05 12:30: 5", NOON.replace(second=5)),
        ("20210705T123015", NOON),
        ("20210705 123015", NOON),
        ("20210705123015", NOON),
        ("2021:07:05 12.30.15", NOON),
        ("2021:07:05 12:30:15 UTC", NOON),
        ("2021:07:05 12:30:15 PM", NOON),
        ("2021:07:05 12:30:15 am", NOON.replace(hour=0)),
        ("2021:07:05 01:30:15 PM", NOON.replace(hour=13)),
        ("2021:07:05 13:30:15 PM", NOON.replace(hour=13)),
        ("2021:07:05 12:30:15 CEST", NOON),
        ("2021:07:05 12:30:15 GMT+2", NOON),
        ("2021:07:05_12:30:15", NOON),
        ("2021:07:05-12:30:15", NOON),
        ("2021:07:05,12:30:15", NOON),
        ("2021-07-05 12-30-15", NOON),
        ("20210705_123015", NOON),
        ("2021年07月05日 12:30:15", NOON),
        ("2021年7月5日 12時30分15秒", NOON),
        ("٢٠٢١:٠٧:٠٥ ١٢:٣٠:١٥", NOON),
        ("२०२१:०७:०५ १२:३०:१५".encode(), NOON),
        ("٢٠٢١:٠٧:٠٥ ١٢:٣٠:١٥".encode().decode("latin-1"), NOON),
        ("Mon Jul  5 12:30:15 2021", NOON),
        ("Mon Jul  5 2021", None),
        ("2021:07:05 12:30:60", None),
        ("2021:07:05 24:00:01", None),
        ("2021:07:05", None),
        ("2021:02:30 12:30:15", None),
        ("2021:07-05 12:30:15", None),
        ("05.07.2021 12:30:15", None),
        ("yesterday", None),
        (20210705, None),
    ],
)
def test_spellings(stamp: object, time: datetime | None) -> None:
    assert capture_time(stamp) == time


def decoded(**stamps: str) -> tuple[datetime | None, bool]:
    exif = Image.Exif()
    for name, stamp in stamps.items():
        tag = ExifTags.Base[name]
        (exif if name == "DateTime" else exif.get_ifd(ExifTags.IFD.Exif))[tag] = stamp
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "JPEG", exif=exif)
    image = decode(buffer.getvalue(), ArchiveConfig())
    return image.captured_at, image.unreadable_time


def test_the_time_of_the_last_change_is_no_time_of_capture() -> None:
    assert decoded(DateTime="2021:07:05 12:30:15") == (None, False)
    assert decoded(DateTime="2024:01:01 00:00:00", DateTimeOriginal="2021:07:05 12:30:15") == (NOON, False)


def test_the_time_of_digitising_counts_if_no_other_can_be_read() -> None:
    assert decoded(DateTimeDigitized="2021:07:05 12:30:15") == (NOON, False)
    assert decoded(DateTimeOriginal="last week", DateTimeDigitized="2021:07:05 12:30:15") == (NOON, False)


def test_a_time_that_cannot_be_read_is_told_from_none() -> None:
    assert decoded(DateTimeOriginal="last week") == (None, True)
    for blank in ("    :  :     :  :  ", "0000:00:00 00:00:00", ""):
        assert decoded(DateTimeOriginal=blank) == (None, False)
    assert decoded() == (None, False)


def test_a_time_that_cannot_be_read_is_said_in_the_row_of_the_picture(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("blue",)])
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "last week"}
    with Image.open(photos / "0001.png") as picture:
        picture.save(photos / "0001.png", exif=exif)
    index(tmp_path / "store", [photos])
    run = Run.of(Store.open(tmp_path / "store"), FAKE)
    [(folder, _)] = run.store.complete_shards("segment", run.ids.segment)
    rows = folder.read("images").select(["message", "captured_at"]).to_pylist()
    assert [row["message"] for row in rows] == ["", "EXIF has a time of capture that cannot be read"]
    status = store_status(Store.open(tmp_path / "store"))
    assert status.accounting.unreadable_times == 1
    assert (
        "times of capture that cannot be read: 1 (images.parquet names the images in its column message)"
        in (status_lines(status, None))
    )
    (photos / "0001.png").unlink()
    index(tmp_path / "store", [photos])
    assert store_status(Store.open(tmp_path / "store")).accounting.unreadable_times == 0


def test_a_time_in_the_first_directory_counts_as_tiff_ep_writes_it() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.DateTimeOriginal] = "2021:07:05 12:30:15"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    assert decode(buffer.getvalue(), ArchiveConfig()).captured_at == NOON
