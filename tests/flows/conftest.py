"""One Prefect server for all tests of flows, with a database of its own."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for commands under test: nothing of the user's Prefect is touched."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return {**kept, "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def prefect_api(prefect_environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment with the address of a running server."""
    from flows.server import api_server

    before = dict(os.environ)
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = prefect_environment["PREFECT_HOME"]
    try:
        with api_server() as ready:
            yield {**prefect_environment, "PREFECT_API_URL": ready()}
    finally:
        os.environ.clear()
        os.environ.update(before)
