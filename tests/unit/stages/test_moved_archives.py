"""Pictures that were moved, renamed or copied are recognised by their bytes: no model sees them again, and
the store is what it would be if one had.
"""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from par_core.config import RunConfig, load_config
from par_core.errors import StoreError
from par_core.forget import Request, find_subject, forget
from par_core.ids import digest_of
from par_core.models.fake import FakeDescriber
from par_core.stages.check import verify_store
from par_core.stages.commit import rebuild_index
from par_core.stages.halving import halve
from par_core.stages.plan import plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.listings import listing_files
from par_core.store.missing_sources import missing_sources
from par_core.types import Descriptions
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene

describe = FakeDescriber.describe
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)]
SMALL_SHARDS = load_config(profile="fake", machine={"shard_size": 2})


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four pictures with four people, a copy of one, one with a person who is too small, a damaged file."""
    folder = archive(tmp_path / "a", GROUPS)
    shutil.copy2(folder / "0001.png", folder / "copy.png")
    save(folder / "far.png", scene("red", "cyan", person_height=20, seed=50))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def rows(run: Run, shard_id: str) -> list[list[dict[str, Any]]]:
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    described = run.store.shard("describe", run.ids.describe, shard_id)
    tables = (segmented.read("images"), segmented.read("people"), described.read("people"))
    return [table.to_pylist() for table in tables]


def recognised(root: Path, config: RunConfig = FAKE) -> int:
    run = Run.of(Store.open(root), config)
    shards = run.store.complete_shards("segment", run.ids.segment)
    return sum(manifest.info["recognised"] for _, manifest in shards)


def blind_to_blue(self: FakeDescriber, cutouts: list) -> Descriptions:
    for cutout in cutouts:
        red, _, blue = cutout.reshape(-1, 3).mean(axis=0)
        if blue > 2 * red:
            raise RuntimeError("poison")
    return describe(self, cutouts)


def assert_sound(root: Path) -> None:
    """The store is whole, and a rebuilding from Parquet alone gives the same."""
    assert verify_store(Store.open(root), thorough=True).problems == ()
    before = content(root)
    rebuild_index(Store.open(root))
    assert content(root) == before
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_a_renamed_folder_is_recognised_and_its_shard_is_as_if_it_had_been_computed(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    index(tmp_path / "s", [photos])
    assert seen == {"images": 5, "people": 4}
    moved = photos.rename(tmp_path / "b")
    seen.update(images=0, people=0)
    plan, commit = index(tmp_path / "s", [moved])
    assert seen == {"images": 0, "people": 0}
    assert (plan.new, plan.expected, recognised(tmp_path / "s"), commit.rows) == (7, 6, 6, 4)
    fresh = Run.of(Store.create(tmp_path / "fresh"), FAKE)
    (shard,) = plan_index(fresh, [str(moved)], workers=1).shards
    process_shard(fresh, shard.shard_id)
    assert rows(Run.of(Store.open(tmp_path / "s"), FAKE), shard.shard_id) == rows(fresh, shard.shard_id)
    assert_sound(tmp_path / "s")


@pytest.mark.parametrize("change", ["describer", "height", "thumbnails", "retry"])
def test_what_is_described_later_is_read_where_the_picture_is_now(
    tmp_path: Path, photos: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old listing stays, and its folder is gone: its shards must not wait for it for ever."""
    if change == "retry":
        with monkeypatch.context() as patch:
            patch.setattr(FakeDescriber, "describe", blind_to_blue)
            index(tmp_path / "s", [photos], SMALL_SHARDS)
        assert store_status(Store.open(tmp_path / "s")).accounting.person_failures == {"model_error": 1}
    else:
        index(tmp_path / "s", [photos], SMALL_SHARDS)
    moved = photos.rename(tmp_path / "b")
    index(tmp_path / "s", [moved], SMALL_SHARDS)
    settings: dict[str, Any] = {
        "describer": {"describe": {"cutout": {"background": "keep"}}},
        "height": {"segment": {"min_height_px": 10}},
        "thumbnails": {"describe": {"thumbnails": True}},
        "retry": {},
    }[change]
    config = load_config(profile="fake", machine={"shard_size": 2}, **settings)
    index(tmp_path / "s", [moved], config, retry_failed=change == "retry")
    index(tmp_path / "fresh", [moved], config)
    described, fresh = ([row | {"uris": []} for row in content(tmp_path / name)] for name in ("s", "fresh"))
    assert described == fresh
    counted = store_status(Store.open(tmp_path / "s")).accounting
    assert counted.person_failures == {}
    assert_sound(tmp_path / "s")


def test_members_of_a_renamed_zip_are_recognised(tmp_path: Path, seen: dict[str, int]) -> None:
    folder = archive(tmp_path / "a", GROUPS)
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as file:
        for path in sorted(folder.iterdir()):
            file.write(path, f"photos/{path.name}")
    index(tmp_path / "s", [tmp_path / "one.zip"])
    (tmp_path / "one.zip").rename(tmp_path / "two.zip")
    seen.update(images=0, people=0)
    plan, _ = index(tmp_path / "s", [tmp_path / "two.zip"])
    assert (plan.new, plan.expected, seen) == (4, 4, {"images": 0, "people": 0})
    assert_sound(tmp_path / "s")


def test_copies_with_their_time_are_recognised_from_small_shards(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    index(tmp_path / "s", [photos], SMALL_SHARDS)
    copied = Path(shutil.copytree(photos, tmp_path / "b"))
    seen.update(images=0, people=0)
    plan, commit = index(tmp_path / "s", [copied])
    assert seen == {"images": 0, "people": 0}
    assert (plan.expected, recognised(tmp_path / "s"), commit.rows) == (6, 6, 4)
    assert_sound(tmp_path / "s")


def test_other_bytes_of_the_same_size_and_time_are_computed(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    for name, colour in (("bmp-1.bmp", "red"), ("bmp-2.bmp", "green")):
        os.utime(save(photos / name, scene(colour, seed=60)), ns=(10**18, 10**18))
    index(tmp_path / "s", [photos])
    moved = photos.rename(tmp_path / "b")
    other = save(moved / "bmp-1.bmp", scene("blue", seed=60))
    os.utime(other, ns=(10**18, 10**18))
    seen.update(images=0, people=0)
    plan, commit = index(tmp_path / "s", [moved])
    assert seen == {"images": 1, "people": 1}
    assert (plan.expected, recognised(tmp_path / "s"), commit.rows) == (8, 7, 7)
    assert {row["upper_color"] for row in content(tmp_path / "s") if row["uri"] == str(other)} == {"blue"}
    assert_sound(tmp_path / "s")


def test_a_file_of_the_same_name_is_expected_before_others_of_its_size_and_time(
    tmp_path: Path, seen: dict[str, int]
) -> None:
    for name, colour in (("1.bmp", "red"), ("2.bmp", "green"), ("3.bmp", "blue")):
        os.utime(save(tmp_path / "a" / name, scene(colour)), ns=(10**18, 10**18))
    index(tmp_path / "s", [tmp_path / "a"])
    (tmp_path / "b").mkdir()
    moved = shutil.copy2(tmp_path / "a" / "2.bmp", tmp_path / "b" / "2.bmp")
    renamed = shutil.copy2(tmp_path / "a" / "1.bmp", tmp_path / "c.bmp")
    seen.update(images=0, people=0)
    index(tmp_path / "s", [moved, renamed])
    assert seen == {"images": 0, "people": 0}


def test_shards_that_are_gone_unlabelled_or_of_another_describer_give_nothing(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    index(tmp_path / "s", [photos])
    moved = photos.rename(tmp_path / "b")
    for step, config in enumerate(
        (
            load_config(profile="fake", segment={"min_height_px": 10}),
            load_config(profile="fake", describe={"cutout": {"background": "blur"}}),
        )
    ):
        shutil.copytree(tmp_path / "s", tmp_path / f"s{step}")
        run = Run.of(Store.open(tmp_path / f"s{step}"), config)
        plan = plan_index(run, [str(moved)], workers=1)
        assert plan.expected == (6, 0)[step], "another describer has described nothing yet"
        first, *_ = plan.shards
        seen.update(images=0, people=0)
        process_shard(run, first.shard_id)
        assert seen["images"] == 5
    run = Run.of(Store.open(tmp_path / "s"), FAKE)
    (known,) = run.store.complete_shards("segment", run.ids.segment)
    (planned,) = plan_index(run, [str(moved)], workers=1).shards
    (known[0].path / "manifest.json").unlink()
    seen.update(images=0, people=0)
    process_shard(run, planned.shard_id)
    assert seen["images"] == 5


def test_a_picture_with_a_person_who_could_not_be_described_is_worked_on_again(
    tmp_path: Path, photos: Path, seen: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = FakeDescriber.describe

    def fails_on_blue(self: FakeDescriber, cutouts: list) -> Descriptions:
        if any(image[..., 2].mean() > 2 * image[..., 0].mean() for image in cutouts):
            raise RuntimeError("poison")
        return describe(self, cutouts)

    with monkeypatch.context() as patch:
        patch.setattr(FakeDescriber, "describe", fails_on_blue)
        _, commit = index(tmp_path / "s", [photos])
    assert commit.rows == 3
    seen.update(images=0, people=0)
    moved = photos.rename(tmp_path / "b")
    _, commit = index(tmp_path / "s", [moved])
    assert seen == {"images": 1, "people": 2}, "the picture and its copy are one image"
    assert (recognised(tmp_path / "s"), commit.rows) == (4, 4)
    counted = store_status(Store.open(tmp_path / "s")).accounting
    assert (counted.people_failed, counted.described, counted.holds) == (0, 4, True)
    assert_sound(tmp_path / "s")


def test_damage_is_not_copied(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    moved = photos.rename(tmp_path / "b")
    run = Run.of(Store.open(tmp_path / "s"), FAKE)
    (known,) = run.store.complete_shards("describe", run.ids.describe)
    (planned,) = plan_index(run, [str(moved)], workers=1).shards
    table = known[0].path / "people.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match=r"people\.parquet is missing or not as it was written"):
        process_shard(run, planned.shard_id)


def test_halves_of_a_shard_and_the_rest_of_a_killed_run_are_recognised(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    index(tmp_path / "s", [photos])
    moved = photos.rename(tmp_path / "b")
    seen.update(images=0, people=0)
    run = Run.of(Store.open(tmp_path / "s"), FAKE)
    (planned,) = plan_index(run, [str(moved)], workers=1).shards
    first, _ = halve(run, planned.shard_id)
    process_shard(run, first.shard_id)
    plan, commit = index(tmp_path / "s", [moved])  # the run was killed before the second half
    assert (plan.new, plan.expected) == (4, 3)
    assert (seen, recognised(tmp_path / "s"), commit.rows) == ({"images": 0, "people": 0}, 6, 4)
    assert_sound(tmp_path / "s")


def places(root: Path) -> list[tuple[str, list[str]]]:
    return [(row["uri"], row["uris"]) for row in content(root)]


def test_hits_name_the_place_that_is_there_and_nothing_is_deleted(tmp_path: Path) -> None:
    root, here, there = tmp_path / "s", tmp_path / "a", tmp_path / "b"
    archive(here, [("red",)])
    old, new = str(here / "0000.png"), str(there / "0000.png")
    index(root, [here])
    here.rename(there)
    index(root, [there])
    assert places(root) == [(new, [new, old])]
    assert [file.source() for file in listing_files(Store.open(root))] == sorted_by_digest(here, there)
    assert_sound(root)
    there.rename(here)  # back again
    index(root, [here])
    assert places(root) == [(old, [old, new])]
    shutil.copytree(here, there)
    _, before = index(root, [there])
    assert places(root) == [(old, [old, new])], "both are there: by name"
    _, after = index(root, [there])
    assert after == before, "nothing changed"
    assert_sound(root)


def sorted_by_digest(*sources: Path) -> list[str]:
    return sorted(map(str, sources), key=digest_of)


def test_a_source_that_is_forgotten_while_it_is_missing_leaves_no_digest(tmp_path: Path) -> None:
    root, photos = tmp_path / "s", archive(tmp_path / "a", [("red",)])
    other = archive(tmp_path / "b", [("blue",), ("green",)])
    index(root, [photos])
    shutil.rmtree(photos)
    index(root, [other])
    digest = digest_of(str(photos))
    store = Store.open(root)
    assert missing_sources(store) == {digest}
    with store.exclusive():
        report = forget(store, find_subject(store, Request("source", (str(photos),))))
    assert (report.exit_code, missing_sources(store)) == (0, frozenset())
    assert_sound(root)


def test_an_erasure_does_not_look_for_sources_that_have_gone(tmp_path: Path) -> None:
    """It would write all of their images again, whom nobody asked to forget; the next plan notices."""
    root, here = tmp_path / "s", archive(tmp_path / "a", [("red",), ("blue",)])
    other = archive(tmp_path / "c", [("green",)])
    there = tmp_path / "b"
    shutil.copytree(here, there)
    index(root, [here, there, other])
    old, new = (str(folder / "0000.png") for folder in (here, there))
    person = next(row for row in content(root) if row["uri"].startswith(str(other)))["person_id"]
    shutil.rmtree(here)
    store = Store.open(root)
    with store.exclusive():
        report = forget(store, find_subject(store, Request.of(people=[person])))
    assert report.exit_code == 0
    assert missing_sources(store) == frozenset()
    assert places(root)[0] == (old, [old, new])
    index(root, [other])
    assert missing_sources(store) == {digest_of(str(here))}
    assert places(root)[0] == (new, [new, old])


def test_every_trace_of_a_recognised_picture_is_erased(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    index(tmp_path / "s", [Path(shutil.copytree(photos, tmp_path / "b"))])
    store = Store.open(tmp_path / "s")
    identity, n_people = content(tmp_path / "s")[0]["image_id"], len(content(tmp_path / "s"))
    gone = [row for row in content(tmp_path / "s") if row["image_id"] == identity]
    with store.exclusive():
        report = forget(store, find_subject(store, Request("image", (identity,)), thorough=True))
    assert report.exit_code == 0
    assert len(content(tmp_path / "s")) == n_people - len(gone)
    assert verify_store(store, thorough=True).problems == ()
    index(tmp_path / "s", [Path(shutil.copytree(photos, tmp_path / "c"))])
    assert identity not in {row["image_id"] for row in content(tmp_path / "s")}


def test_a_person_who_was_forgotten_is_not_taken_over(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    index(tmp_path / "s", [photos])
    store, before = Store.open(tmp_path / "s"), content(tmp_path / "s")
    gone = next(row["person_id"] for row in before if row["uri"].endswith("0001.png"))
    with store.exclusive():
        forget(store, find_subject(store, Request("person", (gone,))))
    seen.update(images=0, people=0)
    index(tmp_path / "s", [photos.rename(tmp_path / "b")])
    assert seen == {"images": 0, "people": 0}
    after = {row["person_id"] for row in content(tmp_path / "s")}
    assert after == {row["person_id"] for row in before} - {gone}
    assert_sound(tmp_path / "s")
