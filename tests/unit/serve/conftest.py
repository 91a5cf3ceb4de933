from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.serving import client_of, small_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``store`` and ``photos`` that the tests of a module share and leave as they are."""
    made = tmp_path_factory.mktemp("served")
    small_store(made)
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with client_of(folder / "store") as client:
        yield client
