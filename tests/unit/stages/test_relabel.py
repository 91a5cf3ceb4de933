"""Settings that only relabel: finished shards are brought in line, and models see only who was never
described.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from par_core.config import ArchiveConfig, RunConfig, load_config
from par_core.errors import TransientError
from par_core.models.fake import FakeDescriber
from par_core.stages.check import verify_store
from par_core.stages.plan import plan_index
from par_core.stages.process import process_shard
from par_core.stages.provenance import RULES, limits_raised, needs_relabel
from par_core.stages.relabel import relabel_shard
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.status import Status
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive, save, scene


def settings(min_height_px: int = 32, *, thumbnails: bool = False, background: str = "keep") -> RunConfig:
    return load_config(
        profile="fake",
        segment={"min_height_px": min_height_px},
        describe={"thumbnails": thumbnails, "cutout": {"background": background}},
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """People of 60, 40 and 20 pixels."""
    folder = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    save(folder / "middle.png", scene("yellow", "cyan", person_height=40, seed=50))
    save(folder / "copy.png", scene("yellow", "cyan", person_height=40, seed=50))
    save(folder / "far.png", scene("magenta", person_height=20, seed=51))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def tables(root: Path, config: RunConfig) -> list[list[dict[str, Any]]]:
    """All rows of the shards of a configuration."""
    run = Run.of(Store.open(root), config)
    return [
        sorted((row for folder in shards for row in folder.read(name).to_pylist()), key=str)
        for shards, name in (
            ([folder for folder, _ in run.store.complete_shards("segment", run.ids.segment)], "images"),
            ([folder for folder, _ in run.store.complete_shards("segment", run.ids.segment)], "people"),
            ([folder for folder, _ in run.store.complete_shards("describe", run.ids.describe)], "people"),
        )
    ]


def counts(root: Path) -> list[dict[str, int]]:
    return [
        dict(manifest.counts)
        for stage in ("segment", "describe")
        for folder in (Store.open(root).root / stage).iterdir()
        for _, manifest in Store.open(root).complete_shards(stage, folder.name)
    ]


def as_if_indexed_anew(root: Path, photos: Path, config: RunConfig) -> None:
    """Compare a store with one that was made with its settings from the beginning."""
    fresh = root.with_name(f"fresh-{len(list(root.parent.iterdir()))}")
    index(fresh, [photos], config)
    assert tables(root, config) == tables(fresh, config)
    assert counts(root) == counts(fresh)
    assert content(root) == content(fresh)
    assert store_status(Store.open(root)).accounting == store_status(Store.open(fresh)).accounting
    assert verify_store(Store.open(root)).problems == ()


def test_another_least_height_asks_a_model_only_for_people_who_count_now(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    assert seen == {"images": 5, "people": 5}
    for height, described, people in (
        (50, 0, 3),
        (32, 2, 5),
        (10, 1, 6),
        (32, 0, 5),
        (100, 0, 0),
        (10, 6, 6),
    ):
        seen.update(images=0, people=0)
        plan, commit = index(root, [photos], settings(height))
        assert (plan.new, plan.unchanged) == (0, 7)
        assert seen == {"images": 0, "people": described}
        assert commit.rows == people
        as_if_indexed_anew(root, photos, settings(height))
        assert not list(index(root, [photos], settings(height))[0].shards)


def test_thumbnails_are_added_without_a_model(tmp_path: Path, photos: Path, seen: dict[str, int]) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings())
    seen.update(images=0, people=0)
    plan, _ = index(root, [photos], settings(thumbnails=True))
    assert (plan.new, seen) == (0, {"images": 0, "people": 0})
    assert sum(row["thumbnail"] is not None for row in tables(root, settings())[2]) == 5
    as_if_indexed_anew(root, photos, settings(thumbnails=True))
    assert not list(index(root, [photos], settings(thumbnails=False))[0].shards), "those that are kept stay"
    index(root, [photos], settings(10, thumbnails=False))
    assert sum(row["thumbnail"] is not None for row in tables(root, settings())[2]) == 5
    index(root, [photos], settings(10, thumbnails=True))
    as_if_indexed_anew(root, photos, settings(10, thumbnails=True))


def test_every_description_of_a_segmentation_follows(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    index(root, [photos], settings(32, background="blur"))
    index(root, [photos], settings(10))
    seen.update(images=0, people=0)
    index(root, [photos], settings(10, background="blur"))
    assert seen == {"images": 0, "people": 1}
    assert len(content(root)) == 6
    assert verify_store(Store.open(root)).problems == ()


def test_a_picture_that_is_gone_costs_the_people_who_count_now_and_no_others(
    tmp_path: Path, photos: Path
) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    (shard,) = plan_index(Run.of(Store.open(root), settings(10)), [str(photos)], workers=1).shards
    (photos / "far.png").unlink()
    run = Run.of(Store.open(root), settings(10, thumbnails=True))
    process_shard(run, shard.shard_id)
    rows = run.store.shard("describe", run.ids.describe, shard.shard_id).read("people").to_pylist()
    assert [row["status"] for row in rows].count(Status.VANISHED) == 1
    assert [row["status"] for row in rows].count(Status.OK) == 5


def test_storage_that_is_away_leaves_the_shard_as_it_was(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(50))
    before = tables(root, settings(50))
    run = Run.of(Store.open(root), settings(10))
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    photos.rename(photos.with_name("away"))
    with pytest.raises(TransientError, match="storage may be away"):
        relabel_shard(run, shard.shard_id)
    assert tables(root, settings(50)) == before
    photos.with_name("away").rename(photos)
    assert relabel_shard(run, shard.shard_id)
    assert not relabel_shard(run, shard.shard_id)


@pytest.mark.parametrize("height", [50, 10])
def test_a_kill_at_any_write_leaves_a_shard_that_the_next_run_finishes(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    run = Run.of(Store.open(root), settings(height))
    (shard,) = plan_index(run, [str(photos)], workers=1).shards

    class Killed(BaseException):
        pass

    from par_core.store import shards

    write, writes = shards.write_atomic, 0
    for survived in range(6):
        left = survived

        def write_some(*arguments: Any) -> None:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            write(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(shards, "write_atomic", write_some)
            try:
                relabel_shard(run, shard.shard_id)
                break
            except Killed:
                writes += 1
    assert writes == 5, "descriptions, manifest; images, people, manifest"
    index(root, [photos], settings(height))
    as_if_indexed_anew(root, photos, settings(height))


def test_a_kill_in_between_is_continued_at_once(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The description follows first, and asks nobody twice."""
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    run = Run.of(Store.open(root), settings(10))
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    with monkeypatch.context() as patch:
        patch.setattr("par_core.stages.relabel._rewrite_labels", interrupted)
        with pytest.raises(KeyboardInterrupt):
            relabel_shard(run, shard.shard_id)
    with monkeypatch.context() as patch:
        patch.setattr(FakeDescriber, "describe", interrupted)
        assert relabel_shard(run, shard.shard_id)
    index(root, [photos], settings(10))
    as_if_indexed_anew(root, photos, settings(10))


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_vectors_are_kept_to_the_bit(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "s"
    index(root, [photos], settings(32))
    before = {row["person_id"]: row["vector"] for row in tables(root, settings())[2]}
    index(root, [photos], settings(10, thumbnails=True))
    after = {row["person_id"]: row["vector"] for row in tables(root, settings())[2]}
    kept = [identity for identity, vector in before.items() if vector is not None]
    assert len(kept) == 5
    assert all(np.array_equal(before[identity], after[identity]) for identity in kept)


def test_limits_are_recorded_and_a_raised_one_is_noticed(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    small = load_config(profile="fake", archive={"max_pixels": 80 * 96, "max_bytes": 2**20})
    _, commit = index(tmp_path / "s", [photos], small)
    (_, segmented), *_ = Store.open(tmp_path / "s").complete_shards("segment", commit.segment_config)
    assert segmented.counts[Status.TOO_LARGE] == 3
    assert segmented.info["limits"] == {"max_pixels": 80 * 96, "max_bytes": 2**20}
    assert not limits_raised(segmented.info, small.archive)
    assert not limits_raised(segmented.info, ArchiveConfig(max_pixels=1, max_bytes=1))
    assert limits_raised(segmented.info, ArchiveConfig(max_pixels=80 * 96 + 1, max_bytes=1))
    assert limits_raised(segmented.info, ArchiveConfig(max_pixels=1, max_bytes=2**20 + 1))
    assert limits_raised({}, small.archive), "a shard of version 0.1 does not say"
    seen.update(images=0, people=0)
    plan, _ = index(tmp_path / "s", [photos], load_config(profile="fake"), retry_failed=True)
    assert plan.retried == 4
    assert seen["images"] == 2, "two different images that were too large, and no other"


def test_a_description_that_does_not_say_has_the_labels_that_its_segmentation_began_with() -> None:
    described = {"settings": {"thumbnails": False}, **RULES}
    segmented = {"settings": {"min_height_px": 10}, **RULES}
    assert not needs_relabel(segmented, described, settings(10))
    segmented |= {"first_min_height_px": 32}
    assert needs_relabel(segmented, described, settings(10))
    assert not needs_relabel(segmented, {**described, "min_height_px": 10}, settings(10))
    assert not needs_relabel(segmented, None, settings(10))
    assert needs_relabel(segmented, None, settings(32))
