"""Names of objects are read literally, and replaced files on web servers are noticed."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from par_core.archive import list_source, read_entries
from par_core.config import ArchiveConfig
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
