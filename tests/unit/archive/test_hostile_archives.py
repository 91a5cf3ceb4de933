"""Archives that were made to stop, fill or crash the program that reads them."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from par_core.archive import Entry, list_source, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

LIMITS = ArchiveConfig()
NOISE = bytes(range(256)) * 80


def statuses(source: Path) -> set[Status]:
    """What became of everything that a source is said to hold."""
    contents = read_entries(list_source(str(source)).entries, LIMITS)
    return {
        content.status if isinstance(content, UnreadableImageError) else Status.OK for _, content in contents
    }


def spoil(path: Path, start: int, end: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[start:end] = bytes(byte ^ 0x5A for byte in raw[start:end])
    path.write_bytes(bytes(raw))


def test_a_damaged_lzma_member_is_a_status(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.jpg", os.urandom(2_000))
    spoil(path, 60, 600)
    assert statuses(path) == {Status.DAMAGED_ARCHIVE}


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_a_compressed_tar_that_is_damaged_in_its_middle_is_a_row(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.tar.{kind}"
    with tarfile.open(path, f"w:{kind}") as tar:
        for number in range(60):
            tar.addfile(member(f"{number}.jpg", 20_000), io.BytesIO(os.urandom(20_000)))
    spoil(path, 800_000, 800_400)
    assert Status.DAMAGED_ARCHIVE in statuses(path)


def member(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.type = size, kind
    return header


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_a_name_of_gigabytes_is_not_read(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        file.write(member("fine.jpg", 0).tobuf())
        file.write(member("x", 2**32, kind).tobuf())
        file.truncate(2**32 + 4_096)  # a hole, which takes no room
    listing = list_source(str(path))
    (damaged,) = [entry for entry in listing.entries if entry.status is not Status.OK]
    assert damaged.status is Status.DAMAGED_ARCHIVE
    assert "4294967296 bytes" in damaged.message
    path.unlink()


def test_headers_nested_without_end_are_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(
        member("fine.jpg", 0).tobuf()
        + member("x", 0, tarfile.GNUTYPE_LONGNAME).tobuf() * 5_000
        + bytes(1_024)
    )
    assert Status.DAMAGED_ARCHIVE in statuses(path)


@pytest.mark.parametrize("size", [-512, -1024])
def test_a_header_that_leads_back_does_not_go_on_for_ever(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(
        member("a.jpg", 0).tobuf() * 2 + member("b.jpg", size).tobuf(tarfile.GNU_FORMAT) + bytes(1_024)
    )
    assert Status.DAMAGED_ARCHIVE in statuses(path)


def test_a_member_without_a_name_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x", b"")
        file.writestr("a.jpg", b"fine")
    raw = path.read_bytes()
    for head, length, size in ((b"PK\x03\x04", 26, 30), (b"PK\x01\x02", 28, 46)):
        at = raw.index(head)
        assert raw[at + size : at + size + 1] == b"x"
        # no name; its letter becomes an extra field
        raw = raw[: at + length] + b"\0\0\1\0" + raw[at + length + 4 :]
    path.write_bytes(raw)
    listing = list_source(str(path))
    assert [entry.uri.rsplit("/", 1)[1] for entry in listing.entries] == ["a.jpg"]
    assert listing.skipped == {"not_an_image": 1}


def test_a_pipe_with_an_archives_name_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    os.mkfifo(path)
    ((_, content),) = read_entries([Entry(f"{path}!/a.jpg", 1, "")], LIMITS)
    assert isinstance(content, UnreadableImageError)


def test_folders_deeper_than_pythons_stack_are_listed(tmp_path: Path) -> None:
    before, levels = os.open(".", os.O_RDONLY), 1_200
    os.chdir(tmp_path)
    try:
        for _ in range(levels):
            os.mkdir("d")
            os.chdir("d")
        Path("a.jpg").write_bytes(b"fine")
        assert [entry.status for entry in list_source(str(tmp_path)).entries] == [Status.OK]
    finally:  # neither can pytest remove so deep a folder
        Path("a.jpg").unlink(missing_ok=True)
        for _ in range(levels):
            os.chdir("..")
            os.rmdir("d")
        os.fchdir(before)
        os.close(before)
