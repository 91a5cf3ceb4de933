"""Commits while a run is under way."""

import threading
from pathlib import Path

import pytest

from flows.commits import Commits
from par_core.config import load_config
from par_core.query.from_store import Question, Searcher
from par_core.stages import commit as stage
from par_core.stages.check import verify_store
from par_core.stages.plan import plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store.ledger import opening
from tests.indexing import content
from tests.pictures import archive
from tests.waiting import wait_until

OFTEN = load_config(profile="fake", machine={"shard_size": 16, "commit_every_s": 0.05})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.of(Store.create(tmp_path / "store"), OFTEN)


@pytest.fixture
def shards(run: Run, tmp_path: Path) -> list[str]:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue")] * 24)
    return [shard.shard_id for shard in plan_index(run, [str(photos)], workers=1).shards]


def wait_for(line: str, said: list[str]) -> None:
    wait_until(lambda: any(line in text for text in said))


def test_people_are_found_while_the_run_goes_on(run: Run, shards: list[str]) -> None:
    said: list[str] = []
    commits = Commits(run, publish=True, say=said.append)
    with commits.at_times():
        process_shard(run, shards[0])
        commits.add(shards[:1])
        wait_for("24 people can be found so far", said)
        hits = Searcher(run.store.root, OFTEN).ask(Question(where="height_px > 0", top=100)).hits
        assert sum(1 + len(hit.similar) for hit in hits) == 24
        for shard in shards[1:]:
            process_shard(run, shard)
    stage.commit_store(run, commits.take())
    assert len(content(run.store.root)) == 24, "shards that nobody names are not looked at"
    stage.commit_store(run)
    assert len(content(run.store.root)) == 72
    assert verify_store(run.store, thorough=True).problems == ()


def test_a_commit_that_fails_is_made_up_for_at_the_end(run: Run, shards: list[str]) -> None:
    """The folder of the index is a file for a while."""
    said: list[str] = []
    commits = Commits(run, publish=True, say=said.append)
    run.store.index_path.write_bytes(b"in the way")
    with commits.at_times():
        for shard in shards[:2]:
            process_shard(run, shard)
            commits.add([shard])
        wait_for("warning: a commit during the run failed", said)
        process_shard(run, shards[2])
        commits.add(shards[2:])
    run.store.index_path.unlink()
    left = commits.take()
    assert sorted(left) == sorted(shards)
    record = stage.commit_store(run, left)
    assert record.rows == 72
    assert verify_store(run.store, thorough=True).problems == ()


def test_the_last_commit_looks_at_no_shard_again(
    run: Run, shards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    record, lock = opening.record_shards, threading.Lock()

    def recorded(ledger: object, ids: object, describe: str) -> int:
        names = list(ids)  # type: ignore[call-overload]
        with lock:
            looked.extend(names)
        return record(ledger, names, describe)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "record_shards", recorded)
    said: list[str] = []
    commits = Commits(run, publish=True, say=said.append)
    with commits.at_times():
        for people, shard in zip((24, 48), shards[:2], strict=True):
            process_shard(run, shard)
            commits.add([shard])
            wait_for(f"{people} people can be found so far", said)
    process_shard(run, shards[2])
    commits.add(shards[2:])
    assert looked == shards[:2]
    stage.commit_store(run, commits.take())
    assert looked == shards
