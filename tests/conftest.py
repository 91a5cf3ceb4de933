"""Fixtures for all tests. Imports nothing of PAR, so that the type hook sees every import first."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("par", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("par")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The research data sets; not part of the repository, so tests that need them skip without."""
    folder = Path(os.environ.get("PAR_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")).resolve()
    if not (folder / "pennfudan").is_dir():
        pytest.skip("needs the research data sets (set PAR_DATA to their folder)")
    return folder
