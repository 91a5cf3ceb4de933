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
from tests.seaweedfs import ACCESS, seaweedfs


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, int]]:
    with moto_server() as address:
        make_bucket(f"http://{address[0]}:{address[1]}")
        yield address


@pytest.fixture(scope="session")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server by others than moto."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs") / "server") as server_url:
        yield server_url


@pytest.fixture
def at_other_server(other_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, with its keys set for what a test opens."""
    keys = {"key": ACCESS["AWS_ACCESS_KEY_ID"], "secret": ACCESS["AWS_SECRET_ACCESS_KEY"]}
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": other_server, **keys})
    return other_server


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


@pytest.fixture(
    params=["memory", *(pytest.param(name, marks=pytest.mark.slow) for name in ("s3", "seaweedfs"))]
)
def objects(request: pytest.FixtureRequest, url: str) -> Objects:
    return objects_by(request, url)


def objects_by(request: pytest.FixtureRequest, url: str) -> Objects:
    """The objects that the parameter of a fixture names."""
    if request.param == "memory":
        return MemoryObjects(url.replace("s3://", "memory://"))
    if request.param == "seaweedfs":
        request.getfixturevalue("at_other_server")
        return S3Objects(url)
    request.getfixturevalue("proxy")
    return S3Objects(url)
