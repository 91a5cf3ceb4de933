"""Local sources of every kind, listed and read; and their faults."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.archive import Entry, list_source, read_entries
from par_core.archive.entries import path_of, uri_of
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.status import Status
from tests.sources import LIMITS, SKIPPED, contents


def test_folder_is_listed_and_read(folder: Path) -> None:
    assert list_source(str(folder)).skipped == SKIPPED
    assert contents(str(folder)) == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}


@pytest.mark.parametrize("archive", [".zip", ".tar", ".tar.gz", ".tar.xz"], indirect=True)
def test_archive_is_listed_and_read_in_place(archive: str) -> None:
    listing = list_source(archive)
    assert listing.skipped == {**SKIPPED, "system": 1}
    assert [entry.uri for entry in listing.entries] == [f"{archive}!/a.jpg", f"{archive}!/deep/er/b.PNG"]
    assert contents(archive) == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}


def test_list_of_paths_takes_any_suffix_and_tells_what_is_missing(folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "some.txt"
    listed.write_text("# a comment\n\nphotos/a.jpg\nphotos/c.txt\nphotos/gone.jpg\nphotos/a.jpg\n")
    assert contents(str(listed)) == {"a.jpg": b"a.jpg", "c.txt": b"c.txt", "gone.jpg": Status.VANISHED}


def test_one_picture_is_a_source(folder: Path) -> None:
    assert contents(str(folder / "a.jpg")) == {"a.jpg": b"a.jpg"}


@pytest.mark.parametrize("source", ["", "  ", "/no/such/place", "nothing-here.zip", "nosuchscheme://x/y"])
def test_a_source_that_is_not_there_is_one_clear_line(source: str) -> None:
    with pytest.raises(BadConfigError) as caught:
        list_source(source)
    assert "\n" not in str(caught.value)


def test_empty_vanished_and_too_large_files_have_different_statuses(folder: Path) -> None:
    (folder / "empty.jpg").touch()
    (folder / "gone.jpg").write_bytes(b"x")
    listing = list_source(str(folder))
    (folder / "gone.jpg").unlink()
    (folder / "a.jpg").write_bytes(b"x" * 100)
    by_name = {
        entry.uri.rsplit("/", 1)[-1]: content
        for entry, content in read_entries(listing.entries, ArchiveConfig(max_bytes=50))
    }
    statuses = {
        name: content.status for name, content in by_name.items() if isinstance(content, UnreadableImageError)
    }
    assert statuses == {"empty.jpg": Status.EMPTY, "gone.jpg": Status.VANISHED, "a.jpg": Status.TOO_LARGE}


def test_links_that_loop_or_leave_are_rows_and_links_inside_are_followed(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "in.jpg").symlink_to(folder / "a.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "nowhere.jpg")
    by_name = contents(str(folder))
    assert by_name["loop.jpg"] is Status.SYMLINK_LOOP
    assert by_name["up"] is Status.SYMLINK_LOOP
    assert by_name["out.jpg"] is Status.SYMLINK_OUTSIDE
    assert by_name["dangling.jpg"] is Status.VANISHED
    assert by_name["in.jpg"] == b"a.jpg"


def test_a_pipe_with_a_pictures_name_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert "pipe.jpg" not in contents(str(folder))
    read = dict(read_entries([Entry(str(folder / "pipe.jpg"), 0, "")], LIMITS))
    assert all(isinstance(content, UnreadableImageError) for content in read.values())


def test_permission_denied_is_a_status(folder: Path) -> None:
    """Run as another user if this one is root, who may read every file."""
    (folder / "a.jpg").chmod(0)
    (folder / "deep").chmod(0)
    for parent in [folder, *folder.parents][:5]:
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    code = (
        "import os, sys\nimport cv2, jaxtyping, PIL.Image, fsspec\nfrom par_core.archive import list_source,"
        " read_entries\nfrom par_core.config import ArchiveConfig\nos.getuid() or (os.setgroups([]),"
        " os.setgid(65534), os.setuid(65534))\nfor entry, content in"
        " read_entries(list_source(sys.argv[1]).entries, ArchiveConfig()): print(entry.uri.rsplit('/')[-1],"
        " content.status)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    (folder / "deep").chmod(0o755)
    assert sorted(run.stdout.split("\n")[:-1]) == ["a.jpg permission", "deep permission"], run.stderr


def test_a_name_that_is_no_utf8_is_read_and_named_unambiguously(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"coffee")
    uris = [entry.uri for entry in list_source(str(folder)).entries if "caf" in entry.uri]
    assert uris == [f"file://{folder}/caf%E9.jpg"]
    assert contents(str(folder))["caf%E9.jpg"] == b"coffee"


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_uris_of_paths_can_be_undone(raw: bytes) -> None:
    path = b"/" + raw.lstrip(b"/")
    uri = uri_of(os.fsdecode(path))
    assert path_of(uri) == path
    uri.encode("utf-8")


def test_hostile_member_names_are_only_names(tmp_path: Path) -> None:
    names = [
        "../../etc/evil.jpg",
        "/abs.jpg",
        "C:\\win.jpg",
        "same.jpg",
        "same.jpg",
        "a!/b.jpg",
        "<script>.jpg",
    ]
    path = tmp_path / "bad.zip"
    # zipfile warns of the name that stands twice
    with zipfile.ZipFile(path, "w") as file, warnings.catch_warnings(action="ignore"):
        for number, name in enumerate(names):
            file.writestr(name, f"{number}")
    before = sorted(tmp_path.rglob("*"))
    results = list(read_entries(list_source(str(path)).entries, LIMITS))
    assert sorted(content for _, content in results) == [b"0", b"1", b"2", b"3", b"4", b"5", b"6"]
    assert sorted(tmp_path.rglob("*")) == before


def test_encrypted_and_damaged_members_are_statuses(tmp_path: Path) -> None:
    path = tmp_path / "mixed.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("fine.jpg", b"fine")
        file.writestr("broken.jpg", b"broken-content")
        file.writestr("locked.jpg", b"locked")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"broken-content")] ^= 0xFF
    central = raw.rindex(b"locked.jpg") - 46
    raw[central + 8] |= 1
    path.write_bytes(bytes(raw))
    assert contents(str(path)) == {
        "fine.jpg": b"fine",
        "broken.jpg": Status.DAMAGED_ARCHIVE,
        "locked.jpg": Status.ENCRYPTED,
    }


def test_a_zip_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.jpg", bytes(5_000_000))
    honest = dict(read_entries(list_source(str(path)).entries, ArchiveConfig(max_bytes=1_000_000)))
    assert [content.status for content in honest.values()] == [Status.TOO_LARGE]
    raw = bytearray(path.read_bytes())
    for offset in (raw.index(b"PK\x03\x04") + 22, raw.index(b"PK\x01\x02") + 24):  # declare 1,000 bytes
        raw[offset : offset + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(bytes(raw))
    (lying,) = dict(read_entries(list_source(str(path)).entries, ArchiveConfig(max_bytes=1_000_000))).values()
    assert isinstance(lying, UnreadableImageError)


@pytest.mark.parametrize("archive", [".zip", ".tar", ".tar.gz"], indirect=True)
def test_an_archive_cut_short_is_a_row_and_not_a_crash(archive: str) -> None:
    whole = Path(archive).read_bytes()
    Path(archive).write_bytes(whole[: len(whole) // 3])
    listing = list_source(archive)
    assert Status.DAMAGED_ARCHIVE in {entry.status for entry in listing.entries}
    assert len(list(read_entries(listing.entries, LIMITS))) == len(listing.entries)


def test_links_inside_a_tar_are_never_followed(tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("passwd.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        fine = tarfile.TarInfo("fine.jpg")
        fine.size = 4
        tar.addfile(fine, io.BytesIO(b"fine"))
    assert contents(str(path)) == {"fine.jpg": b"fine"}


def test_a_member_that_vanished_is_a_status(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("one.jpg", b"1")
    ((_, content),) = read_entries([Entry(f"{path}!/two.jpg", 1, "")], LIMITS)
    assert isinstance(content, UnreadableImageError)
    assert content.status is Status.VANISHED


@given(order=st.permutations(range(6)))
def test_every_entry_is_read_exactly_once_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    root = tmp_path_factory.getbasetemp() / "permuted"
    if not root.exists():
        root.mkdir()
        for number in range(3):
            (root / f"{number}.jpg").write_bytes(b"x")
        with zipfile.ZipFile(root / "z.zip", "w") as file:
            for number in range(3):
                file.writestr(f"{number}.jpg", b"y")
    entries = [*list_source(str(root)).entries, *list_source(str(root / "z.zip")).entries]
    shuffled = [entries[i] for i in order]
    assert sorted(entry.uri for entry, _ in read_entries(shuffled, LIMITS)) == sorted(
        entry.uri for entry in entries
    )
