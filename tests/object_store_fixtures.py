"""A server that speaks S3, behind a proxy that fails when it is asked to."""

from collections.abc import Iterator

import fsspec
import pytest

from benchmarks.faulty_proxy import FaultyProxy, faulty_proxy
from par_core.object_store import s3
from par_core.object_store.client import Objects
from par_core.object_store.memory import MemoryObjects
from par_core.object_store.s3 import S3Objects
from tests.object_stores import BUCKET, make_bucket, moto_server


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, int]]:
    with moto_server() as address:
        make_bucket(f"http://{address[0]}:{address[1]}")
        yield address


@pytest.fixture
def proxy(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    with faulty_proxy(server) as proxy:
        settings = {"endpoint_url": proxy.url, "key": "test", "secret": "test"}
        monkeypatch.setitem(fsspec.config.conf, "s3", settings)
        monkeypatch.setattr(s3, "_FIRST_PAUSE_S", 0.01)
        yield proxy


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """A prefix that no other test uses."""
    return f"s3://{BUCKET}/{abs(hash(request.node.nodeid))}"


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def objects(request: pytest.FixtureRequest, url: str) -> Objects:
    return objects_by(request, url)


def objects_by(request: pytest.FixtureRequest, url: str) -> Objects:
    """The objects that the parameter of a fixture names."""
    if request.param == "memory":
        return MemoryObjects(url.replace("s3://", "memory://"))
    request.getfixturevalue("proxy")
    return S3Objects(url)
