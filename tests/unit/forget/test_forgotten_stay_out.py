"""Another run does not index again what was forgotten."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from par_core.config import load_config
from par_core.errors import StoreError
from par_core.forget.concerned import every_shard
from par_core.models import fingerprints
from par_core.models.fake import FakeSegmenter
from par_core.stages.commit import rebuild_index
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.types import ImageU8, PersonInstances
from tests.forgetting import THUMBNAILS, anywhere, assert_well, erase, people_of
from tests.indexing import content, index
from tests.pictures import save, scene


@pytest.mark.parametrize("kind", ["person", "image", "source"])
def test_no_person_comes_back_by_another_run_a_retry_a_rebuild_or_other_settings(
    root: Path, photos: Path, kind: str
) -> None:
    erased = people_of(root, "0003.png")[0]
    erase(root, **{kind: erased["uri"] if kind == "source" else erased[f"{kind}_id"]})
    left = content(root)
    plan, _ = index(root, [photos], THUMBNAILS, retry_failed=True)
    assert not list(plan.shards)
    rebuild_index(Store.open(root))
    assert content(root) == left
    assert anywhere(root, erased["person_id"]) == []
    other = load_config(profile="fake", segment={"min_height_px": 10, "min_side": 100})
    again, commit = index(root, [photos], other)
    assert again.new > 0
    assert commit.rows == len(left)
    assert {row["person_id"] for row in content(root)} == {row["person_id"] for row in left}
    assert_well(root)


def test_a_person_seen_by_several_segmenters_is_forgotten_in_each_and_in_the_next(
    root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = people_of(root, "0004.png")
    erased, place = first[0], (first[0]["x1"], first[0]["y1"])
    # which otherwise remembers
    monkeypatch.setattr(fingerprints, "segmenter_fingerprint", lambda config: FakeSegmenter.fingerprint)
    monkeypatch.setattr(FakeSegmenter, "fingerprint", "fake-segmenter-2")
    index(root, [photos], THUMBNAILS)
    (other,) = [row for row in people_of(root, "0004.png") if (row["x1"], row["y1"]) == place]
    assert other["person_id"] != erased["person_id"]
    assert erase(root, person=erased["person_id"]).proof.found_in == ()
    assert anywhere(root, erased["person_id"]) == anywhere(root, other["person_id"]) == []
    monkeypatch.setattr(FakeSegmenter, "fingerprint", "fake-segmenter-3")
    _, commit = index(root, [photos], THUMBNAILS)
    assert commit.rows == 7
    assert place not in [(row["x1"], row["y1"]) for row in people_of(root, "0004.png")]
    assert_well(root)


def test_a_person_whose_box_another_precision_has_moved_stays_out_and_the_others_stay_in(
    root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, *others = people_of(root, "0004.png")
    assert erase(root, person=erased["person_id"]).proof.found_in == ()
    exact = FakeSegmenter._segment

    def moved(self: FakeSegmenter, image: ImageU8) -> PersonInstances:
        found = exact(self, image)
        return replace(found, boxes=found.boxes + np.array([0.5, 1.0, 1.3, -0.7], np.float32))

    monkeypatch.setattr(FakeSegmenter, "_segment", moved)
    os.utime(photos / "0004.png", ns=(1, 1))
    index(root, [photos], THUMBNAILS)
    boxes = [
        (row["x1"], row["y1"])
        for folder, _ in every_shard(Store.open(root), "segment")
        for row in folder.read("people").to_pylist()
        if row["image_id"] == erased["image_id"]
    ]
    expected = [(row["x1"] + by, row["y1"] + 2 * by) for row in others for by in (0.0, 0.5)]
    assert sorted(boxes) == sorted(expected)
    assert {row["x1"] for row in people_of(root, "0004.png")}.isdisjoint({erased["x1"], erased["x1"] + 0.5})
    assert_well(root)


def test_a_copy_of_a_forgotten_image_is_known_by_its_bytes_wherever_it_turns_up(
    root: Path, photos: Path
) -> None:
    erased = people_of(root, "0003.png")[0]
    erase(root, image=erased["image_id"])
    shutil.copy(photos / "0003.png", photos / "copy.png")
    os.utime(photos / "0003.png", ns=(1, 1))
    plan, commit = index(root, [photos], THUMBNAILS)
    assert (plan.new, commit.rows) == (2, 8 - 1)
    assert anywhere(root, erased["image_id"]) == []
    assert store_status(Store.open(root)).accounting.forgotten == 2
    again, _ = index(root, [photos], THUMBNAILS, retry_failed=True)
    assert not list(again.shards)
    assert_well(root)


def test_another_picture_under_a_forgotten_images_name_is_indexed_but_not_one_in_a_forgotten_place(
    root: Path, photos: Path
) -> None:
    erase(root, image=people_of(root, "0003.png")[0]["image_id"])
    erase(root, source=str(photos / "0000.png"))
    for name, seed in (("0003.png", 61), ("0000.png", 62)):
        save(photos / name, scene("magenta", seed=seed))
    index(root, [photos], THUMBNAILS)
    assert len(people_of(root, "0003.png")) == 1
    assert people_of(root, "0000.png") == []
    assert anywhere(root, str(photos / "0000.png")) == []


def test_without_its_suppression_list_nothing_is_indexed(root: Path, photos: Path) -> None:
    erase(root, image=people_of(root, "0003.png")[0]["image_id"])
    (root / "forgotten.json").write_text("{}")
    with pytest.raises(StoreError, match="would be indexed again"):
        index(root, [photos], THUMBNAILS)
