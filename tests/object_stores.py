"""Servers that speak S3, on this machine, and stores on them."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from par_core.object_store.client import ObjectInfo, Objects, Stored
from par_core.object_store.working_copy import WorkingCopy

BUCKET = "people"
_Answer = TypeVar("_Answer")


@contextlib.contextmanager
def moto_server() -> Iterator[tuple[str, int]]:
    """Yield host and port of moto's S3 server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()
    finally:
        server.stop()


def client_of(url: str) -> Any:
    """Return boto3's client, the second implementation beside PAR's use of botocore."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def make_bucket(url: str) -> None:
    """Make the bucket unless it is there."""
    client = client_of(url)
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)


def copy_at(folder: Path, url: str, objects: Objects | None = None, *, writing: bool = False) -> WorkingCopy:
    """Return a working copy, as a host of its own would have one."""
    (folder / ".copy").mkdir(parents=True, exist_ok=True)
    return WorkingCopy(folder, url, folder.name, writing=writing, objects=objects)


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a copy, without what only the copy knows."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".copy" not in path.parts and path.suffix != ".lock" and path.name != "run.lock"
    }


def write_files(folder: Path, files: dict[str, bytes | None]) -> None:
    """Write files below a folder; None deletes one."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.0123.partial")
            partial.write_bytes(content)
            partial.replace(path)


class KilledError(BaseException):
    """The process is killed at this point."""


class Mortal:
    """Objects of a process that is killed before or after one of its requests; no later one is sent."""

    def __init__(self, objects: Objects, at: int, *, after: bool) -> None:
        self._objects, self.left, self._after = objects, at, after
        self.url = objects.url

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self._after):
            raise KilledError
        answer = ask()
        if self.left == 0:
            raise KilledError
        return answer

    def get(self, key: str, *, unless: str | None = None) -> Stored | None:
        return self._asked(lambda: self._objects.get(key, unless=unless))

    def put(self, key: str, content: bytes) -> str:
        return self._asked(lambda: self._objects.put(key, content))

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        return self._asked(lambda: self._objects.put_if(key, content, tag))

    def delete(self, keys: Collection[str]) -> None:
        return self._asked(lambda: self._objects.delete(keys))

    def listed(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._asked(lambda: self._objects.listed(prefix))

    def erase_versions(self, prefix: str) -> int | None:
        return self._asked(lambda: self._objects.erase_versions(prefix))
