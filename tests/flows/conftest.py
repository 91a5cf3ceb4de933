"""A Prefect server and a Dask cluster for the tests of flows, started as the guides say."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.cluster import Cluster
from tests.flows.index_command import GROUPS
from tests.flows.processes import free_port
from tests.pictures import archive
from tests.waiting import wait_for_server

PREFECT = [sys.executable, "-m", "prefect"]


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for commands under test, without a server: nothing of the user's Prefect is touched."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return {
        **kept,
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "OMP_NUM_THREADS": "1",
        "DO_NOT_TRACK": "1",
    }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty pictures that a test may change."""
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def cluster(prefect_environment: dict[str, str], tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    started = Cluster(prefect_environment, tmp_path / "elsewhere")
    try:
        yield started
    finally:
        started.end()


@pytest.fixture(scope="package")
def prefect_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server prints."""
    return tmp_path_factory.mktemp("prefect-log") / "server.log"


@pytest.fixture(scope="package")
def prefect_api(prefect_environment: dict[str, str], prefect_log: Path) -> Iterator[dict[str, str]]:
    """The environment with the address of a running server. It ends with the tests of this folder, as it
    costs some percent of a core.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    serve = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    environment = {
        **prefect_environment,
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    with prefect_log.open("wb") as log:
        server = subprocess.Popen(
            serve, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_for_server(f"{url}/health", server, prefect_log)
        yield {**prefect_environment, "PREFECT_API_URL": url}
    finally:
        server.terminate()
        server.wait(30)
