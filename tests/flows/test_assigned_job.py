"""Work and answers by the object store, with workers that are threads here: what the rest of a run sees."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.assigned_job import AssignedJob, CollectingPool, job_of
from flows.fan_out import fan_out
from flows.pools import Ended, How, ThreadPool
from par_core.config import RunConfig, load_config
from par_core.errors import ParError, TransientError
from par_core.object_store.assignments import AssignedStore, Assignment, Assignments, lack_of
from par_core.object_store.holding import LeaseLostError
from par_core.stages.check import verify_store
from par_core.stages.commit import commit_store
from par_core.stages.plan import plan_index
from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store_folder import store_folder
from tasks.assigned import index_assigned
from tests.indexing import content, index
from tests.object_stores import copy_at, write_files
from tests.pictures import archive
from tests.unit.object_store.test_working_copy import quiet

__all__ = ["quiet"]

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]
SETTINGS = load_config(
    profile="fake", machine={"scheduler": "tcp://127.0.0.1:1", "shard_size": 2, "patience_s": 0.1}
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store in the memory of this process, whose cache and temporary folders are the test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    url = f"memory://assigned-{abs(hash(request.node.nodeid))}"
    return Store.create(store_folder(Path(url), writing=True))


class Pool(ThreadPool):
    """A pool of one worker here, whose tasks a test may change on their way."""

    def __init__(self, way: "Callable[[Pool, str, Callable[[], None]], None]") -> None:
        super().__init__(1)
        self._way = way
        self.attempts: list[str] = []

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.attempts.append(key)
        super().submit(key, lambda: self._way(self, key, lambda: function(*arguments)), ())

    def wait(self, seconds: float) -> list[Ended]:
        return [self._seen(end) for end in super().wait(seconds)]

    @staticmethod
    def _seen(end: Ended) -> Ended:
        error = getattr(end.error, "error", end.error)
        how = How.LOST if "KilledError" in f"{type(error).__name__}{error}" else end.how
        return Ended(end.key, How.RETURNED if "the scheduler" in str(error) else how, end.error)


class KilledError(Exception):
    """The worker is killed at this point."""


def indexed(
    store: Store, photos: Path, pool: Pool | None = None, settings: RunConfig = SETTINGS
) -> dict[str, str]:
    """Index with workers that share nothing, and return what failed."""
    with store.exclusive():
        run = Run.of(store, settings)
        plan = plan_index(run, [str(photos)], workers=1)
        with job_of(run, plan.shards, lambda _: None, lambda _: None) as (job, place):
            assert isinstance(job, AssignedJob)
            assert place == AssignedStore.held(store.copy)  # type: ignore[arg-type]
            with pool or Pool(lambda _, __, work: work()) as opened:
                failed = fan_out(job, CollectingPool(opened, job), name="run", say=lambda _: None)
            ids = {shard: str(error) for part, error in failed.items() for shard in job.ids(part)}
        commit_store(run)
    return ids


def objects_without_a_file(store: Store) -> set[str]:
    assert store.copy is not None
    named = {part.key for parts in store.copy.state.files().values() for part in parts}
    keys = {item.key for item in store.copy.objects.listed("")}
    return {key for key in keys - named if not key.startswith(("head.json", "catalogue/"))}


def leaves_nothing(store: Store, tmp_path: Path) -> None:
    assert objects_without_a_file(store) == set()
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list((store.root / "work").glob("*.begun"))
    assert verify_store(store, thorough=True).problems == ()


def test_a_run_gives_what_a_run_in_a_folder_gives(store: Store, photos: Path, tmp_path: Path) -> None:
    assert indexed(store, photos) == {}
    index(tmp_path / "local", [photos])
    assert content(store.root) == content(tmp_path / "local")
    leaves_nothing(store, tmp_path)
    moved = photos.rename(tmp_path / "moved")  # rows are copied from shards that workers fetch
    assert indexed(store, moved) == {}
    index(tmp_path / "local", [moved])
    assert [row["person_id"] for row in content(store.root)] == [
        row["person_id"] for row in content(tmp_path / "local")
    ]
    leaves_nothing(store, tmp_path)
    other = SETTINGS.model_copy(update={"segment": SETTINGS.segment.model_copy(update={"min_height_px": 60})})
    assert indexed(store, moved, settings=other) == {}  # relabels shards that workers fetch
    leaves_nothing(store, tmp_path)


def killed_at(shard: int, place: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let a worker be killed once: at a shard, by its number from 0 in the order of work."""
    module, name = place.rsplit(".", 1)
    function, calls = getattr(__import__(module, fromlist=[name]), name), list[int]()

    def or_die(*arguments: Any) -> Any:
        calls.append(0)
        if len(calls) == shard + 1:
            monkeypatch.setattr(Assignment, "end", lambda *_: None)  # as a dead process would
            raise KilledError
        return function(*arguments)

    monkeypatch.setattr(place, or_die)
    return calls


@pytest.mark.parametrize(
    "place",
    [
        "tasks.assigned.process_shard",
        pytest.param("tasks.assigned.sent_shard", marks=pytest.mark.slow),
        pytest.param("tasks.assigned.fetch_shard", marks=pytest.mark.slow),
    ],
)
def test_a_worker_killed_in_the_middle_costs_nobody(
    place: str, store: Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = killed_at(1, place, monkeypatch)
    assert indexed(store, photos) == {}
    assert len(calls) > 3, "the shard at fault was halved"
    index(tmp_path / "local", [photos])
    assert content(store.root) == content(tmp_path / "local")
    leaves_nothing(store, tmp_path)


def test_a_task_that_runs_twice_and_an_answer_that_comes_late_change_nothing(
    store: Store, photos: Path, tmp_path: Path
) -> None:
    late: list[Callable[[], None]] = []

    def way(pool: Pool, key: str, work: Callable[[], None]) -> None:
        if not late:  # the first worker is cut off before it begins, and wakes up when the run is done
            late.append(work)
            raise KilledError
        work()
        if len(pool.attempts) == 2:
            work()  # Dask gives the task to a second worker, as if the first did not answer
        if len(pool.attempts) == 3:
            late[0]()
            raise RuntimeError("the scheduler was lost")

    assert indexed(store, photos, Pool(way)) == {}
    index(tmp_path / "local", [photos])
    assert content(store.root) == content(tmp_path / "local")
    leaves_nothing(store, tmp_path)
    with pytest.raises(ParError, match="does not hold memory://"):
        late[0]()
    leaves_nothing(store, tmp_path)


def test_an_attempt_that_another_worker_has_begun_is_not_begun_again(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killed_at(0, "tasks.assigned.process_shard", monkeypatch)
    said: list[str] = []

    def way(pool: Pool, key: str, work: Callable[[], None]) -> None:
        try:
            work()
        except ParError:
            if not key.endswith("-1"):
                raise
            work()  # Dask gives the task of a lost worker to another one

    with store.exclusive():
        run = Run.of(store, SETTINGS)
        plan = plan_index(run, [str(photos)], workers=1)
        with job_of(run, plan.shards, lambda _: None, lambda _: None) as (job, _):
            assert isinstance(job, AssignedJob)
            with Pool(way) as opened:
                assert fan_out(job, CollectingPool(opened, job), name="run", say=said.append) == {}
        commit_store(run)
    assert "was lost while it worked on shard" in said[0]
    leaves_nothing(store, tmp_path)


def test_a_worker_that_answers_elsewhere_is_found_out(store: Store, photos: Path, tmp_path: Path) -> None:
    failed = indexed(store, photos, Pool(lambda *_: None))
    assert len(failed) == 3
    assert "its answer is not at memory://" in next(iter(failed.values()))
    assert content(store.root) == []
    assert indexed(store, photos) == {}
    leaves_nothing(store, tmp_path)


def test_a_worker_of_a_run_that_has_ended_writes_nothing(
    store: Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is killed while a worker is at a shard: the next one has raised the epoch."""
    arguments: list[Any] = []

    def way(pool: Pool, key: str, work: Callable[[], None]) -> None:
        work()

    pool = Pool(way)
    submit = pool.submit
    monkeypatch.setattr(
        pool,
        "submit",
        lambda key, function, given: (arguments.append(given), submit(key, function, given)),
    )
    assert indexed(store, photos, pool) == {}
    with store.exclusive(), pytest.raises(ParError, match="does not hold memory://"):
        index_assigned(*arguments[0])
    leaves_nothing(store, tmp_path)


def test_an_answer_that_names_other_files_is_refused(store: Store, photos: Path) -> None:
    """Whatever a worker writes, the run takes nothing but the files of the shard that it handed out."""
    assert store.copy is not None
    with store.exclusive():
        place = AssignedStore.held(store.copy)
        assignment = Assignment(place, "run-1", "a host, process 1")
        assignment.answer("5a", {"store.json": store.copy.state.files().get("store.json", [])})
        with pytest.raises(ParError, match=r"run-1/5a.done is damaged: it names store.json"):
            Assignments(store.copy, place, 0.0).answers("run-1")


def test_a_run_that_was_cut_off_and_has_lost_the_store_changes_nothing(
    store: Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    """Another host takes the store after the first task; it deletes what the workers wrote before."""
    assert store.copy is not None
    other = copy_at(tmp_path / "other", store.copy.url, store.copy.objects, writing=True)
    theirs = dict[str, bytes | None](
        {"store.json": (store.root / "store.json").read_bytes(), "gate.json": b"{}"}
    )
    taken: list[str] = []

    def way(pool: Pool, key: str, work: Callable[[], None]) -> None:
        work()
        if not taken:
            taken.append(key)
            with other.writing():
                write_files(other.root, theirs)

    with pytest.raises(LeaseLostError, match="was taken by another writer"):
        indexed(store, photos, Pool(way))
    with other.writing():
        assert other.state.files().keys() == theirs.keys()
        kept = {item.key.split("@")[0] for item in other.objects.listed("files/")}
        assert "files/gate.json" in kept, "the run that was cut off has swept what it does not know"
        assert not [key for key in kept if key.startswith(("files/segment", "files/describe"))]
        write_files(other.root, {"gate.json": None})
    store.copy.ensure_all()
    assert indexed(Store.create(store.root), photos) == {}
    index(tmp_path / "local", [photos])
    assert content(store.root) == content(tmp_path / "local")
    leaves_nothing(store, tmp_path)


def test_a_shard_alone_that_fails_is_tried_again(
    store: Store, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half of the shard at which a worker was lost; an error that may pass stays one."""
    monkeypatch.setattr("flows.fan_out._DELAYS_S", (0.1,))
    killed_at(0, "tasks.assigned.process_shard", monkeypatch)
    refused: list[str] = []

    def way(pool: Pool, key: str, work: Callable[[], None]) -> None:
        if int(key.rpartition("-")[2]) > 3 and not refused:
            refused.append(key)
            raise TransientError("the archive is away")
        work()

    assert indexed(store, photos, Pool(way)) == {}
    assert refused
    leaves_nothing(store, tmp_path)


def test_a_worker_that_sees_another_store_or_none_says_so(store: Store) -> None:
    assert store.copy is not None
    with store.exclusive():
        place = AssignedStore.held(store.copy)
        assert lack_of(place) == ("", False)
        another = AssignedStore(place.url, "another", place.epoch)
        assert lack_of(another) == (f"there is another store at {place.url}, as this worker sees it", False)
        elsewhere = AssignedStore("memory://nowhere", place.store, place.epoch)
        assert lack_of(elsewhere) == ("there is no store at memory://nowhere, as this worker sees it", False)
        Assignments(store.copy, place, 0.0).clear()
    assert objects_without_a_file(store) == set()
