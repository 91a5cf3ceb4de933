"""Fixtures for all tests. Imports nothing of PAR, so that the type hook sees every import first."""

import gc
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from tests import type_checks

settings.register_profile("par", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("par")
type_checks.install()
gc.set_threshold(50_000)  # as par does

ROOT = Path(__file__).parent
# what takes longest, so that no process is left with it at the end: first the files with a Prefect server, so
# that it runs for a part of the time only; then some that wait for processes beside some that compute
FIRST = (
    *(f"flows/test_{name}.py" for name in ("deployments", "runs", "ended_runs", "predictions", "recording")),
    *("flows/test_lost_workers.py", "contract", "unit/models/test_published_weights.py"),
    *("flows/test_unfit_workers.py", "unit/models/test_segmenter.py", "flows/test_killed_training.py"),
    *("unit/reports", "faults", "unit/forget", "flows", "unit/evaluate", "unit/training", "architecture"),
    *("unit/made", "browser", "unit/studies", "unit/serve/test_search_processes.py", "unit/store"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: ``make test`` hands out files in the order of collection."""
    for name in FIRST:
        assert (ROOT / name).exists(), f"{name} in {__file__} is no file or folder of tests"

    def place(item: pytest.Item) -> int:
        own = item.path.relative_to(ROOT)
        return next((number for number, name in enumerate(FIRST) if own.is_relative_to(name)), len(FIRST))

    items.sort(key=place)
    gc.freeze()  # what imports leave is never garbage


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What PAR keeps under ~/.cache is kept elsewhere while tests run, so that no test sees what another run
    has made. The processes of one run share it, as what is measured of the networks takes long.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield


@pytest.fixture(autouse=True)
def a_search_path_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo after each test how a command run in this process protects its child processes."""
    monkeypatch.setenv("PYTHONSAFEPATH", "")


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals in reports come from a quarter of the resamples, for tests that are not about their ends."""
    from par_core.evaluate import comparison
    from par_core.evaluate.leakage import scores

    for module in (comparison, scores):
        monkeypatch.setattr(module, "bootstrap_rows", partial(module.bootstrap_rows, resamples=250))


@pytest.fixture
def quick_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of the ``clip`` profile know three attributes, and the best size of batches is not measured."""
    from par_core.models import clip

    monkeypatch.setattr(clip, "ATTRIBUTES", clip.ATTRIBUTES[:3])
    monkeypatch.setattr(clip, "measured_batch", lambda *_: 2)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The research data sets; not part of the repository, so tests that need them skip without."""
    folder = Path(os.environ.get("PAR_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")).resolve()
    if not (folder / "pennfudan").is_dir():
        pytest.skip("needs the research data sets (set PAR_DATA to their folder)")
    return folder
