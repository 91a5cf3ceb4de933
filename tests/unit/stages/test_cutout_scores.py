"""Scores of cut-outs and second cuts in a store: made when it is filled, and added to a store of the former
version without a model.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from par_core.datasets.csv_labels import read_csv_labels
from par_core.errors import FilterError
from par_core.evaluate.stored.matching import join_labels, open_index
from par_core.forget.concerned import every_shard
from par_core.models.fake import FakeSegmenter
from par_core.models.profiles import load_describer, load_segmenter
from par_core.people import cutout_quality
from par_core.people.cutout_quality import cutout_scores
from par_core.people.masks import decode_mask, encode_mask
from par_core.query.from_store import Question, ask
from par_core.query.one_picture import people_of
from par_core.stages.check import verify_store
from par_core.stages.commit import rebuild_index
from par_core.stages.plan import plan_index
from par_core.stages.provenance import RULES
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.status import Status
from par_core.store.layout import Store
from par_core.types import ImageU8, MaskRLE, PersonInstances
from tests.forgetting import anywhere, erase
from tests.former_store import stored_before_cutout_scores
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene
from tests.unit.stages.test_migration import refuse_models


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])


@pytest.fixture
def cuts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The segmenter also outlines everybody without the legs."""
    segment = FakeSegmenter._segment

    def twice(self: FakeSegmenter, image: ImageU8) -> PersonInstances:
        found = segment(self, image)
        upper = found.boxes.copy()
        upper[:, 3] -= 20
        return PersonInstances(
            np.concatenate([found.boxes, upper]),
            np.concatenate([found.scores, found.scores - np.float32(0.1)]),
            found.masks + tuple(_upper(mask, box) for mask, box in zip(found.masks, upper, strict=True)),
        )

    monkeypatch.setattr(FakeSegmenter, "_segment", twice)


def _upper(mask: MaskRLE, box: np.ndarray) -> MaskRLE:
    pixels = decode_mask(mask)
    pixels[int(box[3]) :] = False
    return encode_mask(pixels)


def people_rows(root: Path, stage: str) -> list[dict]:
    return [
        row for folder, _ in every_shard(Store.open(root), stage) for row in folder.read("people").to_pylist()
    ]


def test_every_described_person_has_the_score_of_its_measures(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "s", [photos])
    stored = {row["person_id"]: row for row in content(tmp_path / "s")}
    assert len(stored) == 3
    found = people_rows(tmp_path / "s", "segment")
    for image in {row["image_id"] for row in found}:
        inside = [row for row in found if row["image_id"] == image]
        masks = [
            MaskRLE(row["mask_height"], row["mask_width"], row["mask_counts"].encode()) for row in inside
        ]
        instances = PersonInstances(
            np.array([[row[name] for name in ("x1", "y1", "x2", "y2")] for row in inside], np.float32),
            np.array([row["score"] for row in inside], np.float32),
            tuple(masks),
        )
        rows = [stored[row["person_id"]] for row in inside]
        expected = cutout_scores(instances, np.array([row["sharpness"] for row in rows]))
        assert [row["cutout"] for row in rows] == pytest.approx(expected.tolist())
        assert all(row["sharpness"] is not None for row in rows)


@pytest.mark.usefixtures("cuts_twice")
def test_second_cuts_are_counted_and_not_described(
    tmp_path: Path, photos: Path, seen: dict[str, int]
) -> None:
    root = tmp_path / "s"
    _, commit = index(root, [photos])
    assert (commit.rows, seen["people"]) == (3, 3)
    for stage in ("segment", "describe"):
        statuses = [row["status"] for row in people_rows(root, stage)]
        assert sorted(statuses) == [Status.OK] * 3 + [Status.SECOND_CUT] * 3
    counted = store_status(Store.open(root)).accounting
    assert (counted.found, counted.described, counted.second_cuts, counted.people_failed) == (6, 3, 3, 0)
    assert counted.holds
    assert counted.people_sentence.endswith("+ 0 failed + 3 second cuts")
    assert verify_store(Store.open(root), thorough=True).problems == ()
    plan, _ = index(root, [photos], retry_failed=True)
    assert not list(plan.shards), "a second cut has not failed"
    rebuild_index(Store.open(root))
    assert store_status(Store.open(root)).accounting == counted


@pytest.mark.usefixtures("cuts_twice")
def test_a_second_cut_is_forgotten_with_its_person(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "s"
    index(root, [photos])
    erased = next(row for row in content(root) if Path(row["uri"]).name == "0001.png")
    others = [row for row in people_rows(root, "segment") if row["image_id"] == erased["image_id"]]
    (second,) = [row for row in others if row["status"] == Status.SECOND_CUT and row["x1"] == erased["x1"]]
    assert erase(root, person=erased["person_id"]).proof.found_in == ()
    assert anywhere(root, second["person_id"]) == []
    counted = store_status(Store.open(root)).accounting
    assert (counted.described, counted.second_cuts, counted.people_forgotten, counted.holds) == (
        2,
        2,
        2,
        True,
    )
    shutil.rmtree(root / "segment")
    shutil.rmtree(root / "describe")
    _, commit = index(root, [photos])
    assert commit.rows == 2, "nor does it come back when everything is indexed again"


@pytest.mark.usefixtures("cuts_twice")
def test_a_store_of_the_former_version_is_brought_in_line_without_a_model(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_before_cutout_scores(tmp_path / "s", photos, monkeypatch)
    assert len(content(root)) == 6
    assert "cutout" not in content(root)[0]
    assert verify_store(Store.open(root), thorough=True).problems == ()
    refuse_models(monkeypatch)
    plan, commit = index(root, [photos])
    assert (plan.new, len(list(plan.shards)), commit.rows) == (0, 1, 3)
    monkeypatch.undo()
    rows = content(root)
    assert all(row["sharpness"] is None and 0 < row["cutout"] < 1 for row in rows)
    assert verify_store(Store.open(root), thorough=True).problems == ()
    assert not list(index(root, [photos])[0].shards)


def test_a_store_of_the_former_version_is_searched_as_it_is(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_before_cutout_scores(tmp_path / "s", photos, monkeypatch)
    store_status(Store.open(root))
    result, _ = ask(root, Question("red", weak=True), FAKE)
    assert Path(result.hits[0].uri).name == "0000.png"
    assert all(hit.cutout is None for hit in result.hits)
    with pytest.raises(FilterError, match=r"no cutout yet: an earlier version.*par index adds"):
        ask(root, Question("red", where="cutout >= 0.5"), FAKE)
    with pytest.raises(FilterError, match=r"no cutout yet: an earlier version.*par index adds"):
        ask(root, Question("red cutout:>0.5"), FAKE)
    rebuild_index(Store.open(root))
    assert [row["cutout"] for row in content(root)] == [None] * 3, "a rebuild computes nothing"
    assert not ask(root, Question(where="cutout >= 0"), FAKE)[0].hits, "what is not known meets no condition"
    assert len(ask(root, Question(where="cutout is null"), FAKE)[0].hits) == 3


def test_people_are_forgotten_from_a_store_of_the_former_version(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_before_cutout_scores(tmp_path / "s", photos, monkeypatch)
    erased = content(root)[0]["person_id"]
    assert erase(root, person=erased).proof.found_in == ()
    assert anywhere(root, erased) == []
    assert len(content(root)) == 2
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_other_weights_compute_the_scores_again_and_nothing_else(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "s"
    index(root, [photos])
    before, images = content(root), segmented(root)
    file = tmp_path / "weights.json"
    file.write_bytes(cutout_quality.WEIGHTS_FILE.read_bytes().replace(b'"offset": ', b'"offset": -'))
    monkeypatch.setattr(cutout_quality, "WEIGHTS_FILE", file)
    monkeypatch.setitem(RULES, "cutout_score", "other")
    cutout_quality.CutoutWeights.shipped.cache_clear()
    refuse_models(monkeypatch)
    try:
        index(root, [photos])
    finally:
        cutout_quality.CutoutWeights.shipped.cache_clear()
    after = content(root)
    assert all(new["cutout"] < old["cutout"] for old, new in zip(before, after, strict=True))
    assert [row | {"cutout": 0} for row in after] == [row | {"cutout": 0} for row in before]
    assert segmented(root) == images, "the segmentation is not written again"


def segmented(root: Path) -> list[int]:
    return [path.stat().st_mtime_ns for path in sorted(root.glob("segment/*/*/*.parquet"))]


def test_new_pictures_come_into_a_store_of_the_former_version(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, seen: dict[str, int]
) -> None:
    root = stored_before_cutout_scores(tmp_path / "s", photos, monkeypatch)
    seen.update(images=0, people=0)
    save(photos / "new.png", scene("cyan", seed=9))
    plan, commit = index(root, [photos])
    assert (plan.new, commit.rows, seen) == (1, 4, {"images": 1, "people": 1})
    assert sorted(row["sharpness"] is None for row in content(root)) == [False, True, True, True]
    assert all(row["cutout"] is not None for row in content(root))
    assert verify_store(Store.open(root), thorough=True).problems == ()


def test_a_plan_asks_for_the_shards_of_the_former_version_once(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stored_before_cutout_scores(tmp_path / "s", photos, monkeypatch)
    run = Run.of(Store.open(root), FAKE)
    assert len(list(plan_index(run, [str(photos)], workers=1).shards)) == 1
    index(root, [photos])
    assert not list(plan_index(run, [str(photos)], workers=1).shards)


@pytest.mark.usefixtures("cuts_twice")
def test_a_second_cut_is_nobody_of_a_picture_that_is_asked_with(tmp_path: Path) -> None:
    people = people_of(scene("red", "blue"), load_segmenter(FAKE), load_describer(FAKE), FAKE)
    assert [person.box[3] - person.box[1] for person in people] == [60, 60]


@pytest.mark.usefixtures("cuts_twice")
def test_a_label_belongs_to_the_person_and_not_to_a_second_cut(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "s"
    index(root, [photos])
    (second,) = [
        row
        for row in people_rows(root, "segment")
        if row["status"] == Status.SECOND_CUT and row["mask_width"] == 80
    ]
    file = photos / "labels.csv"
    box = ",".join(str(second[name]) for name in ("x1", "y1", "x2", "y2"))
    file.write_text(f"image,x1,y1,x2,y2,bright\n0000.png,{box},1\n")
    store = Store.open(root)
    (joined,) = join_labels(read_csv_labels(file, 0), photos, store, open_index(store))
    assert joined.status == "ok"
    assert joined.overlap == pytest.approx(40 / 60)
