"""One pass over a picture gives what two stages give, and reads it once."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from par_core.archive import DecodedImage, decode
from par_core.config import ArchiveConfig, RunConfig, load_config
from par_core.errors import TransientError
from par_core.models.fake import FakeDescriber, FakeSegmenter
from par_core.stages.check import verify_store
from par_core.stages.commit import commit_store
from par_core.stages.describe import describe_shard
from par_core.stages.plan import plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.stages.segment import segment_shard
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.suppression import load_suppression_list, save_suppression_list
from par_core.types import Descriptions, PersonInstances
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene

SMALL_BATCHES = load_config(profile="fake", machine={"batch_size": 3}, describe={"thumbnails": True})
GROUPS = [
    ("red",),
    ("green", "blue"),
    (),
    ("yellow",),
    ("magenta", "cyan", "red"),
    ("blue",),
    ("cyan", "red"),
]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Pictures, copies, damaged and empty files, people who are too small."""
    folder = archive(tmp_path / "photos", GROUPS)
    shutil.copy(folder / "0001.png", folder / "copy.png")
    shutil.copy(folder / "0002.png", folder / "another copy.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    (folder / "broken copy.png").write_bytes(b"not a picture")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes((folder / "0004.png").read_bytes()[:200])
    save(folder / "far.png", scene("red", person_height=12, seed=50))
    save(folder / "near and far.png", scene("green", "red", person_height=20, seed=51))
    return folder


def planned(root: Path, photos: Path, config: RunConfig = SMALL_BATCHES) -> tuple[Run, str]:
    run = Run.of(Store.create(root), config)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    return run, shard.shard_id


def rows(run: Run, shard_id: str) -> dict[str, Any]:
    """Everything of a shard that does not depend on the clock."""
    segmented = run.store.shard("segment", run.ids.segment, shard_id)
    described = run.store.shard("describe", run.ids.describe, shard_id)
    manifests = [folder.manifest() for folder in (segmented, described)]
    assert all(manifests)
    return {
        "images": segmented.read("images").to_pylist(),
        "people": segmented.read("people").to_pylist(),
        "descriptions": described.read("people").to_pylist(),
        "manifests": [
            (manifest.counts, manifest.files, {**manifest.info, "seconds": 0})
            for manifest in manifests
            if manifest
        ],
    }


def forget_some(run: Run, shard_id: str) -> None:
    """Put one image and one person of a finished shard on the suppression list."""
    people = run.store.shard("segment", run.ids.segment, shard_id).read("people").to_pylist()
    image, person = people[0], next(row for row in people if row["image_id"] != people[0]["image_id"])
    box = (person["x1"], person["y1"], person["x2"], person["y2"])
    suppressed = load_suppression_list(run.store).with_image(image["image_id"], iter(()))
    save_suppression_list(
        run.store,
        suppressed.with_person(person["image_id"], person["person_id"], FakeSegmenter.fingerprint, box),
    )


def sound(method: Callable, images: list) -> Any:
    return method(images)


def fails_on_some(method: Callable, images: list) -> Any:
    """Fail on an image of three people, and on blue people."""
    for image in images:
        red, _, blue = image.reshape(-1, 3).mean(axis=0)
        if image.shape[1] == 160 or blue > 2 * red:
            raise RuntimeError("poison")
    return method(images)


def has_memory_for_one(method: Callable, images: list) -> Any:
    if len(images) > 1:
        raise MemoryError
    return method(images)


@pytest.mark.parametrize("trouble", [sound, fails_on_some, has_memory_for_one])
@pytest.mark.parametrize("forgotten", [False, True])
def test_one_pass_gives_the_rows_of_two_stages(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, trouble: Callable, forgotten: bool
) -> None:
    one, shard_id = planned(tmp_path / "one", photos)
    two, _ = planned(tmp_path / "two", photos)
    if forgotten:
        known, _ = planned(tmp_path / "known", photos)
        process_shard(known, shard_id)
        forget_some(known, shard_id)
        for run in (one, two):
            save_suppression_list(run.store, load_suppression_list(known.store))
    segment, describe = FakeSegmenter.segment, FakeDescriber.describe
    monkeypatch.setattr(
        FakeSegmenter, "segment", lambda self, images: trouble(lambda all_: segment(self, all_), images)
    )
    monkeypatch.setattr(
        FakeDescriber, "describe", lambda self, images: trouble(lambda all_: describe(self, all_), images)
    )
    first, second = process_shard(one, shard_id)
    segment_shard(two, shard_id)
    describe_shard(two, shard_id)
    assert rows(one, shard_id) == rows(two, shard_id)
    statuses = {row["status"] for row in rows(one, shard_id)["images"]}
    assert statuses >= {Status.OK, Status.NO_PEOPLE, Status.DAMAGED, Status.EMPTY, Status.TRUNCATED}
    assert (Status.FORGOTTEN in statuses) == forgotten
    assert (Status.MODEL_ERROR in statuses) == (trouble is fails_on_some)
    assert second.counts[Status.TOO_SMALL] == (1 if forgotten else 3)
    assert (second.counts.get(Status.MODEL_ERROR, 0) > 0) == (trouble is fails_on_some)
    assert first.counts["people"] == second.counts["people"]
    commit_store(one)
    assert verify_store(one.store).problems == ()


def test_each_different_picture_is_decoded_once(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, shard_id = planned(tmp_path / "s", photos)
    decoded = list[bytes]()

    def counted(content: bytes, config: ArchiveConfig) -> DecodedImage:
        decoded.append(content)
        return decode(content, config)

    monkeypatch.setattr("par_core.stages.pictures.decode", counted)
    process_shard(run, shard_id)
    readable = [content for content in decoded if content.startswith(b"\x89PNG")]
    assert len(readable) == len(set(readable)) == len(GROUPS) + 3


def test_the_following_batch_is_read_while_the_model_works(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, shard_id = planned(tmp_path / "s", photos)
    segment, decoded = FakeSegmenter.segment, threading.Semaphore(0)
    working = threading.current_thread()

    def noted(content: bytes, config: ArchiveConfig) -> DecodedImage:
        assert threading.current_thread() is not working
        image = decode(content, config)
        decoded.release()
        return image

    def patient(self: FakeSegmenter, images: list) -> list[PersonInstances]:
        for _ in range(len(images) + 1):  # those of this batch, and one of the next
            assert decoded.acquire(timeout=20), "nothing is read while the model works"
        decoded.release()
        return segment(self, images)

    monkeypatch.setattr("par_core.stages.pictures.decode", noted)
    with monkeypatch.context() as patch:
        patch.setattr(FakeSegmenter, "segment", _first_call(patient, segment))
        process_shard(run, shard_id)


def _first_call(first: Callable, then: Callable) -> Callable:
    calls = list[int]()

    def call(self: object, images: list) -> Any:
        calls.append(1)
        return (first if len(calls) == 1 else then)(self, images)

    return call


def test_what_is_done_is_not_done_again(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, shard_id = planned(tmp_path / "s", photos)
    segment_shard(run, shard_id)
    with monkeypatch.context() as patch:
        patch.setattr(FakeSegmenter, "segment", unexpected)
        first, second = process_shard(run, shard_id)
        assert (first.reused, second.reused) == (True, False)
        patch.setattr(FakeDescriber, "describe", unexpected)
        before = rows(run, shard_id)
        first, second = process_shard(run, shard_id)
        assert (first.reused, second.reused) == (True, True)
    shutil.rmtree(run.store.shard("segment", run.ids.segment, shard_id).path)
    with monkeypatch.context() as patch:
        patch.setattr(FakeDescriber, "describe", unexpected)
        first, second = process_shard(run, shard_id)
        assert (first.reused, second.reused) == (False, True)
    assert rows(run, shard_id) == before


def unexpected(*_: object) -> None:
    raise AssertionError("no model should be asked")


def test_people_are_those_of_the_worker_that_wrote_first(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine rounds otherwise: its boxes, and so the ids of its people, differ a little."""
    run, shard_id = planned(tmp_path / "s", photos)
    segment = FakeSegmenter.segment

    def moved(self: FakeSegmenter, images: list) -> list[PersonInstances]:
        found = segment(self, images)
        return [PersonInstances(people.boxes + 0.25, people.scores, people.masks) for people in found]

    def overtaken(self: FakeSegmenter, images: list) -> list[PersonInstances]:
        with monkeypatch.context() as patch:
            patch.setattr(FakeSegmenter, "segment", moved)
            segment_shard(run, shard_id)
        return segment(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(FakeSegmenter, "segment", overtaken)
        process_shard(run, shard_id)
    found = rows(run, shard_id)
    assert all(row["x1"] % 1 == 0.25 for row in found["people"])
    assert {row["person_id"] for row in found["descriptions"]} == {
        row["person_id"] for row in found["people"]
    }


def test_a_lack_of_memory_in_one_pass_writes_nothing(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, shard_id = planned(tmp_path / "s", photos)

    def no_memory(self: FakeDescriber, images: list) -> Descriptions:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(FakeDescriber, "describe", no_memory)
        with pytest.raises(TransientError, match="out of memory"):
            process_shard(run, shard_id)
    assert not list(run.store.root.glob("*/*/*/manifest.json"))
    process_shard(run, shard_id)
    assert commit_store(run).rows == 10


@pytest.fixture
def segmented(tmp_path: Path) -> tuple[Run, str, Path]:
    """A shard of four pictures with a person each that is to be described."""
    photos = archive(tmp_path / "photos", [("red",), ("green",), ("blue",), ("cyan",)])
    run, shard_id = planned(tmp_path / "s", photos, FAKE)
    segment_shard(run, shard_id)
    return run, shard_id, photos


def test_an_input_error_while_describing_decides_over_nobody(segmented: tuple[Run, str, Path]) -> None:
    run, shard_id, photos = segmented
    photos.rename(photos.with_name("kept"))
    shutil.copytree(photos.with_name("kept"), photos)
    (photos / "0002.png").unlink()
    os.symlink("/proc/self/mem", photos / "0002.png")  # EIO, as a disk or a network would give it
    with pytest.raises(TransientError, match=r"0002\.png cannot be read"):
        describe_shard(run, shard_id)
    assert run.store.shard("describe", run.ids.describe, shard_id).manifest() is None
    shutil.rmtree(photos)
    photos.with_name("kept").rename(photos)
    assert describe_shard(run, shard_id).counts == {Status.OK: 4, "people": 4}


def test_storage_that_is_away_while_describing_decides_over_nobody(
    segmented: tuple[Run, str, Path],
) -> None:
    run, shard_id, photos = segmented
    photos.rename(photos.with_name("away"))
    with pytest.raises(TransientError, match=r"none of 4 images could be read.*the storage may be away"):
        describe_shard(run, shard_id)
    assert run.store.shard("describe", run.ids.describe, shard_id).manifest() is None
    photos.with_name("away").rename(photos)
    assert describe_shard(run, shard_id).counts == {Status.OK: 4, "people": 4}


def test_a_file_that_is_gone_while_describing_costs_its_people(segmented: tuple[Run, str, Path]) -> None:
    run, shard_id, photos = segmented
    (photos / "0001.png").unlink()
    assert describe_shard(run, shard_id).counts == {Status.OK: 3, Status.VANISHED: 1, "people": 4}


def test_files_that_no_listing_holds_any_more_are_gone_and_not_away(segmented: tuple[Run, str, Path]) -> None:
    run, shard_id, photos = segmented
    for path in photos.iterdir():
        path.unlink()
    save(photos / "new.png", scene("yellow", seed=9))
    index(run.store.root, [photos])
    described = run.store.shard("describe", run.ids.describe, shard_id).manifest()
    assert described is not None
    assert described.counts == {Status.VANISHED: 4, "people": 4}
    assert len(content(run.store.root)) == 1
