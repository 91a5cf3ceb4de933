"""Every kind of source, listed and read; and every way in which it can go wrong."""

import errno
import io
import os
import stat
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import boto3
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from par_core.archive import Entry, list_source, members, read_entries
from par_core.archive.entries import path_of, uri_of
from par_core.archive.folder import list_folder
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError, TransientError, UnreadableImageError
from par_core.status import Status

LIMITS = ArchiveConfig()
NAMES = ("a.jpg", "deep/er/b.PNG", "c.txt", ".hidden.jpg", "._d.jpg", "@eaDir/e.jpg", "inner.zip")
SKIPPED = {"hidden": 2, "system": 1, "not_an_image": 1, "archive": 1}


def contents(source: str) -> dict[str, bytes | Status]:
    """The bytes, or the status, by the last part of the name."""
    results = read_entries(list_source(source).entries, LIMITS)
    return {
        entry.uri.rsplit("/", 1)[-1]: content.status if isinstance(content, UnreadableImageError) else content
        for entry, content in results
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


@pytest.fixture
def archive(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> str:
    kind: str = request.param
    path = tmp_path / f"photos{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name in NAMES:
                file.write(folder / name, name)
    else:
        with tarfile.open(path, "w:" + (kind.split(".")[2] if kind.count(".") == 2 else "")) as tar:
            for name in NAMES:
                tar.add(folder / name, name)
    return str(path)


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


def test_memory_url(folder: Path) -> None:
    files = fsspec.filesystem("memory")
    for name in NAMES:
        files.pipe(f"/bucket/{name}", name.encode())
    try:
        assert contents("memory://bucket") == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}
        assert list_source("memory://bucket").skipped == SKIPPED
    finally:
        files.rm("/bucket", recursive=True)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Exception]]:
    """Twenty files at memory://bucket; those named in the dictionary raise its error."""
    files, broken = fsspec.filesystem("memory"), dict[str, Exception]()
    read = MemoryFileSystem.cat_file

    def cat_file(self: MemoryFileSystem, path: str, *positional: object, **named: object) -> bytes:
        error = broken.get(path.rsplit("/", 1)[-1])
        if error is not None:
            raise error
        return bytes(read(self, path, *positional, **named))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", cat_file)
    for number in range(20):
        files.pipe(f"/bucket/{number:02}.jpg", b"x")
    yield broken
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


def raising(error: Exception) -> Callable[..., NoReturn]:
    """A function that fails."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


SHORTAGES = [OSError(number, os.strerror(number)) for number in (errno.ENOMEM, errno.EMFILE, errno.ENFILE)]


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
def test_a_machine_that_lacks_something_marks_no_file(
    folder: Path, bucket: dict[str, Exception], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    local, remote = list_source(str(folder)).entries, list_source("memory://bucket").entries
    bucket["03.jpg"] = error
    with pytest.raises(TransientError, match="machine"):
        list(read_entries(remote, LIMITS))

    monkeypatch.setattr("par_core.archive.reading.os.open", raising(error))
    with pytest.raises(TransientError, match="machine"):
        list(read_entries(local, LIMITS))


def test_a_lack_of_memory_while_reading_marks_no_file(
    folder: Path, tmp_path: Path, bucket: dict[str, Exception]
) -> None:
    limits = ArchiveConfig(max_bytes=2**62)  # so much is asked for, and no machine has it
    with pytest.raises(TransientError, match="out of memory"):
        list(read_entries(list_source(str(folder)).entries, limits))
    bucket["03.jpg"] = MemoryError()
    with pytest.raises(TransientError, match="out of memory"):
        list(read_entries(list_source("memory://bucket").entries, LIMITS))


OPENED = {".zip": "zipfile.ZipFile.__init__", ".tar": "tarfile.open"}
READ = {".zip": "zipfile.ZipFile.open", ".tar": "tarfile.ExFileObject.read"}


@pytest.mark.parametrize("archive", OPENED, indirect=True)
@pytest.mark.parametrize("error", [*SHORTAGES, MemoryError()], ids=repr)
def test_an_archive_is_not_damaged_because_the_machine_lacks_something(
    archive: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    entries = list_source(archive).entries
    monkeypatch.setattr(members, "can_allocate", lambda _: False)
    for failing in (OPENED, READ):
        with monkeypatch.context() as patch:
            patch.setattr(failing[Path(archive).suffix], raising(error))
            with pytest.raises(TransientError, match="machine"):
                list(read_entries(entries, LIMITS))
    monkeypatch.setattr(OPENED[Path(archive).suffix], raising(error))
    with pytest.raises(TransientError, match="machine"):
        list_source(archive)


@pytest.mark.parametrize("archive", OPENED, indirect=True)
def test_an_archive_that_asks_for_more_memory_than_any_picture_needs_is_damaged(
    archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = list_source(archive).entries
    monkeypatch.setattr(READ[Path(archive).suffix], raising(MemoryError()))
    results = [content for _, content in read_entries(entries, LIMITS)]
    assert {content.status for content in results if isinstance(content, UnreadableImageError)} == {
        Status.DAMAGED_ARCHIVE
    }
    monkeypatch.setattr(OPENED[Path(archive).suffix], raising(MemoryError()))
    assert [entry.status for entry in list_source(archive).entries] == [Status.DAMAGED_ARCHIVE]


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
@pytest.mark.parametrize("name", ["scandir", "stat"])
def test_a_folder_is_not_listed_in_part_where_the_machine_lacks_something(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, name: str
) -> None:
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    real = getattr(os, name)

    def refused(path: str, **named: object) -> object:
        if str(path).endswith(("deep", "link.jpg")):
            raise error
        return real(path, **named)

    monkeypatch.setattr(f"par_core.archive.folder.os.{name}", refused)
    with pytest.raises(TransientError, match="machine"):
        list_folder(folder)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real S3 API on this machine; yields its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    for key, value in {
        "FSSPEC_S3_ENDPOINT_URL": url,
        "FSSPEC_S3_KEY": "test",
        "FSSPEC_S3_SECRET": "test",
    }.items():
        monkeypatch.setenv(key, value)
    fsspec.config.set_conf_env(fsspec.config.conf)
    yield url
    fsspec.config.conf.pop("s3", None)
    server.stop()


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_s3_url_lists_reads_and_knows_what_changed(s3: str, folder: Path) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client.create_bucket(Bucket="archive")
    for name in NAMES:
        client.put_object(Bucket="archive", Key=f"night/{name}", Body=name.encode())
    before = {entry.uri: entry.version for entry in list_source("s3://archive/night").entries}
    assert contents("s3://archive/night") == {"a.jpg": b"a.jpg", "b.PNG": b"deep/er/b.PNG"}
    client.put_object(Bucket="archive", Key="night/a.jpg", Body=b"other")
    fsspec.filesystem("s3").invalidate_cache()
    after = {entry.uri: entry.version for entry in list_source("s3://archive/night").entries}
    assert {uri for uri in after if after[uri] != before[uri]} == {"s3://archive/night/a.jpg"}


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
    """Run as another user if this one is root, to whom no file is denied."""
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
