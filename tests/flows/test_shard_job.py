"""Shards of a plan that are handed out as ranges: how many at a time, and what a failed task costs."""

import os
import pickle
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from flows import fan_out as module
from flows.fan_out import fan_out
from flows.pools import ThreadPool
from flows.shard_job import Pace, ShardJob
from par_core.archive import Entry
from par_core.errors import BadConfigError, ParError, TransientError, WorkerLostError
from par_core.ids import digest_of
from par_core.stages.commit import commit_store
from par_core.stages.plan import plan_index
from par_core.stages.run import Run
from par_core.stages.shard_work import work_table
from par_core.store.layout import Store
from par_core.store.listings import entries_table
from par_core.store.plan_file import PlanFile
from par_core.store.plan_writer import write_plan
from tasks.shards import StoppedError, index_shards
from tests.indexing import FAKE, content
from tests.pictures import archive


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAYS_S", (0.0, 0.0))
    monkeypatch.setattr(module, "_TICK_S", 0.01)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.of(Store.create(tmp_path / "s"), FAKE)


def planned(run: Run, shards: int, *, streams: Sequence[str] = (), images: int = 1) -> PlanFile:
    """A plan of shards that have no files."""
    n = shards * images
    entries = entries_table([Entry(f"/photos/{number:06}.jpg", 1, "v") for number in range(n)])
    work = work_table(entries, pa.array([1] * n, pa.int32()), {})
    with write_plan(run.store) as writer:
        for number in range(shards):
            stream = streams[number] if number < len(streams) else ""
            writer.add(digest_of(str(number)), work.slice(number * images, images), stream=stream)
    return PlanFile.of(run.store)


class Scripted(ShardJob):
    """Has each shard end as the test says, without working on it, and counts tasks and tries."""

    def __init__(self, run: Run, plan: PlanFile, **errors: Any) -> None:
        super().__init__(run, plan, self.note)
        self.errors = {int(name.removeprefix("at")): list(each) for name, each in errors.items()}
        self.parts: list[Any] = []
        self.tried: Counter[int] = Counter()
        self.finished: Counter[str] = Counter()

    def note(self, ids: Sequence[str]) -> None:
        self.finished.update(ids)

    def task(self, part: Any, attempt: str) -> Any:
        self.parts.append(part)
        return self.work, (part,)

    def work(self, part: range) -> None:
        for number in part:
            self.tried[number] += 1
            if self.errors.get(number):
                raise StoppedError(number, self.errors[number].pop(0))


def carry_out(job: ShardJob, threads: int = 2) -> dict[Any, Exception]:
    with ThreadPool(threads) as pool:
        return fan_out(job, pool, name="run", say=lambda _: None)


def test_ten_thousand_shards_are_done_once_in_few_tasks_and_in_little_memory(run: Run) -> None:
    job = Scripted(run, planned(run, 10_000))
    before, started = psutil.Process().memory_info().rss, time.process_time()
    assert carry_out(job) == {}
    assert time.process_time() - started < 10, "a task a shard would cost 100 s on Dask"
    assert psutil.Process().memory_info().rss - before < 20e6
    assert job.finished == Counter({digest_of(str(number)): 1 for number in range(10_000)})
    assert set(job.tried.values()) == {1}
    assert len(job.parts) < 500
    assert job.progress().done_shards == job.progress().done_images == 10_000


def test_the_size_of_tasks_follows_the_rate_of_the_run_and_what_is_left() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.images(capacity=4, left=10_000) == 0, "one shard, as nothing is known"
    for _ in range(40):
        now[0] += 1
        pace.ended(8)
    assert pace.images(4, 10_000) == 16, "no more than twice the largest task that has ended"
    for _ in range(64):
        now[0] += 10
        pace.ended(1000)
    assert pace.images(4, 1_000_000) == pytest.approx(30 * 100 / 4)
    assert pace.images(4, 800) == 200, "all places end at about the same time"
    assert pace.images(0, 800) > 0, "no worker at the moment"


def test_shards_of_a_stream_are_in_one_task_and_no_others_with_them(run: Run) -> None:
    job = ShardJob(run, planned(run, 9, streams=["", "a", "a", "a", "b", "b", "", ""]))
    taken = []
    while (part := job.take(4)) is not None:
        taken.append(part)
        job.done(part)
    bounds = [0, 1, 4, 6]
    assert [part.start for part in taken[:4]] == bounds
    assert [number for part in taken for number in part] == list(range(9))
    assert list(job.rest()) == []


def test_a_task_of_large_shards_has_one(run: Run) -> None:
    job = ShardJob(run, planned(run, 5, images=3))
    assert job.take(2) == range(1)
    assert list(job.rest()) == [range(1, 5)]


def test_a_shard_that_fails_costs_only_itself(run: Run) -> None:
    job = Scripted(run, planned(run, 300), at250=[OSError(28, "No space left on device")])
    failed = carry_out(job)
    assert {part: str(error) for part, error in failed.items()} == {
        range(250, 251): "OSError: [Errno 28] No space left on device"
    }
    assert len(job.finished) == 299
    assert set(job.finished.values()) == {1}
    progress = job.progress()
    assert (progress.done_images, progress.failed_shards, progress.failed_images) == (299, 1, 1)


def test_what_may_pass_is_tried_again_from_where_it_stopped(run: Run) -> None:
    trouble = TransientError("the network")
    job = Scripted(run, planned(run, 300), at250=[trouble] * 2, at280=[trouble] * 3)
    failed = carry_out(job)
    assert failed.keys() == {range(280, 281)}, "a shard has three tries, whichever range it is in"
    assert job.tried[250] == job.tried[280] == 3
    assert sum(job.tried.values()) == 300 + 2 + 2
    assert len(job.finished) == 299


def test_failures_in_a_row_stop_the_run_also_within_a_range(run: Run) -> None:
    errors = {f"at{number}": [ParError("no")] for number in range(200, 300)}
    failed = carry_out(Scripted(run, planned(run, 300), **errors))
    reasons = Counter(str(error) for part, error in failed.items() for _ in part)
    assert set(reasons) == {"no", "not tried: too many shards in a row had failed"}
    assert sum(reasons.values()) == 100
    assert reasons["no"] < 10


def test_a_range_whose_worker_is_lost_before_any_shard_is_begun_goes_on_from_the_first(run: Run) -> None:
    job = Scripted(run, planned(run, 300), at250=[WorkerLostError("gone")])
    assert carry_out(job) == {}
    assert len(job.finished) == 300


def test_the_error_of_a_range_travels_with_its_place() -> None:
    for error in (TransientError("the network"), BadConfigError("models"), WorkerLostError("gone")):
        again = pickle.loads(pickle.dumps(StoppedError(7, error)))
        assert (again.number, type(again.error), str(again.error)) == (7, type(error), str(error))

    class LocalError(Exception):
        """Has no place where another process finds it."""

    again = pickle.loads(pickle.dumps(StoppedError(7, LocalError("odd"))))
    assert str(again.error) == "LocalError: odd"


def indexing(tmp_path: Path, pictures: int) -> tuple[Run, PlanFile]:
    """A run over real pictures, one a shard."""
    config = FAKE.model_copy(update={"machine": FAKE.machine.model_copy(update={"shard_size": 1})})
    photos = archive(tmp_path / "photos", [("red",)] * pictures)
    run = Run.of(Store.create(tmp_path / "s"), config)
    return run, plan_index(run, [str(photos)], workers=1).shards


def work(run: Run, first: int, last: int, attempt: str) -> None:
    index_shards(
        str(run.store.root), first, last, run.config.model_dump(mode="json"), asdict(run.ids), attempt
    )


def test_a_task_works_on_a_range_and_says_at_which_shard_it_ended(tmp_path: Path) -> None:
    run, plan = indexing(tmp_path, 5)
    blocked = run.store.shard("segment", run.ids.segment, plan[3].shard_id).path
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where the folder of the shard should be")
    with pytest.raises(StoppedError) as stopped:
        work(run, 1, 5, "r-1")
    assert stopped.value.number == 3
    assert "NotADirectoryError" in str(stopped.value.error)
    described = {path.name for path in (run.store.root / "describe" / run.ids.describe).iterdir()}
    assert described == set(plan.ids(range(1, 3)))
    assert not list(run.store.root.glob("work/*.begun"))
    blocked.unlink()
    work(run, 0, 5, "r-2")
    assert commit_store(run).rows == 5
    assert len(content(run.store.root)) == 5


def test_a_worker_that_finds_the_mark_of_another_stops_there_and_skips_what_is_finished(
    tmp_path: Path,
) -> None:
    run, plan = indexing(tmp_path, 4)
    work(run, 0, 2, "r-1")
    for number in (1, 2):  # lost after it had finished the one and begun the other
        (run.store.root / "work" / f"{plan[number].shard_id}.r-1.begun").write_text(f"process {os.getpid()}")
    with pytest.raises(StoppedError) as stopped:
        work(run, 0, 4, "r-1")
    assert stopped.value.number == 2
    assert isinstance(stopped.value.error, WorkerLostError)
    assert [path.name for path in run.store.root.glob("work/*.begun")] == [f"{plan[2].shard_id}.r-1.begun"]
    job = ShardJob(run, plan)
    assert list(job.lost(range(4), "r-1")) == [range(2, 4)], "it is alone, and may be lost once"
    assert job.progress().done_shards == 2
    assert not list(run.store.root.glob("work/*.begun"))
