"""Fixtures for all tests. Imports nothing of PAR, so that the type hook sees every import first."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("par", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("par")


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What PAR keeps under ~/.cache is kept elsewhere while tests run, so that no test sees what another run
    has made.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def a_search_path_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo after each test how a command run in this process protects its child processes."""
    monkeypatch.setenv("PYTHONSAFEPATH", "")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The research data sets; not part of the repository, so tests that need them skip without."""
    folder = Path(os.environ.get("PAR_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")).resolve()
    if not (folder / "pennfudan").is_dir():
        pytest.skip("needs the research data sets (set PAR_DATA to their folder)")
    return folder
