"""Shards whose worker was lost: halves hold what the whole held, and an image that is alone is given up in
time.
"""

import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from par_core.config import load_config
from par_core.errors import WorkerLostError
from par_core.stages.attempts import attempt, begun_by, forget_attempts, was_begun
from par_core.stages.check import verify_store
from par_core.stages.commit import commit_store
from par_core.stages.describe import describe_shard
from par_core.stages.halving import halve, images_of
from par_core.stages.losses import Losses, Replaced
from par_core.stages.plan import plan_index
from par_core.stages.run import Run
from par_core.stages.segment import segment_shard
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.plan_file import PlannedShard
from tests.indexing import content, index
from tests.pictures import RGB, archive

CONFIG = load_config(profile="fake")
COLOURS = sorted(RGB)


def planned(root: Path, photos: Path) -> tuple[Run, PlannedShard]:
    """A run with one shard to do."""
    run = Run.of(Store.create(root), CONFIG)
    [shard] = plan_index(run, [str(photos)], workers=1).shards
    return run, shard


def finish(run: Run, shard_ids: list[str]) -> None:
    for shard_id in shard_ids:
        segment_shard(run, shard_id)
        describe_shard(run, shard_id)
    commit_store(run)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(st.lists(st.sampled_from(COLOURS), max_size=3, unique=True), min_size=2, max_size=9),
    copies=st.lists(st.integers(0, 8), max_size=3),
    segmented=st.booleans(),
    data=st.data(),
)
def test_halves_of_halves_hold_what_the_whole_held(
    groups: list[list[str]],
    copies: list[int],
    segmented: bool,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("halves")
    photos = archive(root / "photos", groups)
    for number, source in enumerate(copies):
        shutil.copy(photos / f"{source % len(groups):04d}.png", photos / f"copy{number}.png")
    (photos / "broken.png").write_bytes(b"no picture")
    index(root / "whole", [photos])
    run, shard = planned(root / "s", photos)
    if segmented:
        segment_shard(run, shard.shard_id)
    shards = [shard.shard_id]
    for _ in range(3):
        chosen = data.draw(st.sampled_from(shards))
        if images_of(run, chosen) < 2:
            continue
        first, second = halve(run, chosen)
        assert first.segmented == second.segmented == segmented
        assert abs(images_of(run, first.shard_id) - images_of(run, second.shard_id)) <= 1
        shards[shards.index(chosen) : shards.index(chosen) + 1] = [first.shard_id, second.shard_id]
    finish(run, shards)
    assert content(root / "s") == content(root / "whole")
    assert str(store_status(run.store).accounting) == str(store_status(Store.open(root / "whole")).accounting)
    assert verify_store(run.store).problems == ()


def test_a_kill_between_the_halves_and_the_whole_leaves_a_store_that_can_be_finished(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green",), ("blue",), ("red", "blue")])
    run, shard = planned(tmp_path / "s", photos)
    segment_shard(run, shard.shard_id)
    whole = run.store.shard("segment", run.ids.segment, shard.shard_id).path
    shutil.copytree(whole, tmp_path / "kept")
    halve(run, shard.shard_id)
    assert not whole.exists()
    shutil.copytree(tmp_path / "kept", whole)  # as if the kill had come before it was removed
    index(tmp_path / "s", [photos])
    assert len(content(tmp_path / "s")) == 5
    assert verify_store(run.store).problems == ()


def test_an_attempt_is_begun_once_and_its_mark_goes_however_the_code_ends(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    with attempt(store, "shard", "run-1"):
        assert was_begun(store, "shard", "run-1")
        assert "process" in begun_by(store, "shard", "run-1")
        with (
            pytest.raises(WorkerLostError, match="was lost while it worked on shard shard"),
            attempt(store, "shard", "run-1"),
        ):
            raise AssertionError("it was begun twice")
        with attempt(store, "shard", "run-2"):
            assert was_begun(store, "shard", "run-2")
    assert not was_begun(store, "shard", "run-1")
    with pytest.raises(ZeroDivisionError), attempt(store, "shard", "run-3"):
        raise ZeroDivisionError
    assert not forget_attempts(store)
    (store.root / "work" / "shard.run-4.begun").write_text("cam7, process 12")
    assert forget_attempts(store), "a run ended without a word"


def begin(store: Store, shard_id: str, name: str) -> None:
    """Begin an attempt and die."""
    (store.root / "work" / f"{shard_id}.{name}.begun").write_text("cam7, process 12")


def test_a_lost_shard_is_halved_and_the_image_that_is_left_given_up_at_the_second_loss(
    tmp_path: Path,
) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue")])
    run, shard = planned(tmp_path / "s", photos)
    losses = Losses(run)
    begin(run.store, shard.shard_id, "r-1")
    first, second = losses.replace(shard.shard_id, "r-1")
    assert losses.sizes == {first: 1, second: 1}
    begin(run.store, first, "r-2")
    assert losses.replace(first, "r-2") == [first]
    assert images_of(run, first) == 1
    begin(run.store, first, "r-3")
    assert losses.replace(first, "r-3") == [first]
    finish(run, [first, second])
    counted = store_status(run.store).accounting
    assert counted.failures == {"worker_died": 1}
    assert len(content(tmp_path / "s")) == 2
    assert verify_store(run.store).problems == ()
    [row] = run.store.shard("segment", run.ids.segment, first).read("images").to_pylist()
    assert (
        row["message"]
        == "the worker on cam7, process 12 was lost while it worked on this image alone, for the second time"
    )
    assert not list(run.store.root.glob("work/*.begun"))
    begin(run.store, first, "r-4")
    assert losses.replace(first, "r-4") == [], "it is described, so it is finished"


def test_a_lost_range_is_split_at_the_shard_that_was_under_way(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green",)] * 4)
    run = Run.of(Store.create(tmp_path / "s"), load_config(profile="fake", machine={"shard_size": 2}))
    plan = plan_index(run, [str(photos)], workers=1).shards
    losses = Losses(run)
    finish(run, plan.ids(range(1)))
    assert losses.split(plan, range(4), "r-1") == Replaced(range(1), [range(1, 4)]), "none was begun"
    begin(run.store, plan[0].shard_id, "r-2")  # finished before the mark was removed
    begin(run.store, plan[1].shard_id, "r-2")
    replaced = losses.split(plan, range(4), "r-2")
    first, second, rest = replaced.work
    assert (replaced.finished, rest) == (range(1), range(2, 4))
    assert losses.sizes == {first: 1, second: 1}
    assert not list(run.store.root.glob("work/*.begun"))
    finish(run, [str(first), str(second)])
    begin(run.store, plan[3].shard_id, "r-3")
    finish(run, plan.ids(range(2, 4)))
    assert losses.split(plan, range(2, 4), "r-3") == Replaced(range(2, 4), []), "nothing is left to do"
    assert not list(run.store.root.glob("work/*.begun"))
    assert len(content(tmp_path / "s")) == 8


def test_an_image_of_many_copies_stays_together_and_is_given_up_as_a_whole(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",)])
    for number in range(3):
        shutil.copy(photos / "0000.png", photos / f"copy{number}.png")
    run, shard = planned(tmp_path / "s", photos)
    segment_shard(run, shard.shard_id)
    losses = Losses(run)
    for name in ("r-1", "r-2"):
        begin(run.store, shard.shard_id, name)
        assert losses.replace(shard.shard_id, name) == [shard.shard_id]
    finish(run, [shard.shard_id])
    assert store_status(run.store).accounting.failures == {"worker_died": 4}


def test_a_shard_that_no_worker_began_is_not_blamed_but_not_tried_for_ever(tmp_path: Path) -> None:
    run, shard = planned(tmp_path / "s", archive(tmp_path / "photos", [("red",), ("green",)]))
    losses = Losses(run)
    for number in range(8):
        assert losses.replace(shard.shard_id, f"r-{number}") == [shard.shard_id]
    with pytest.raises(WorkerLostError, match="8 times before they began it"):
        losses.replace(shard.shard_id, "r-9")


def test_writers_of_the_same_shard_leave_the_files_of_one(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue")] * 4)
    run, shard = planned(tmp_path / "s", photos)
    threads = [threading.Thread(target=segment_shard, args=(run, shard.shard_id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = run.store.shard("segment", run.ids.segment, shard.shard_id)
    manifest = folder.manifest()
    assert manifest is not None
    assert folder.wrong_files(manifest) == []
    assert run.store.incomplete_shards() == [], "the others tidied up"
