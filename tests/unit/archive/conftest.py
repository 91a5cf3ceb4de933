"""A folder, an archive and a bucket of files."""

import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from benchmarks.wire import Wire, wire_to
from tests.sources import NAMES


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


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A real S3 API on this machine, behind a line."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with wire_to(server.get_host_and_port()) as wire:
        for key, value in {"ENDPOINT_URL": wire.url, "KEY": "test", "SECRET": "test"}.items():
            monkeypatch.setenv(f"FSSPEC_S3_{key}", value)
        fsspec.config.set_conf_env(fsspec.config.conf)
        yield wire
        fsspec.config.conf.pop("s3", None)
    server.stop()
