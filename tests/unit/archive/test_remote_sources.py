"""Sources behind URLs: in memory, and on a real S3 API."""

from pathlib import Path

import fsspec
import pytest

from benchmarks.wire import Wire
from par_core.archive import list_source, read_entries
from par_core.errors import TransientError, UnreadableImageError
from par_core.status import Status
from tests.sources import LIMITS, NAMES, SKIPPED, contents, s3_client


def test_memory_url(folder: Path) -> None:
    files = fsspec.filesystem("memory")
    for name in NAMES:
        files.pipe(f"/bucket/{name}", name.encode())
    try:
        assert contents("memory://bucket") == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}
        assert list_source("memory://bucket").skipped == SKIPPED
    finally:
        files.rm("/bucket", recursive=True)


def test_a_storage_that_gives_nothing_is_out_of_reach_and_no_file_is_marked(
    bucket: dict[str, Exception],
) -> None:
    entries = list_source("memory://bucket").entries
    bucket.update({f"{number:02}.jpg": ConnectionResetError("reset") for number in range(16)})  # one group
    with pytest.raises(
        TransientError, match=r"none of 16 files could be read, such as memory://.*bucket/00\.jpg: reset"
    ):
        list(read_entries(entries, LIMITS))


def test_files_of_a_storage_that_gives_others_are_marked_each_by_its_trouble(
    bucket: dict[str, Exception],
) -> None:
    entries = list_source("memory://bucket").entries
    bucket.update({f"{number:02}.jpg": ConnectionResetError("reset") for number in range(15)})
    results = [
        content.status if isinstance(content, UnreadableImageError) else content
        for _, content in read_entries(entries, LIMITS)
    ]
    assert results == 15 * [Status.IO_ERROR] + 5 * [b"x"]
    bucket.update({f"{number:02}.jpg": FileNotFoundError("gone") for number in range(20)})
    results = [
        content.status if isinstance(content, UnreadableImageError) else content
        for _, content in read_entries(entries, LIMITS)
    ]
    assert results == 20 * [Status.VANISHED]


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_s3_url_lists_reads_and_knows_what_changed(s3: Wire, folder: Path) -> None:
    client = s3_client(s3)
    client.create_bucket(Bucket="archive")
    for name in NAMES:
        client.put_object(Bucket="archive", Key=f"night/{name}", Body=name.encode())
    before = {entry.uri: entry.version for entry in list_source("s3://archive/night").entries}
    assert contents("s3://archive/night") == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}
    client.put_object(Bucket="archive", Key="night/a.jpg", Body=b"other")
    fsspec.filesystem("s3").invalidate_cache()
    after = {entry.uri: entry.version for entry in list_source("s3://archive/night").entries}
    assert {uri for uri in after if after[uri] != before[uri]} == {"s3://archive/night/a.jpg"}
