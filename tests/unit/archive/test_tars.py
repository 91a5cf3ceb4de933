"""Tars as people make them: joined, with hard links, compressed by zstd; zips of other compressions."""

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from par_core.archive import Entry, list_source, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.status import Status

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tgz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstd.compress,
    "tzst": zstd.compress,
}


def tar(*names: str, links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = 700 + number, 1_700_000_000 + number
            archive.addfile(info, io.BytesIO(content(name, number)))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.LNKTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def content(name: str, number: int) -> bytes:
    return name.encode().ljust(700 + number, b".")


def read(entries: list[Entry] | tuple[Entry, ...]) -> dict[str, bytes | Status]:
    return {
        entry.uri.split("!/")[1]: got.status if isinstance(got, UnreadableImageError) else got
        for entry, got in read_entries(entries, ArchiveConfig())
    }


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("whole", [True, False])
def test_joined_tars_are_read_to_their_end(tmp_path: Path, suffix: str, whole: bool) -> None:
    """``cat a.tar.gz b.tar.gz``, or tars that were joined before they were compressed."""
    parts = [tar("a.jpg", "b.jpg"), tar("c.jpg"), tar("a.jpg", "d.jpg")]
    compress = COMPRESSED[suffix]
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(compress(b"".join(parts)) if whole else b"".join(map(compress, parts)))
    entries = list_source(str(path)).entries
    wanted = {"a.jpg": 0, "b.jpg": 1, "c.jpg": 0, "a.jpg#2": 0, "d.jpg": 1}
    expected = {name: content(name.removesuffix("#2"), number) for name, number in wanted.items()}
    assert read(entries) == expected
    assert read(list(entries)[3:]) | read(list(entries)[:3]) == expected


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.zst"])
def test_a_hard_link_is_a_file_with_the_bytes_of_its_target(tmp_path: Path, suffix: str) -> None:
    links = {"second.jpg": "a.jpg", "third.jpg": "second.jpg", "lost.jpg": "gone.jpg", "text.jpg": "c.txt"}
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(COMPRESSED[suffix](tar("a.jpg", "b.jpg", "c.txt", links=links)))
    listing = list_source(str(path))
    assert read(listing.entries) == {
        "a.jpg": content("a.jpg", 0),
        "b.jpg": content("b.jpg", 1),
        "second.jpg": content("a.jpg", 0),
        "third.jpg": content("a.jpg", 0),
        "text.jpg": content("c.txt", 2),
        "lost.jpg": Status.VANISHED,
    }
    assert listing.skipped == {"not_an_image": 1}


def test_damage_in_the_middle_is_told_and_padding_at_the_end_is_not(tmp_path: Path) -> None:
    whole = tar("a.jpg", "b.jpg", "c.jpg")
    damaged = bytearray(whole)
    damaged[3 * 512 : 3 * 512 + 100] = b"\x99" * 100  # the header of the second member
    (tmp_path / "damaged.tar").write_bytes(damaged)
    entries = list_source(str(tmp_path / "damaged.tar")).entries
    assert [(entry.uri[-5:], entry.status) for entry in entries] == [
        ("d.tar", Status.DAMAGED_ARCHIVE),
        ("a.jpg", Status.OK),
    ]
    (tmp_path / "padded.tar").write_bytes(whole + b"padding of a tape" * 100)
    assert len(read(list_source(str(tmp_path / "padded.tar")).entries)) == 3


def test_a_zip_of_a_compression_that_is_not_read_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", b"x" * 100)
        archive.writestr("b.jpg", b"y" * 100)
    packed = bytearray(path.read_bytes())
    for signature, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        packed[packed.index(signature) + place] = 9
    path.write_bytes(packed)
    entries = list_source(str(path)).entries
    assert [entry.status for entry in entries] == [Status.UNREAD_COMPRESSION, Status.OK]
    assert "Deflate64" in entries[0].message
    assert read(entries) == {"a.jpg": Status.UNREAD_COMPRESSION, "b.jpg": b"y" * 100}


def test_a_hard_link_may_name_its_file_in_another_way_and_one_to_nothing_is_told(tmp_path: Path) -> None:
    place = tmp_path / "a.tar"
    place.write_bytes(tar("a.jpg", links={"b.jpg": "./a.jpg", "c.jpg": "gone.jpg"}))
    listing = list_source(str(place))
    assert read(listing.entries) == {
        "a.jpg": content("a.jpg", 0),
        "b.jpg": content("a.jpg", 0),
        "c.jpg": Status.VANISHED,
    }
    assert not listing.skipped
    [lost] = [entry for entry in listing.entries if entry.status is Status.VANISHED]
    assert lost.message == "a hard link to 'gone.jpg', which is not in the archive"


@pytest.mark.parametrize("compress", ["tar", "tar.gz"])
def test_members_of_an_incremental_tar_keep_their_names(tmp_path: Path, compress: str) -> None:
    """GNU tar writes times where other tars have the beginning of a long name."""
    folder = tmp_path / "night"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(content("a.jpg", 0))
    (folder / "b.jpg").hardlink_to(folder / "a.jpg")
    made = ["tar", "-C", tmp_path, "-g", tmp_path / "state", "-cf", tmp_path / "n.tar", "night"]
    subprocess.run(made, check=True)
    place = tmp_path / f"n.{compress}"
    place.write_bytes(COMPRESSED[compress]((tmp_path / "n.tar").read_bytes()))
    assert read(list_source(str(place)).entries) == {
        "night/a.jpg": content("a.jpg", 0),
        "night/b.jpg": content("a.jpg", 0),
    }
