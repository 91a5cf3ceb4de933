"""What an erasure removes from a store, and what it leaves."""

import json
import shutil
from pathlib import Path

import pytest

from par_core.errors import BadConfigError
from par_core.stages.status import store_status
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.forgetting import THUMBNAILS, anywhere, assert_well, erase, newest, par, people_of
from tests.indexing import content, index
from tests.pictures import save, scene


def test_a_person_is_erased_everywhere_and_the_others_of_the_image_stay(root: Path) -> None:
    before = content(root)
    erased, *others = people_of(root, "0004.png")
    report = erase(root, person=erased["person_id"])
    assert report.proof.found_in == ()
    assert report.exit_code == 0
    assert anywhere(root, erased["person_id"]) == []
    assert content(root) == [row for row in before if row["person_id"] != erased["person_id"]]
    assert len(people_of(root, "0004.png")) == len(others) == 2
    assert_well(root)
    assert store_status(Store.open(root)).accounting.people == len(before) - 1


def test_an_image_with_its_only_person_forgotten_holds_no_people(root: Path) -> None:
    erase(root, person=people_of(root, "0003.png")[0]["person_id"])
    counted = store_status(Store.open(root)).accounting
    assert (counted.indexed, counted.no_people, counted.forgotten) == (4, 2, 0)


def test_an_image_is_erased_with_its_people_its_names_and_its_thumbnails(root: Path, photos: Path) -> None:
    shutil.copy(photos / "0004.png", photos / "another name é.png")
    index(root, [photos], THUMBNAILS)
    image = people_of(root, "0004.png")[0]["image_id"]
    people = [row["person_id"] for row in people_of(root, "0004.png")]
    assert anywhere(root, image)
    report = erase(root, image=image)
    assert report.proof.found_in == ()
    for trace in (image, *people, str(photos / "0004.png"), "another name é.png"):
        assert anywhere(root, trace) == []
    assert_well(root)
    assert (
        str(store_status(Store.open(root)).accounting)
        == "7 files listed = 4 indexed + 1 without people + 0 failed + 0 duplicates + 2 forgotten"
    )


def test_a_source_is_erased_with_everything_below_it_and_a_copy_elsewhere_stays(
    root: Path, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(photos / "0000.png", tmp_path / "other" / "kept.png")
    index(root, [tmp_path / "other"], THUMBNAILS)
    report = erase(root, source=str(photos))
    assert report.proof.found_in == ()
    assert anywhere(root, str(photos)) == []
    (left,) = content(root)
    assert left["uris"] == [str(tmp_path / "other" / "kept.png")]
    assert left["source_state"] == "present"
    assert_well(root)


def test_one_of_two_names_of_an_image_is_forgotten_and_the_image_stays_under_the_other(
    root: Path, photos: Path
) -> None:
    shutil.copy(photos / "0000.png", photos / "0000.png.png")  # a name that holds the forgotten one
    index(root, [photos], THUMBNAILS)
    before = [row["person_id"] for row in content(root)]
    report = erase(root, source=str(photos / "0000.png"))
    assert report.proof.found_in == ()
    assert [row["person_id"] for row in content(root)] == before
    assert [row["uris"] for row in people_of(root, "0000.png.png")] == [[str(photos / "0000.png.png")]]
    assert people_of(root, "0000.png") == []
    assert_well(root)


def test_an_image_that_was_replaced_is_erased_and_what_took_its_place_stays(root: Path, photos: Path) -> None:
    old = people_of(root, "0000.png")[0]["image_id"]
    save(photos / "0000.png", scene("blue", seed=77))
    index(root, [photos], THUMBNAILS)
    assert erase(root, image=old).proof.found_in == ()
    assert anywhere(root, old) == []
    (left,) = people_of(root, "0000.png")
    assert left["source_state"] == "present"
    assert_well(root)


def test_every_old_version_of_the_index_is_deleted_and_live_is_the_new_one(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    old = newest(root).history.live_version
    report = erase(root, person=erased["person_id"])
    index_now = newest(root)
    assert report.live_moved
    assert index_now.history.live_version == index_now.version
    assert anywhere(root / "index.lance", erased["person_id"]) == []
    with pytest.raises(BadConfigError, match="no version"):
        PeopleIndex.open(Store.open(root).index_path, str(old))
    live = PeopleIndex.open(Store.open(root).index_path, "live")
    assert live is not None
    assert erased["person_id"] not in live.rows([erased["person_id"]])["person_id"].to_pylist()


def test_a_source_that_is_an_archive_or_was_never_read_is_forgotten_too(
    root: Path, photos: Path, tmp_path: Path
) -> None:
    night = Path(shutil.make_archive(str(tmp_path / "night"), "zip", photos))
    index(root, [night], THUMBNAILS)
    (photos / "broken.png").write_bytes(b"no picture")
    index(root, [photos], THUMBNAILS)
    for source in (str(night), str(photos / "broken.png")):
        assert erase(root, source=source).proof.found_in == ()
        assert anywhere(root, source) == []
    index(root, [night, photos], THUMBNAILS)
    assert anywhere(root, str(night)) == []
    assert anywhere(root, "broken.png") == []
    assert len(content(root)) == 8
    assert_well(root)


def test_a_store_that_was_never_committed_can_forget(tmp_path: Path, photos: Path) -> None:
    from par_core.stages.plan import plan_index
    from par_core.stages.run import Run
    from par_core.stages.segment import segment_shard

    store = Store.create(tmp_path / "half")
    run = Run.of(store, THUMBNAILS)
    plan = plan_index(run, [str(photos)], workers=1)
    segment_shard(run, plan.shards[0].shard_id)
    assert erase(store.root, source=str(photos / "0003.png")).exit_code == 0
    assert anywhere(store.root, str(photos / "0003.png")) == []
    index(store.root, [photos], THUMBNAILS)
    assert len(content(store.root)) == 6
    assert_well(store.root)


def test_shards_that_hold_nothing_of_the_erased_are_neither_written_nor_read(root: Path) -> None:
    erased = people_of(root, "0005.png")[0]
    others = {
        path: path.stat().st_mtime_ns
        for path in root.rglob("*")
        if path.is_file()
        and path.parts[-4] in ("segment", "describe")
        and path.parent.name != erased_shard(root)
    }
    assert len(others) == 5
    people = [path for path in others if path.name == "people.parquet"]
    kept = [path.read_bytes() for path in people]
    for path in people:
        path.write_bytes(b"not Parquet")
    report = erase(root, person=erased["person_id"])
    assert (report.proof.scope, report.proof.found_in) == ("rewritten", ())
    for path, data in zip(people, kept, strict=True):
        assert path.read_bytes() == b"not Parquet"
        path.write_bytes(data)
    assert all(path.stat().st_mtime_ns == at for path, at in others.items() if path not in people)
    assert anywhere(root, erased["person_id"]) == []
    assert_well(root)


def erased_shard(root: Path) -> str:
    """The shard that holds only the picture of the second run."""
    (row,) = newest(root).search(None, where="uri LIKE '%0005.png'", columns=["shard"]).to_pylist()
    return str(row["shard"])


def test_a_thorough_erasure_searches_everything_and_leaves_the_same_store(root: Path) -> None:
    before = content(root)
    erased = people_of(root, "0004.png")[0]
    done = par("forget", "--person", erased["person_id"], "--store", root, "--yes", "--thorough", "--json")
    assert done.exit_code == 0, done.output
    searched = json.loads(done.stdout)["searched"]
    # the certificate and the audit log are written after the search
    assert searched["scope"] == "everything"
    assert searched["files"] >= sum(path.is_file() for path in root.rglob("*")) - 3
    assert anywhere(root, erased["person_id"]) == []
    assert content(root) == [row for row in before if row["person_id"] != erased["person_id"]]
    assert_well(root)


@pytest.mark.parametrize("kind", ["person", "image"])
def test_shards_that_are_not_concerned_are_not_read(root: Path, kind: str) -> None:
    other, mine = (
        newest(root).rows([people_of(root, name)[0]["person_id"]])["shard"][0].as_py()
        for name in ("0005.png", "0004.png")
    )
    assert mine != other
    paths = [path for path in root.glob(f"*/*/{other}/*") if path.suffix == ".parquet"]
    contents = [path.read_bytes() for path in paths]
    for path in paths:
        path.write_bytes(b"unreadable")
    erased = people_of(root, "0004.png")[0]
    report = erase(root, **{kind: erased[f"{kind}_id"]})
    assert report.proof.found_in == ()
    for path, content_before in zip(paths, contents, strict=True):
        path.write_bytes(content_before)
    assert anywhere(root, erased[f"{kind}_id"]) == []
    assert_well(root)
