"""A first and a second night that are killed at every operation, and finished by running again."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kill_points import CONFIG
from tests.indexing import index
from tests.pictures import archive, save, scene

ROOT = Path(__file__).parents[2]
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # hundreds of stores are copied


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as name:
        yield Path(name)


def first_night(folder: Path) -> list[str]:
    """Two sources with eight pictures, one of them damaged; returns the sources."""
    east = archive(folder / "east", [("red",), ("green", "blue"), (), ("yellow",)])
    west = archive(folder / "west", [("cyan", "red"), ("magenta",)])
    save(west / "more.png", scene("yellow", "blue", seed=17))
    (west / "broken.png").write_bytes(b"not a picture")
    return [str(east), str(west)]


def second_night(folder: Path) -> None:
    """A changed, a vanished and a new file, and a copy."""
    save(folder / "east" / "0000.png", scene("magenta", "green", seed=21))
    (folder / "west" / "0001.png").unlink()
    save(folder / "west" / "new.png", scene("cyan", seed=22))
    shutil.copy(folder / "east" / "0001.png", folder / "west" / "copy.png")


def killed(folder: Path, begin: Path, sources: list[str], parts: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.faults.kill_points", str(begin), str(folder), parts, *sources]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def check_first(folder: Path, parts: str) -> None:
    report = killed(folder, folder / "nothing", first_night(folder), parts)
    assert report["different"] == []
    undisturbed = report["undisturbed"]
    assert undisturbed["problems"] == []
    assert len(undisturbed["content"]) == 9
    assert (undisturbed["accounting"]["listed"], undisturbed["accounting"]["failed"]) == (8, 1)


def check_second(folder: Path, parts: str) -> None:
    sources = first_night(folder)
    index(folder / "begin", sources, CONFIG)
    second_night(folder)
    report = killed(folder, folder / "begin", sources, parts)
    assert report["different"] == []
    undisturbed = report["undisturbed"]
    assert undisturbed["problems"] == []
    states = [row["source_state"] for row in undisturbed["content"]]
    assert {state: states.count(state) for state in states} == {"present": 10, "replaced": 1, "vanished": 1}
    assert undisturbed["accounting"]["duplicates"] == 1


def test_a_first_night_is_finished_after_a_kill_at_some_operations(folder: Path) -> None:
    check_first(folder, "10")


def test_a_second_night_is_finished_after_a_kill_at_some_operations(folder: Path) -> None:
    check_second(folder, "14")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_first_night_is_finished_after_a_kill_at_any_operation(folder: Path) -> None:
    check_first(folder, "all")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_second_night_is_finished_after_a_kill_at_any_operation(folder: Path) -> None:
    check_second(folder, "all")
