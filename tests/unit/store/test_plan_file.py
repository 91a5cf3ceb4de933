"""The plan of a run on disk: written a shard at a time, read a shard at a time, complete or absent."""

import shutil
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from par_core.archive import Entry
from par_core.errors import BadInputError, StoreError
from par_core.ids import digest_of
from par_core.stages.shard_work import ShardWork, plan_shard, read_work, work_table
from par_core.store.layout import Store
from par_core.store.listings import entries_table
from par_core.store.plan_file import SHARDS_PER_PART, PlanFile, PlannedShard, planned_work
from par_core.store.plan_writer import write_plan
from par_core.store.schemas import WORK


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "s")


def entries(number: int, count: int = 2) -> list[Entry]:
    return [Entry(f"/photos/{number}-{each}.jpg", 10 + each, "v") for each in range(count)]


def work(number: int, count: int = 2) -> pa.Table:
    known = {f"/photos/{number}-0.jpg": ("f" * 32, "e" * 16)}
    return work_table(entries_table(entries(number, count)), pa.array([1] * count, pa.int32()), known)


def write(store: Store, shards: int) -> None:
    with write_plan(store) as writer:
        for number in range(shards):
            writer.add(digest_of(str(number)), work(number, 1 + number % 2))


def test_shards_come_back_in_order_and_each_finds_its_entries_in_any_part(store: Store) -> None:
    shards = SHARDS_PER_PART + 3
    write(store, shards)
    plan = PlanFile.of(store)
    assert len(plan) == shards
    assert len(list((store.root / "work" / "plan").glob("0*.arrow"))) == 2
    planned = list(plan)
    assert planned == [plan[number] for number in range(shards)]
    assert planned[7] == PlannedShard(digest_of("7"), 2, segmented=False)
    assert plan.sizes.tolist() == [1 + number % 2 for number in range(shards)]
    assert plan.n_images == plan.sizes.sum()
    assert plan.ids(range(998, 1002)) == [digest_of(str(number)) for number in range(998, 1002)]
    for number in (0, 999, 1000, shards - 1):
        known = {f"/photos/{number}-0.jpg": ("f" * 32, "e" * 16)}
        assert read_work(store, digest_of(str(number))) == ShardWork(
            entries(number, 1 + number % 2), 1, known
        )


def test_streams_and_segmented_shards_are_marked(store: Store) -> None:
    with write_plan(store) as writer:
        writer.add(digest_of("a"), work(0))
        writer.add(digest_of("b"), work(1), stream="/photos/night.tar.gz")
        writer.add_segmented(digest_of("c"), 5, WORK.empty_table())
    plan = PlanFile.of(store)
    assert [shard.stream for shard in plan] == ["", "/photos/night.tar.gz", ""]
    np.testing.assert_array_equal(plan.segmented, [False, False, True])
    assert plan.n_images == 9
    found = planned_work(store, digest_of("c"))
    assert found is not None
    assert len(found) == 0
    with pytest.raises(StoreError, match=f"no entries of shard {digest_of('c')}"):
        read_work(store, digest_of("c"))


def test_a_plan_without_shards_is_a_plan_and_no_plan_is_none(store: Store) -> None:
    assert PlanFile.open(store) is None
    with pytest.raises(StoreError, match="has no plan of a run"):
        PlanFile.of(store)
    with pytest.raises(StoreError, match="has no entries of shard"):
        read_work(store, digest_of("a"))
    write(store, 0)
    plan = PlanFile.of(store)
    assert (len(plan), plan.n_images, list(plan), plan.sizes.tolist()) == (0, 0, [], [])
    with pytest.raises(StoreError, match="has no entries of shard"):
        read_work(store, digest_of("a"))


def test_a_shard_that_replaces_a_part_of_another_has_a_file_of_its_own(store: Store) -> None:
    write(store, 2)
    known = read_work(store, digest_of("0")).known
    half = plan_shard(store, entries(0, 1), 3, known={**known, "/photos/another.jpg": ("0" * 32, "1" * 16)})
    assert store.work_path(half.shard_id).exists()
    assert read_work(store, half.shard_id) == ShardWork(entries(0, 1), 3, known)
    assert read_work(store, digest_of("0")) == ShardWork(entries(0, 1), 1, known)


def test_the_plan_before_stays_until_the_next_is_complete(store: Store) -> None:
    write(store, 3)
    with pytest.raises(BadInputError), write_plan(store) as writer:
        writer.add(digest_of("other"), work(0).drop_columns(["attempt"]))
    assert len(PlanFile.of(store)) == 3
    assert [path.name for path in (store.root / "work").iterdir()] == ["plan"]
    write(store, 1)
    assert len(PlanFile.of(store)) == 1


def test_a_kill_while_a_plan_is_replaced_leaves_no_plan_and_the_next_run_removes_the_rest(
    store: Store,
) -> None:
    write(store, 3)
    folder = store.root / "work" / "plan"
    folder.rename(folder.with_name(".plan.0123456789abcdef.old"))
    assert PlanFile.open(store) is None
    write(store, 2)
    assert [path.name for path in (store.root / "work").iterdir()] == ["plan"]


def test_a_plan_whose_last_file_is_missing_is_none(store: Store) -> None:
    write(store, 3)
    (store.root / "work" / "plan" / "plan.json").unlink()
    assert PlanFile.open(store) is None


def planned_first(store: Store) -> object:
    return planned_work(store, digest_of("0"))


@pytest.mark.parametrize("name", ["0000.arrow", "shards.arrow", "lookup.npy", "plan.json"])
@pytest.mark.parametrize("content", [b"", b"not this"])
def test_a_damaged_plan_is_named_with_the_way_out(store: Store, name: str, content: bytes) -> None:
    write(store, 3)
    (store.root / "work" / "plan" / name).write_bytes(content)
    read = PlanFile.of if name in ("shards.arrow", "plan.json") else planned_first
    with pytest.raises(StoreError, match=r"work/plan cannot be read .*; delete the folder and run par index"):
        read(store)


def test_parts_of_another_plan_are_noticed(store: Store) -> None:
    write(store, 3)
    lookup = store.root / "work" / "plan" / "lookup.npy"
    kept = shutil.copy(lookup, store.root / "kept.npy")
    with write_plan(store) as writer:
        for number in (1, 0, 2):
            writer.add(digest_of(str(number)), work(number))
    shutil.copy(kept, lookup)
    with pytest.raises(StoreError, match="holds shard"):
        planned_work(store, digest_of("1"))


def test_entries_of_another_schema_are_refused(store: Store) -> None:
    with pytest.raises(BadInputError, match="missing columns"), write_plan(store) as writer:
        writer.add(digest_of("a"), work(0).drop_columns(["attempt"]))
    assert PlanFile.open(store) is None


def test_memory_does_not_grow_with_the_plan(store: Store) -> None:
    process, shard = psutil.Process(), work(0, 50)
    with write_plan(store) as writer:
        for number in range(6_000):
            if number == 1_500:
                before = process.memory_info().rss
            writer.add(digest_of(str(number)), shard)
        grown = process.memory_info().rss - before
    assert grown < 10e6, "4,500 shards of 50 entries would be 20 MB"
