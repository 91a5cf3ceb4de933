"""Runs that are really killed (SIGKILL) at random moments of every stage, and continued."""

import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import RGB, archive

ROOT = Path(__file__).parents[2]
STAGES = ("plan", "segment", "describe", "process", "commit")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = sorted(RGB)
    chosen = random.Random(7)
    folder = archive(
        tmp_path_factory.mktemp("photos"), [chosen.sample(names, chosen.randint(0, 3)) for _ in range(60)]
    )
    shutil.copy(folder / "0000.png", folder / "copy.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    return folder


def start(root: Path, photos: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.run_stages", str(root), str(photos)]
    with errors_of(root).open("w") as errors:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)


def errors_of(root: Path) -> Path:
    return root.with_name(f"{root.name}.stderr")


@pytest.fixture(scope="module")
def durations(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, float]:
    """Seconds of each stage of an undisturbed run."""
    root = tmp_path_factory.mktemp("timed")
    run = start(root, photos)
    assert run.stdout is not None
    with run.stdout:
        moments = [(line.strip(), time.monotonic()) for line in run.stdout]
    assert run.wait() == 0, errors_of(root).read_text()
    return {stage: following - begun for (stage, begun), (_, following) in pairwise(moments)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> list[dict]:
    root = tmp_path_factory.mktemp("undisturbed")
    index(root, [photos])
    return content(root)


def kill_in(stage: str, after_s: float, root: Path, photos: Path) -> bool:
    """Start a run and kill it; returns whether it was still running then."""
    run = start(root, photos)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip() == stage:
            break
    time.sleep(after_s)
    run.send_signal(signal.SIGKILL)
    run.stdout.close()
    return run.wait() == -signal.SIGKILL


@pytest.mark.parametrize("kills", [4, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stage", STAGES)
def test_a_store_killed_again_and_again_ends_as_if_nothing_had_happened(
    stage: str, kills: int, tmp_path: Path, photos: Path, durations: dict[str, float], undisturbed: list[dict]
) -> None:
    moments = random.Random(stage)
    killed = sum(
        kill_in(stage, moments.uniform(0, durations[stage]), tmp_path / "store", photos) for _ in range(kills)
    )
    assert killed >= kills // 2, "the kills came too late to prove anything"
    index(tmp_path / "store", [photos])
    assert content(tmp_path / "store") == undisturbed
    assert verify_store(Store.open(tmp_path / "store")).problems == ()
    assert not list((tmp_path / "store").glob("**/.*.partial"))
