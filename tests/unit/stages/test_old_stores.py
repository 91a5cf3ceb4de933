"""Stores of version 0.1, which have no ledger, no status, no live version and other ids: any command may be
the first that this version runs on one.
"""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.lance import PeopleIndex
from par_core.store.lance.history import LIVE
from par_core.store.layout import Store
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene
from tests.unit.stages.test_migration import refuse_models, stored_by_version_0_1


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])


@pytest.fixture
def root(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = stored_by_version_0_1(tmp_path / "s", photos, monkeypatch, FAKE)
    for name in ("ledger", "work"):
        shutil.rmtree(root / name)
    (root / "status.json").unlink()
    people = PeopleIndex.open(root / "index.lance")
    assert people is not None
    people.history._table.tags.delete(LIVE)
    return root


def par(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exit_code == 0, f"{answer.output}{answer.exception}"
    return answer.output


@pytest.mark.parametrize(
    "first",
    [
        ["status"],
        ["verify"],
        ["verify", "--thorough"],
        ["search", "red", "--profile", "fake", "--include-low-confidence"],
    ],
)
def test_reading_commands_come_first(
    first: list[str], root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, version = content(root), version_of(root)
    said = par(*first, "--store", str(root))
    assert ("3 described" in said) == (first[0] != "search")
    assert ("0000.png" in said) == (first[0] == "search")
    assert version_of(root) == version, "the index is taken over, and not written"
    if first[0] != "search":
        refuse_models(monkeypatch)
    plan, commit = index(root, [photos])
    assert not list(plan.shards)
    assert (commit.number, version_of(root)) == (1, version), "nothing is written"
    assert content(root) == before
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_a_first_night_writes_what_is_new_alone(root: Path, photos: Path) -> None:
    save(photos / "new.png", scene("cyan", seed=9))
    plan, commit = index(root, [photos])
    assert (plan.new, plan.unchanged) == (1, 3)
    assert (commit.upserted, commit.deleted, commit.rows) == (1, 0, 4)
    counted = store_status(Store.open(root)).accounting
    assert (counted.listed, counted.described, counted.pending) == (4, 4, 0)
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_a_rebuild_comes_first(root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(root)
    refuse_models(monkeypatch)
    par("rebuild", "--store", str(root))
    assert content(root) == before
    plan, _ = index(root, [photos])
    assert not list(plan.shards)
    assert verify_store(Store.open(root), thorough=True).problems == ()


def version_of(root: Path) -> int:
    people = PeopleIndex.open(root / "index.lance")
    assert people is not None
    return people.version
