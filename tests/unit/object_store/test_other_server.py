"""A second server, which is no relation of moto's: localbucket keeps buckets as folders. It knows
``If-None-Match`` and not ``If-Match``, so that a store there must be refused.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from par_core.errors import BadConfigError
from par_core.object_store.client import MissingObjectError
from par_core.object_store.holding import Holding
from par_core.object_store.s3 import S3Objects
from tests.waiting import wait_until

pytest.importorskip("localbucket")


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Objects]:
    (tmp_path / "data" / "people").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "localbucket", "--port", str(port), str(tmp_path / "data")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    settings = {"endpoint_url": f"http://127.0.0.1:{port}", "key": "test", "secret": "test"}
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)

    def answers() -> bool:
        with socket.socket() as there:
            return there.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, 30)
        yield S3Objects("s3://people/store")
    finally:
        server.terminate()
        server.wait(10)


def test_objects_are_written_read_listed_and_made_once(objects: S3Objects) -> None:
    tag = objects.put("files/a b@1", b"content")
    stored = objects.get("files/a b@1")
    assert stored is not None
    assert (stored.content, stored.tag) == (b"content", tag)
    assert [(item.key, item.size) for item in objects.listed("files/")] == [("files/a b@1", 7)]
    assert objects.put_if("files/a b@1", b"other", None) is None
    assert objects.put_if("once", b"1", None) is not None
    with pytest.raises(MissingObjectError):
        objects.get("none")


def test_a_store_is_refused_as_the_server_does_not_compare(objects: S3Objects) -> None:
    with pytest.raises(BadConfigError, match="does not keep to conditions of writes"):
        Holding(objects, "a")
    assert list(objects.listed("")) == []
