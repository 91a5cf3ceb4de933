"""A forgetting that is really killed (SIGKILL), at file operations all over it, and finished by the same
command.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive, save, scene

ROOT = Path(__file__).parents[2]
PARTS = 5


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store of two shards and several versions, and an image of which each shard has a copy."""
    folder = tmp_path_factory.mktemp("indexed")
    photos = archive(folder / "photos", [("red",), ("green", "blue"), (), ("yellow", "cyan")])
    index(folder / "store", [photos])
    shutil.copy(photos / "0003.png", photos / "copy.png")
    save(photos / "0004.png", scene("magenta", seed=8))
    index(folder / "store", [photos])
    return folder / "store", next(
        row["image_id"] for row in content(folder / "store") if row["uri"].endswith("0003.png")
    )


def run(store: Path, image_id: str, moment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.run_forget", str(store), image_id, moment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, indexed: tuple[Path, str]
) -> tuple[list[dict], int]:
    """Content of the store after an undisturbed erasure, and the number of its file operations."""
    store = Path(shutil.copytree(indexed[0], tmp_path_factory.mktemp("undisturbed") / "store"))
    done = run(store, indexed[1], "0")
    assert done.returncode == 0
    return content(store), int(done.stdout)


def finish_and_check(store: Path, image_id: str, left: list[dict]) -> None:
    again = CliRunner().invoke(app, ["forget", "--image", image_id, "--store", str(store), "--yes"])
    assert again.exit_code == 0, again.output
    assert "nothing is left" in again.stdout
    assert content(store) == left
    assert verify_store(Store.open(store)).problems == ()
    assert not (store / "forgetting.json").exists()
    assert not [
        path
        for path in store.rglob("*")
        if image_id.encode() in (path.read_bytes() if path.is_file() else b"")
    ]
    assert len(list((store / "certificates").iterdir())) == 1


@pytest.mark.parametrize("part", range(PARTS))
def test_a_killed_forgetting_is_finished_by_the_same_command(
    part: int, tmp_path: Path, indexed: tuple[Path, str], undisturbed: tuple[list[dict], int]
) -> None:
    store, (left, operations) = Path(shutil.copytree(indexed[0], tmp_path / "store")), undisturbed
    assert operations >= 2 * PARTS
    moment = 1 + part * (operations - 1) // (PARTS - 1)
    assert run(store, indexed[1], str(moment)).returncode == -signal.SIGKILL
    if (store / "forgetting.json").exists():
        assert verify_store(Store.open(store)).problems != ()
    finish_and_check(store, indexed[1], left)


@pytest.mark.parametrize("seconds", [0.0, 0.03])
def test_a_forgetting_killed_while_the_index_is_rewritten_is_finished_too(
    seconds: float, tmp_path: Path, indexed: tuple[Path, str], undisturbed: tuple[list[dict], int]
) -> None:
    store = Path(shutil.copytree(indexed[0], tmp_path / "store"))
    assert run(store, indexed[1], f"index:{seconds}").returncode == -signal.SIGKILL
    finish_and_check(store, indexed[1], undisturbed[0])


def test_rows_in_a_file_that_lancedb_never_finished_are_erased_too(
    tmp_path: Path, indexed: tuple[Path, str], undisturbed: tuple[list[dict], int]
) -> None:
    store = Path(shutil.copytree(indexed[0], tmp_path / "store"))
    data = store / "index.lance" / "people.lance" / "data"
    written = next(file for file in sorted(data.iterdir()) if indexed[1].encode() in file.read_bytes())
    shutil.copy(written, data / ".tmpgjfUyn")
    finish_and_check(store, indexed[1], undisturbed[0])


def test_a_run_killed_and_followed_by_an_index_run_is_finished_too(
    tmp_path: Path, indexed: tuple[Path, str], undisturbed: tuple[list[dict], int]
) -> None:
    store = Path(shutil.copytree(indexed[0], tmp_path / "store"))
    assert run(store, indexed[1], str(undisturbed[1] // 2)).returncode == -signal.SIGKILL
    index(store, [indexed[0].parent / "photos"])
    finish_and_check(store, indexed[1], undisturbed[0])
