"""Archives that are replaced, between two nights and between listing and reading; and archives that lie about
the places of their members.
"""

import errno
import io
import os
import struct
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from par_core.archive import list_source, read_entries
from par_core.errors import UnreadableImageError
from par_core.status import Status
from tests.sources import LIMITS, contents
from tests.unit.archive.test_places import KINDS, read, write_archive

REPLACED = (
    "vanished",
    "the archive was replaced after it was listed, and holds another file of this name",
)


def archive_of_times(path: Path, times: Sequence[int], content: bytes = b"x") -> dict[str, str]:
    """Write a tar of members with these times, and return the versions that its listing states."""
    with tarfile.open(path, "w") as tar:
        for number, mtime in enumerate(times):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size, member.mtime = len(content), mtime
            tar.addfile(member, io.BytesIO(content))
    return {entry.uri[-5:]: entry.version for entry in list_source(str(path)).entries}


def test_a_tar_of_silent_times_is_another_one_after_it_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "night.tar"
    for times in ([0], [0, 0], [7, 7, 7]):
        before = archive_of_times(path, times, b"red")
        os.utime(path, ns=(1, 1))
        same = archive_of_times(path, times, b"red")
        os.utime(path, ns=(2, 2))
        after = {entry.uri[-5:]: entry.version for entry in list_source(str(path)).entries}
        assert not {*before.values()} & {*after.values()}
        assert {version.partition(";")[0] for version in same.values()} == {f"mtime:{times[0]}"}
        size = path.stat().st_size
        assert set(after.values()) == {f"mtime:{times[0]};archive:{size}:2"}


def test_times_that_tell_are_the_whole_version_as_before(tmp_path: Path) -> None:
    path = tmp_path / "night.tar"
    versions = archive_of_times(path, [5, 6, 0, 6])
    assert versions["0.jpg"] == "mtime:5"
    assert versions["1.jpg"] == versions["3.jpg"] == "mtime:6"
    assert versions["2.jpg"] == f"mtime:0;archive:{path.stat().st_size}:{path.stat().st_mtime_ns}"


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_moved_are_found_and_never_another_is_taken_for_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a{kind}"
    files = [("a.jpg", b"first"), ("b.jpg", b"other"), ("c.jpg", b"third")]
    entries = list_source(str(write_archive(path, files))).entries
    write_archive(path, [("new.jpg", b"newer"), *files[:1], ("c.jpg", b"longer than before")], mtime=0)
    assert read(entries) == {
        "a.jpg": b"first",
        "b.jpg": ("vanished", "no longer in the archive"),
        "c.jpg": REPLACED,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_whose_neighbour_was_renamed_is_read_at_its_place(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a{kind}"
    entries = list_source(str(write_archive(path, [("a.jpg", b"1"), ("b.jpg", b"2")]))).entries
    write_archive(path, [("z.jpg", b"1"), ("b.jpg", b"2")])
    assert read(entries) == {"a.jpg": ("vanished", "no longer in the archive"), "b.jpg": b"2"}


def test_a_tar_that_is_replaced_after_its_listing_gives_no_bytes_under_the_old_versions(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.tar"
    for times, others in (([0, 0], [0, 0]), ([5, 6], [7, 8])):
        archive_of_times(path, times, b"red")
        entries = list_source(str(path)).entries
        path.unlink()
        archive_of_times(path, others, b"sea")
        os.utime(path, ns=(1, 1))
        assert read(entries) == {"0.jpg": REPLACED, "1.jpg": REPLACED}


def test_another_content_of_the_same_name_and_size_in_a_zip_is_told_by_its_crc(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    entries = list_source(str(write_archive(path, [("a.jpg", b"red")]))).entries
    write_archive(path, [("a.jpg", b"tea")])
    assert read(entries) == {"a.jpg": REPLACED}


def test_a_stream_is_not_read_on_in_an_archive_that_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    files = [(f"{number}.jpg", os.urandom(50_000)) for number in range(6)]
    entries = list_source(str(write_archive(path, files))).entries
    assert read(entries[:3]) == dict(files[:3])
    time.sleep(0.01)
    others = [(name, content[::-1]) for name, content in files]
    path.unlink()
    write_archive(path, others)
    assert read(entries[3:]) == dict(others[3:])


def test_a_compressed_tar_that_ends_too_early_gives_what_it_still_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    files = [(f"{number}.jpg", os.urandom(50_000)) for number in range(6)]
    entries = list_source(str(write_archive(path, files))).entries
    path.write_bytes(path.read_bytes()[:160_000])
    found = read(entries)
    assert {name: found[name] for name in ("0.jpg", "1.jpg", "2.jpg")} == dict(files[:3])
    assert [found[f"{number}.jpg"][0] for number in (3, 4, 5)] == 3 * ["damaged_archive"]  # type: ignore[index]


def test_a_zip_whose_directory_and_headers_name_different_files_is_damaged(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", [("a.jpg", b"1"), ("b.jpg", b"2")])
    raw = bytearray(path.read_bytes())
    at = raw.index(b"b.jpg")
    raw[at : at + 5] = b"x.jpg"
    path.write_bytes(bytes(raw))
    assert contents(str(path)) == {"a.jpg": b"1", "b.jpg": Status.DAMAGED_ARCHIVE}


def test_a_header_that_asks_for_a_password_without_the_directory_saying_so(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", [("a.jpg", b"1")])
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    path.write_bytes(bytes(raw))
    assert contents(str(path)) == {"a.jpg": Status.ENCRYPTED}


def test_an_unknown_method_is_named_and_damages_no_other_member(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", [("a.jpg", b"1"), ("b.jpg", b"2")])
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 10] = 93
    path.write_bytes(bytes(raw))
    entries = list_source(str(path)).entries
    assert [entry.place and entry.place.compression for entry in entries] == ["method 93", "stored"]
    message = "compressed by Zstandard, which is not read; pack it again with deflate"
    assert read(entries) == {"a.jpg": ("unread_compression", message), "b.jpg": b"2"}


@pytest.mark.parametrize("offset", [2**32 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("size", [1, 2**63, 2**64 - 1])
def test_places_and_sizes_beyond_all_bounds_are_statuses(tmp_path: Path, offset: int, size: int) -> None:
    path = write_archive(tmp_path / "a.zip", [("a.jpg", b"1")])
    raw = path.read_bytes()
    start, end = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
    header = bytearray(raw[start:end])
    extra = struct.pack("<HHQQQ", 1, 24, size, size, offset)
    header[20:28], header[30:32], header[42:46] = b"\xff" * 8, struct.pack("<H", len(extra)), b"\xff" * 4
    directory = bytes(header) + extra
    tail = bytearray(raw[end:])
    tail[12:16] = struct.pack("<I", len(directory))
    path.write_bytes(raw[:start] + directory + bytes(tail))
    assert contents(str(path))["a.jpg"] in (Status.TOO_LARGE, Status.DAMAGED_ARCHIVE)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_member_that_grows_beyond_the_size_it_states_takes_no_memory(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as file, file.open("a.jpg", "w") as member:
        for _ in range(250):
            member.write(bytes(10**6))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\1\2") + 24
    raw[at : at + 4] = struct.pack("<I", 1_000)
    path.write_bytes(bytes(raw))
    tracemalloc.start()
    try:
        assert contents(str(path)) == {"a.jpg": Status.DAMAGED_ARCHIVE}
        assert tracemalloc.get_traced_memory()[1] < 2 * 10**8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != ".tar.bz2"])  # which is one block
def test_a_disk_that_fails_inside_an_archive_is_not_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    files = [(f"{number}.jpg", os.urandom(100_000)) for number in range(4)]
    path = write_archive(tmp_path / f"a{kind}", files)
    entries = list_source(str(path)).entries
    preadv = os.preadv

    def failing(descriptor: int, buffers: Sequence[memoryview], position: int) -> int:
        if position + len(buffers[0]) > 250_000:
            raise OSError(errno.EIO, "Input/output error")
        return preadv(descriptor, buffers, position)

    monkeypatch.setattr("par_core.archive.raw_files.os.preadv", failing)
    results = [content for _, content in read_entries(entries, LIMITS)]
    assert results[0] == files[0][1]
    assert [content.status for content in results[3:] if isinstance(content, UnreadableImageError)] == [
        Status.IO_ERROR
    ]
    assert {entry.status for entry in list_source(str(path)).entries} - {Status.OK} == {Status.IO_ERROR}
