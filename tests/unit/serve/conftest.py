from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.serve.service import ArchiveService
from tests.indexing import FAKE
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


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a store and photos that a test may change."""
    small_store(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def service(folder: Path) -> ArchiveService:
    return ArchiveService(folder / "store", FAKE)
