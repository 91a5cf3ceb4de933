"""Names of objects are read literally, and replaced files on web servers are noticed."""

import functools
import http.server
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from par_core.archive import Listing, list_source, read_entries
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError, UnreadableImageError
from par_core.status import Status
from tests.unit.archive.conftest import Wire

NAMES = [
    *("photo[1].jpg", "photo1.jpg", "0::cam.jpg", "a*b.jpg", "a?b.jpg", "x#y.jpg", "{a,b}.jpg"),
    *("sp ace.jpg", "per%20cent.jpg", "ü.jpg", "we!/ird.jpg", "s3::memory://x.jpg"),
]


def contents(source: str) -> dict[str, bytes]:
    read = {}
    for entry, content in read_entries(list_source(source).entries, ArchiveConfig()):
        assert isinstance(content, bytes), (entry, content)
        read[entry.uri.removeprefix(f"{source}/")] = content
    return read


def test_objects_of_any_name_are_read_beside_others_and_alone(s3: Wire) -> None:
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    for number, name in enumerate(NAMES):
        for folder in ("all", f"alone[{number}]"):
            files.pipe(f"bucket/{folder}/{name}", name.encode())
    wanted = {name: name.encode() for name in NAMES}
    assert contents("s3://bucket/all") == wanted
    for number, name in enumerate(NAMES):
        assert contents(f"s3://bucket/alone[{number}]") == {name: name.encode()}


class _Plain(http.server.SimpleHTTPRequestHandler):
    """A web server of files; without headers that tell a version if ``silent``."""

    silent = False

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def send_header(self, keyword: str, value: str) -> None:
        if not (self.silent and keyword in ("Last-Modified", "Content-Length")):
            super().send_header(keyword, value)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "photos").mkdir()
    handler = functools.partial(_Plain, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    fsspec.config.conf["http"] = {"use_listings_cache": False}
    yield f"http://127.0.0.1:{server.server_port}/photos/"
    fsspec.config.conf.pop("http")
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_of_any_name_on_a_web_server_are_read_beside_others_and_alone(web: str, tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        if "://" not in name:
            for folder in ("photos", f"alone{number}"):
                path = tmp_path / folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(name)
    wanted = sorted(name.encode() for name in NAMES if "://" not in name)
    assert sorted(contents(web).values()) == wanted
    for number, name in enumerate(NAMES):
        if "://" not in name:
            assert list(contents(web.replace("photos", f"alone{number}")).values()) == [name.encode()]


def archive_of(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"member")
    return file.getvalue()


ODD = {"w::y.zip!/a.jpg": b"member", "x.zip!/inner.zip!/a.jpg": b"member", "x.zip!/c.jpg": b"beside"}


@pytest.fixture(params=["memory", "folder"])
def odd_places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Archives whose names or folders are easily misread."""
    files, root = fsspec.filesystem("memory"), "/odd"
    if request.param == "folder":
        files, root = fsspec.filesystem("file", auto_mkdir=True), str(tmp_path / "odd")
    files.pipe_file(f"{root}/w::y.zip", archive_of("a.jpg"))
    files.pipe_file(f"{root}/x.zip!/inner.zip", archive_of("a.jpg"))
    files.pipe_file(f"{root}/x.zip!/c.jpg", b"beside")
    yield f"memory://{root}" if request.param == "memory" else root
    files.rm(root, recursive=True)


def contents_of(listing: Listing, root: str) -> dict[str, bytes | UnreadableImageError]:
    read = read_entries(listing.entries, ArchiveConfig())
    return {entry.uri.removeprefix(f"{root}/"): content for entry, content in read}


def test_archives_whose_names_or_folders_are_easily_misread(odd_places: str) -> None:
    assert contents_of(list_source(odd_places, containers=True), odd_places) == ODD
    for archive in ("w::y.zip", "x.zip!/inner.zip"):
        read = contents_of(list_source(f"{odd_places}/{archive}"), odd_places)
        assert read == {f"{archive}!/a.jpg": b"member"}
    assert contents_of(list_source(f"{odd_places}/x.zip!"), odd_places) == {"x.zip!/c.jpg": b"beside"}


def test_a_list_names_what_is_in_such_places(odd_places: str, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("".join(f"{odd_places}/{name}\n" for name in ODD))
    assert contents_of(list_source(str(tmp_path / "l.txt")), odd_places) == ODD


def test_a_list_of_archives_stands_for_their_members_with_containers(odd_places: str, tmp_path: Path) -> None:
    lines = [f"{odd_places}/w::y.zip", f"{odd_places}/x.zip!/inner.zip", f"{odd_places}/gone.zip"]
    (tmp_path / "l.txt").write_text("\n".join(lines[:2]))
    counted = list_source(str(tmp_path / "l.txt"))
    assert (counted.entries, counted.skipped) == ((), {"archive": 2})
    (tmp_path / "l.txt").write_text("\n".join(lines))
    read = contents_of(list_source(str(tmp_path / "l.txt"), containers=True), odd_places)
    gone = read.pop("gone.zip")
    assert isinstance(gone, UnreadableImageError)
    assert gone.status is Status.VANISHED
    assert read == {name: content for name, content in ODD.items() if content == b"member"}


def test_a_member_behind_a_url_as_a_source_is_told_how_to_ask_for_it() -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/outer/o.zip", archive_of("a.jpg"))
    try:
        with pytest.raises(BadConfigError, match=r"name that, memory://outer/o\.zip, or list its members"):
            list_source("memory://outer/o.zip!/a.jpg")
    finally:
        files.rm("/outer", recursive=True)


def keys(url: str) -> dict[str, tuple[int, str]]:
    return {entry.uri.rsplit("/", 1)[1]: (entry.size, entry.version) for entry in list_source(url).entries}


def test_a_replaced_picture_on_a_web_server_is_noticed(web: str, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"12345")
        os.utime(tmp_path / "photos" / name, (1_700_000_000, 1_700_000_000))
    first = keys(web)
    assert keys(web) == first
    assert first["a.jpg"][0] == 5
    (tmp_path / "photos" / "a.jpg").write_bytes(b"54321")
    os.utime(tmp_path / "photos" / "a.jpg", (1_700_000_100, 1_700_000_100))
    second = keys(web)
    assert second["a.jpg"] != first["a.jpg"]
    assert second["b.jpg"] == first["b.jpg"]


def test_where_a_server_tells_nothing_no_file_counts_as_unchanged(
    web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Plain, "silent", True)
    (tmp_path / "photos" / "a.jpg").write_bytes(b"12345")
    assert keys(web) != keys(web)
