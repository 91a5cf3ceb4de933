"""Damage to files that a store is run by: each is named with the command that repairs it, and that command
does.
"""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.config import load_config
from par_core.errors import StoreError
from par_core.stages.check import verify_store
from par_core.stages.plan import plan_index
from par_core.stages.run import Run
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, content, index
from tests.pictures import archive


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    archive(folder / "photos", [("red",), ("green", "blue"), ()])
    (folder / "photos" / "broken.png").write_bytes(b"not a picture")
    index(folder / "store", [folder / "photos"])
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "store", tmp_path / "store"))


def par(command: str, root: Path, *options: str) -> tuple[int, str]:
    """Run a command; returns its exit code, and what it says."""
    answer = CliRunner().invoke(app, [command, "--store", str(root), *options])
    return answer.exit_code, f"{answer.output}{answer.exception or ''}"


def ledger_of(root: Path) -> Path:
    (path,) = (root / "ledger").glob("*.db")
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def fill(path: Path) -> None:
    path.write_bytes(b"garbage " * 4000)


def repaired(root: Path, photos: Path, before: list[dict]) -> None:
    status, said = par("rebuild", root)
    assert status == 0, said
    assert content(root) == before
    plan, _ = index(root, [photos])
    assert not list(plan.shards)
    assert verify_store(Store.open(root), thorough=True).problems == ()


@pytest.mark.parametrize("damage", [cut, fill])
def test_a_damaged_ledger_is_named_and_rebuilt(
    damage: Callable[[Path], None], root: Path, made: Path
) -> None:
    before = content(root)
    damage(ledger_of(root))
    assert par("status", root)[0] == 0, "the status is read from a file of its own"
    for command, *options in (["status", "--failed"], ["verify", "--thorough"]):
        status, said = par(command, root, *options)
        assert status != 0
        assert ledger_of(root).name in said
        assert "par rebuild" in said
    with pytest.raises(StoreError, match="par rebuild"):
        index(root, [made / "photos"])
    repaired(root, made / "photos", before)


@pytest.mark.parametrize("name", ["ledger", "status"])
def test_what_is_damaged_before_the_first_commit_is_deleted_and_made_again(
    name: str, tmp_path: Path, made: Path
) -> None:
    """There is nothing to rebuild yet."""
    run = Run.of(Store.create(tmp_path / "store"), FAKE)
    plan_index(run, [str(made / "photos")], workers=1)
    path = ledger_of(run.store.root) if name == "ledger" else run.store.root / "status.json"
    fill(path)
    with pytest.raises(StoreError, match="delete it and run par index again"):
        plan_index(run, [str(made / "photos")], workers=1)
    path.unlink()
    index(run.store.root, [made / "photos"])
    assert verify_store(run.store, thorough=True).problems == ()


def test_the_ledger_of_another_segmentation_is_rebuilt_too(root: Path, made: Path) -> None:
    other = ledger_of(root).with_name(f"{'0' * 16}.db")
    fill(other)
    par("rebuild", root)
    assert not other.exists()


def left_by_a_kill(path: Path) -> None:
    """Leave half a transaction in the file, and the journal that undoes it."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM files")
        connection.execute("DELETE FROM counters")
        connection.executemany(
            "INSERT INTO files VALUES (?, 1, 'v', NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0)",
            [(f"/half/{number:09d}.jpg",) for number in range(20_000)],
        )
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.with_name(f"{path.name}-journal").stat().st_size > 0
    assert b"/half/" in path.read_bytes()


@pytest.mark.parametrize("command", [["status", "--failed"], ["verify"], ["verify", "--thorough"]])
def test_the_first_reader_after_a_kill_rolls_the_transaction_back(command: list[str], root: Path) -> None:
    left_by_a_kill(ledger_of(root))
    status, said = par(command[0], root, *command[1:])
    assert "half" not in said
    assert ("broken.png" in said) == (command[0] == "status")
    assert status == 0, said
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_a_ledger_that_a_kill_left_half_written_is_rebuilt(root: Path, made: Path) -> None:
    before = content(root)
    left_by_a_kill(ledger_of(root))
    repaired(root, made / "photos", before)


def test_a_damaged_status_is_named_and_rebuilt(root: Path, made: Path) -> None:
    before = content(root)
    cut(root / "status.json")
    _, said = par("status", root)
    assert "status.json is damaged" in said
    assert "par rebuild" in said
    repaired(root, made / "photos", before)


def test_a_damaged_listing_is_named_and_made_again(root: Path, made: Path) -> None:
    before = content(root)
    (listing,) = (root / "listings").glob("*.parquet")
    cut(listing)
    with pytest.raises(StoreError, match=rf"{listing.name}.*delete it and run par index on that source"):
        index(root, [made / "photos"])
    listing.unlink()
    index(root, [made / "photos"])
    assert content(root) == before
    assert verify_store(Store.open(root), thorough=True).problems == ()


@pytest.mark.parametrize("name", ["plan.json", "shards.arrow"])
def test_a_damaged_plan_is_named_and_made_again(name: str, root: Path, made: Path) -> None:
    before = content(root)
    fill(root / "work" / "plan" / name)
    with pytest.raises(StoreError, match=r"work/plan.*delete"):
        index(root, [made / "photos"])
    shutil.rmtree(root / "work" / "plan")
    index(root, [made / "photos"])
    assert content(root) == before
    assert verify_store(Store.open(root), thorough=True).problems == ()


@pytest.mark.parametrize("stage", ["segment", "describe"])
def test_a_missing_shard_folder_is_named_and_made_again(stage: str, root: Path, made: Path) -> None:
    before = content(root)
    (shard,) = (root / stage).glob("*/*")
    shutil.rmtree(shard)
    status, said = par("verify", root)
    assert status == 1
    assert f"{shard.name} is missing" in said
    assert "par rebuild" in said
    assert "par index again" in said
    par("rebuild", root)
    index(root, [made / "photos"])
    assert content(root) == before
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_an_index_that_cannot_be_opened_is_rebuilt(root: Path, made: Path) -> None:
    before = content(root)
    for manifest in (root / "index.lance" / "people.lance" / "_versions").iterdir():
        fill(manifest)
    status, said = par("verify", root)
    assert status != 0
    assert "par rebuild" in said
    repaired(root, made / "photos", before)


def test_a_description_that_changes_and_changes_back_doubles_nobody(root: Path, made: Path) -> None:
    """A run with another cut-out plans and is killed; the index still shows the first description."""
    before = content(root)
    other = load_config(profile="fake", describe={"cutout": {"margin": 0.2}})
    plan_index(Run.of(Store.open(root), other), [str(made / "photos")], workers=1)
    index(root, [made / "photos"])
    assert content(root) == before
    people = PeopleIndex.open(root / "index.lance")
    assert people is not None
    assert len(people) == 3
    assert verify_store(Store.open(root), thorough=True).problems == ()


@pytest.mark.parametrize("kind", ["file", "folder in place of a file", "file in place of the folder"])
def test_damaged_tags_are_a_problem_in_one_line(root: Path, kind: str) -> None:
    path = root / "tags" / "4b.json"
    if kind == "file in place of the folder":
        path.parent.write_bytes(b"")
    elif kind == "file":
        path.parent.mkdir()
        path.write_bytes(b"{")
    else:
        path.mkdir(parents=True)
    done = CliRunner().invoke(app, ["verify", "--store", str(root)])
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if line.startswith("problem: ")]
    assert str(path if kind != "file in place of the folder" else path.parent) in line
    assert verify_store(Store.open(root)).problems == ()  # what a gate asks for
    listed = CliRunner().invoke(app, ["tag", "list", "--store", str(root)])
    assert isinstance(listed.exception, StoreError)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_mark_of_the_store_is_named(content: str, tmp_path: Path) -> None:
    Store.create(tmp_path / "s")
    (tmp_path / "s" / "store.json").write_text(content)
    with pytest.raises(StoreError, match=r"store.json is damaged"):
        Store.open(tmp_path / "s")
