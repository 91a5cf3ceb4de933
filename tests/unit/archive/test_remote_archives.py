"""Archives on a real S3 API: what is transferred, and what becomes of a line that is cut."""

import io
import os
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from benchmarks.wire import Wire
from par_core.archive import Entry, list_source, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError, TransientError, UnreadableImageError
from par_core.status import Status
from tests.sources import LIMITS, s3_client
from tests.unit.archive.test_places import read, write_archive

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

N, SIZE = 120, 100_000


@pytest.fixture
def uploaded(s3: Wire, tmp_path: Path) -> "Uploaded":
    return Uploaded(s3, tmp_path)


class Uploaded:
    """Archives of 120 members of 100 kB in a bucket."""

    def __init__(self, wire: Wire, folder: Path) -> None:
        self.files = [(f"{number:03}.jpg", os.urandom(SIZE)) for number in range(N)]
        self.folder, self.client = folder, s3_client(wire)
        self.client.create_bucket(Bucket="archive")

    def entries(self, kind: str) -> tuple[Entry, ...]:
        """Upload an archive, and list it."""
        path = write_archive(self.folder / f"a{kind}", self.files)
        self.client.upload_file(str(path), "archive", path.name)
        return list_source(f"s3://archive/{path.name}").entries


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_a_shard_transfers_its_own_members(s3: Wire, uploaded: Uploaded, kind: str) -> None:
    entries = uploaded.entries(kind)
    assert len(entries) == N
    for part in (entries[80:100], entries[20:60:2]):
        s3.reset()
        assert read(part) == {name: content for name, content in uploaded.files if name in read_names(part)}
        assert len(part) * SIZE < s3.received < 1.15 * len(part) * SIZE
        assert s3.requests <= len(part) + 2
    s3.reset()
    read(entries[60:80])
    assert s3.requests <= 3  # neighbours are fetched together


def read_names(part: Sequence[Entry]) -> set[str]:
    return {entry.uri[-7:] for entry in part}


def test_a_compressed_tar_is_transferred_once_by_all_its_shards(s3: Wire, uploaded: Uploaded) -> None:
    entries = uploaded.entries(".tar.gz")
    s3.reset()
    for start in range(0, N, 20):
        assert read(entries[start : start + 20]) == dict(uploaded.files[start : start + 20])
    assert N * SIZE < s3.received < 1.05 * N * SIZE


def test_a_listing_of_a_zip_transfers_its_directory(s3: Wire, uploaded: Uploaded) -> None:
    uploaded.entries(".zip")
    s3.reset()
    assert len(list_source("s3://archive/a.zip").entries) == N
    assert s3.received < 200_000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, s3: Wire) -> None:
    """A client that gives up at once, so that a test does not wait."""
    monkeypatch.setitem(fsspec.config.conf["s3"], "config_kwargs", {"retries": {"total_max_attempts": 1}})
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_a_line_that_is_cut_inside_an_archive_damages_nothing(
    s3: Wire, uploaded: Uploaded, kind: str
) -> None:
    entries = uploaded.entries(kind)
    s3.reset(cut_after=9_000_000)
    reading = read_entries(entries, LIMITS)
    assert isinstance(next(reading)[1], bytes)
    with pytest.raises(TransientError, match="cannot be read to its end"):
        list(reading)
    with pytest.raises(TransientError):
        list(read_entries(entries, LIMITS))
    with pytest.raises(BadConfigError, match="cannot be listed"):
        list_source(f"s3://archive/a{kind}")
    s3.reset()
    assert read(entries) == dict(uploaded.files)


@pytest.mark.usefixtures("impatient")
def test_a_listing_that_is_cut_is_no_listing_of_a_part(s3: Wire, uploaded: Uploaded) -> None:
    uploaded.entries(".tar")
    s3.reset(cut_after=9_000_000)
    with pytest.raises(TransientError, match="cannot be read to its end"):
        list_source("s3://archive/a.tar")


def test_an_archive_that_is_gone_is_no_trouble_of_the_storage(uploaded: Uploaded) -> None:
    entries = uploaded.entries(".tar")[:3]
    uploaded.client.delete_object(Bucket="archive", Key="a.tar")
    statuses = [
        content.status
        for _, content in read_entries(entries, LIMITS)
        if isinstance(content, UnreadableImageError)
    ]
    assert statuses == 3 * [Status.VANISHED]


def test_a_tar_of_silent_times_is_told_by_its_etag(uploaded: Uploaded) -> None:
    def version(content: bytes) -> str:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as tar:
            member = tarfile.TarInfo("frame.bmp")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        uploaded.client.put_object(Bucket="archive", Key="night.tar", Body=sink.getvalue())
        (entry,) = list_source("s3://archive/night.tar").entries
        return entry.version

    red, blue = version(b"red"), version(b"sea")
    assert version(b"red") == red != blue
    assert red.startswith("mtime:0;archive:10240:")


def test_one_file_that_cannot_be_reached_is_out_of_reach_and_not_marked(bucket: dict[str, Exception]) -> None:
    entries = list_source("memory://bucket").entries
    bucket["16.jpg"] = ConnectionResetError("reset")
    with pytest.raises(TransientError, match="none of 1 files could be read"):
        list(read_entries(entries[:17], LIMITS))


def test_errors_that_are_no_oserror_are_trouble_of_the_storage_too(bucket: dict[str, Exception]) -> None:
    entries = list_source("memory://bucket").entries
    bucket.update({f"{number:02}.jpg": RuntimeError("the connection was closed") for number in range(16)})
    with pytest.raises(TransientError, match="connection was closed"):
        list(read_entries(entries, LIMITS))


def test_files_whose_listing_knows_no_size_are_not_read_without_bound(
    bucket: dict[str, Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/bucket/large.jpg", b"x" * 1_000)
    files.pipe("/bucket/none.jpg", b"")
    limits = ArchiveConfig(max_bytes=100)
    by_name_alone = [replace(entry, size=0, version="") for entry in list_source("memory://bucket").entries]

    def statuses() -> dict[str, object]:
        return {
            entry.uri.rsplit("/", 1)[1]: content.status
            if isinstance(content, UnreadableImageError)
            else content
            for entry, content in read_entries(by_name_alone, limits)
        }

    expected = {f"{number:02}.jpg": b"x" for number in range(20)}
    assert statuses() == {**expected, "large.jpg": Status.TOO_LARGE, "none.jpg": Status.EMPTY}
    info, asked = MemoryFileSystem.info, list[int]()

    def unsized(self: MemoryFileSystem, path: str, **named: object) -> dict[str, object]:
        return {**info(self, path, **named), "size": None}

    class Counted(io.BytesIO):
        def read(self, n: int | None = -1) -> bytes:
            asked.append(-1 if n is None else n)
            return super().read(n)

    monkeypatch.setattr(MemoryFileSystem, "info", unsized)
    monkeypatch.setattr(
        MemoryFileSystem, "_open", lambda self, path, *_, **__: Counted(self.store[path].getvalue())
    )
    assert statuses() == {**expected, "large.jpg": Status.TOO_LARGE, "none.jpg": Status.EMPTY}
    assert set(asked) == {101}


def test_names_with_brackets_are_names_and_no_patterns(bucket: dict[str, Exception]) -> None:
    fsspec.filesystem("memory").pipe("/bucket/photo[1].jpg", b"bracket")
    entries = [entry for entry in list_source("memory://bucket").entries if "[" in entry.uri]
    assert [content for _, content in read_entries(entries, LIMITS)] == [b"bracket"]
