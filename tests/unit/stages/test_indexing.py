import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngImageFile

from par_core.archive import DecodedImage, decode
from par_core.config import ArchiveConfig, load_config
from par_core.errors import BadConfigError, TransientError, UnreadableImageError
from par_core.models import fingerprints, profiles
from par_core.models.shipped import file_digest
from par_core.stages.check import verify_store
from par_core.stages.commit import commit_store, rebuild_index
from par_core.stages.describe import describe_shard
from par_core.stages.plan import plan_index
from par_core.stages.run import Run
from par_core.stages.segment import segment_shard
from par_core.stages.status import store_status
from par_core.status import Status
from par_core.store.layout import Store
from tasks.shards import index_shard
from tests.full_join import known_images
from tests.indexing import FAKE, content, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


def counted(root: Path) -> str:
    report = store_status(Store.open(root))
    assert report.accounting.holds
    return str(report.accounting)


def test_every_person_is_found_once_and_the_equation_holds(tmp_path: Path, photos: Path) -> None:
    _, commit = index(tmp_path / "store", [photos])
    assert commit.rows == sum(map(len, GROUPS))
    assert (
        counted(tmp_path / "store")
        == "5 files listed = 4 indexed + 1 without people + 0 failed + 0 duplicates"
    )
    assert verify_store(Store.open(tmp_path / "store")).problems == ()


def test_second_run_has_nothing_to_do_and_touches_nothing(tmp_path: Path, photos: Path) -> None:
    _, first = index(tmp_path / "store", [photos])
    plan, second = index(tmp_path / "store", [photos])
    assert not list(plan.shards)
    assert (plan.unchanged, plan.new) == (5, 0)
    assert second == first


def test_new_changed_and_vanished_files_are_counted(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "store"
    index(root, [photos])
    save(photos / "0009.png", scene("cyan", seed=99))
    save(photos / "0000.png", scene("blue", "blue", seed=98))
    (photos / "0003.png").unlink()
    plan, commit = index(root, [photos])
    assert (plan.new, plan.unchanged, plan.vanished) == (2, 3, 1)
    states = [(Path(row["uri"]).name, row["source_state"]) for row in content(root)]
    assert states.count(("0003.png", "vanished")) == 1
    assert states.count(("0000.png", "replaced")) == 1
    assert states.count(("0000.png", "present")) == 2
    assert states.count(("0009.png", "present")) == 1
    assert commit.rows == len(states) == 10
    assert counted(root) == "5 files listed = 4 indexed + 1 without people + 0 failed + 0 duplicates"
    assert verify_store(Store.open(root)).problems == ()


def test_a_file_that_comes_back_is_present_again_without_work(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "store"
    index(root, [photos])
    before = content(root)
    shutil.move(photos / "0000.png", tmp_path / "away.png")
    index(root, [photos])
    shutil.move(tmp_path / "away.png", photos / "0000.png")
    plan, _ = index(root, [photos])
    assert not list(plan.shards)
    assert content(root) == before


def test_same_bytes_under_two_names_are_one_image_with_two_sources(tmp_path: Path, photos: Path) -> None:
    shutil.copy(photos / "0000.png", photos / "copy.png")
    root = tmp_path / "store"
    _, commit = index(root, [photos])
    assert commit.rows == 7
    assert counted(root) == "6 files listed = 4 indexed + 1 without people + 0 failed + 1 duplicate"
    row = next(row for row in content(root) if len(row["uris"]) == 2)
    assert [Path(uri).name for uri in row["uris"]] == ["0000.png", "copy.png"]
    (photos / "0000.png").unlink()
    index(root, [photos])
    row = next(
        row
        for row in content(root)
        if row["image_id"] == row["image_id"] and Path(row["uri"]).name == "copy.png"
    )
    assert [Path(uri).name for uri in row["uris"]] == ["copy.png"]
    assert row["source_state"] == "present"


def test_bad_files_are_rows_and_retry_takes_them_up_again(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"this is no picture")
    (photos / "empty.png").touch()
    root = tmp_path / "store"
    index(root, [photos])
    assert counted(root) == "7 files listed = 4 indexed + 1 without people + 2 failed + 0 duplicates"
    index(root, [photos])
    assert store_status(Store.open(root)).accounting.failures == {
        Status.DAMAGED: 1,
        Status.EMPTY: 1,
    }
    plan, commit = index(root, [photos], retry_failed=True)
    assert (plan.retried, plan.new) == (2, 0)
    attempts = known_images(Store.open(root), commit.segment_config).to_pylist()
    assert {Path(row["uri"]).name: row["attempt"] for row in attempts if row["attempt"] > 1} == {
        "broken.jpg": 2,
        "empty.png": 2,
    }
    assert verify_store(Store.open(root)).problems == ()


def test_people_too_small_are_kept_with_a_status_and_not_described(tmp_path: Path, photos: Path) -> None:
    save(photos / "far.png", scene("red", person_height=12, seed=50))
    root = tmp_path / "store"
    _, commit = index(root, [photos])
    report = store_status(Store.open(root))
    assert report.accounting.too_small == 1
    assert commit.rows == 7


def test_two_settings_do_not_mix(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "store"
    _, first = index(root, [photos])
    plan, second = index(root, [photos], load_config(profile="fake", segment={"min_side": 100}))
    assert plan.new == 5
    assert first.segment_config != second.segment_config
    again, third = index(root, [photos])
    assert not list(again.shards)
    assert third.segment_config == first.segment_config
    assert verify_store(Store.open(root)).problems == ()


def test_a_commit_deletes_what_a_killed_one_left_in_the_index(tmp_path: Path, photos: Path) -> None:
    index(tmp_path / "store", [photos])
    unfinished = tmp_path / "store" / "index.lance" / "people.lance" / "data" / ".tmpAb3dEf"
    unfinished.write_bytes(b"rows of a writer that was killed")
    index(tmp_path / "store", [photos])
    assert not unfinished.exists()
    assert verify_store(Store.open(tmp_path / "store")).problems == ()


def test_rebuild_gives_the_same_rows(tmp_path: Path, photos: Path) -> None:
    root = tmp_path / "store"
    index(root, [photos])
    before = content(root)
    shutil.rmtree(root / "index.lance")
    assert verify_store(Store.open(root)).problems != ()
    rebuild_index(Store.open(root))
    assert content(root) == before
    assert verify_store(Store.open(root)).problems == ()


@pytest.mark.parametrize("damage", ["truncate", "delete"])
def test_verify_notices_a_damaged_shard(tmp_path: Path, photos: Path, damage: str) -> None:
    root = tmp_path / "store"
    index(root, [photos])
    victim = next(root.glob("describe/*/*/people.parquet"))
    if damage == "truncate":
        victim.write_bytes(victim.read_bytes()[:-1])
    else:
        victim.unlink()
    assert any(str(victim) in problem for problem in verify_store(Store.open(root)).problems)


def test_verify_notices_a_row_changed_behind_its_back(tmp_path: Path, photos: Path) -> None:
    import lancedb

    root = tmp_path / "store"
    index(root, [photos])
    table = lancedb.connect(root / "index.lance").open_table("people")
    table.update(where="bright > 0", values={"bright": 0.125})
    assert any("version" in problem for problem in verify_store(Store.open(root)).problems)


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(BadConfigError, match="no PAR store"):
        index(photos, [photos])
    with pytest.raises(BadConfigError, match="make one with"):
        Store.open(tmp_path / "nowhere")


def test_a_model_that_fails_on_one_image_costs_that_image_only(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = profiles.load_segmenter(FAKE)
    segment = type(segmenter).segment

    def poisoned(self: object, images: list) -> list:
        if any(image.shape[1] == 160 for image in images):
            raise RuntimeError("poison")
        return segment(self, images)

    monkeypatch.setattr(type(segmenter), "segment", poisoned)
    root = tmp_path / "store"
    index(root, [photos])
    assert counted(root) == "5 files listed = 3 indexed + 1 without people + 1 failed + 0 duplicates"


def test_large_images_are_segmented_a_few_at_a_time(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of 80, 120, 40, 80 and 160 x 96 pixels: no further image is read once a batch has 200 x 96."""
    segmenter, batches = profiles.load_segmenter(FAKE), list[list[int]]()
    segment = type(segmenter).segment

    def counted(self: object, images: list) -> list:
        batches.append([image.shape[1] for image in images])
        return segment(self, images)

    monkeypatch.setattr(type(segmenter), "segment", counted)
    monkeypatch.setattr("par_core.stages.pictures._PIXELS_PER_BATCH", 200 * 96)
    index(tmp_path / "store", [photos])
    assert batches == [[80, 120], [40, 80, 160]]
    batches.clear()
    monkeypatch.setattr("par_core.stages.pictures._PIXELS_PER_BATCH", 1)
    index(tmp_path / "other", [photos])
    assert batches == [[80], [120], [40], [80], [160]]


def test_a_model_that_fails_on_everything_stops_the_shard_and_marks_nothing(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = profiles.load_segmenter(FAKE)

    def dead(self: object, images: list) -> list:
        raise RuntimeError("device lost")

    monkeypatch.setattr(type(segmenter), "segment", dead)
    with pytest.raises(TransientError, match="device lost"):
        index(tmp_path / "store", [photos])
    assert not list((tmp_path / "store").glob("segment/*/*/manifest.json"))


def test_a_lack_of_memory_in_either_stage_marks_no_image_and_no_person(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "store")
    run = Run.of(store, FAKE)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    for stage, work in (("segment", segment_shard), ("describe", describe_shard)):
        with monkeypatch.context() as patch:
            patch.setattr(PngImageFile, "load", no_memory)
            with pytest.raises(TransientError, match="out of memory"):
                work(run, shard.shard_id)
        assert not list(store.root.glob(f"{stage}/*/*/manifest.json"))
        work(run, shard.shard_id)
    assert commit_store(run).rows == 7


@pytest.mark.parametrize(
    "place",
    ["pictures.image_id", "describe.ShardFolder.write", "person_rows.cut_out", "pictures.read_entries"],
)
def test_a_lack_of_memory_anywhere_in_a_shard_may_pass(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    store = Store.create(tmp_path / "store")
    run = Run.of(store, FAKE)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    settings, ids = FAKE.model_dump(mode="json"), asdict(run.ids)
    with monkeypatch.context() as patch:
        patch.setattr(f"par_core.stages.{place}", no_memory)
        with pytest.raises(TransientError, match="out of memory"):
            index_shard(str(store.root), shard.shard_id, settings, ids, "first")
    index_shard(str(store.root), shard.shard_id, settings, ids, "second")
    assert commit_store(run).rows == 7


def test_a_worker_with_other_weights_than_the_driver_refuses_and_writes_nothing(
    tmp_path: Path, photos: Path
) -> None:
    """The file has the same name on both machines, but another content."""
    config = load_config(
        profile="clip", weights_dir=tmp_path, clip={"model": "ViT-B-32", "pretrained": "mine"}
    )
    segmenter, describer = "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", "ViT-B-32.mine.safetensors"

    def weights(segments: bytes, describes: bytes) -> None:
        """Be a machine with these weights, in a process that has not read any."""
        (tmp_path / segmenter).write_bytes(segments)
        (tmp_path / describer).write_bytes(describes)
        for cached in (
            file_digest,
            fingerprints.segmenter_fingerprint,
            fingerprints.describer_fingerprint,
            fingerprints.embedding_fingerprint,
        ):
            cached.cache_clear()

    weights(b"the driver's", b"the driver's")
    run = Run.of(Store.create(tmp_path / "store"), config)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    before = sorted(run.store.root.rglob("*"))
    settings, ids = config.model_dump(mode="json"), asdict(run.ids)
    for name, segments, describes in (
        ("segmenter", b"other", b"other"),
        ("describer", b"the driver's", b"other"),
    ):
        weights(segments, describes)
        with pytest.raises(
            BadConfigError, match=f"the {name} of the worker on .*{tmp_path} must be the same"
        ):
            index_shard(str(run.store.root), shard.shard_id, settings, ids, name)
    assert sorted(run.store.root.rglob("*")) == before


def no_memory(*_: object) -> None:
    raise MemoryError


def test_a_picture_that_cannot_be_decoded_a_second_time_costs_its_people_only(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / "store")
    run = Run.of(store, FAKE)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    segment_shard(run, shard.shard_id)

    def fails_on_two_people(content: bytes, config: ArchiveConfig) -> DecodedImage:
        image = decode(content, config)
        if image.pixels.shape[1] == 120:
            raise UnreadableImageError(Status.DAMAGED, "cannot be decoded")
        return image

    monkeypatch.setattr("par_core.stages.pictures.decode", fails_on_two_people)
    counts = describe_shard(run, shard.shard_id).counts
    assert (counts[Status.OK], counts[Status.DAMAGED]) == (5, 2)


def test_a_file_changed_between_the_stages_is_not_described_as_the_old_one(
    tmp_path: Path, photos: Path
) -> None:
    store = Store.create(tmp_path / "store")
    run = Run.of(store, FAKE)
    (shard,) = plan_index(run, [str(photos)], workers=1).shards
    segment_shard(run, shard.shard_id)
    save(photos / "0000.png", scene("blue", seed=77))
    result = describe_shard(run, shard.shard_id)
    assert result.counts[Status.CHANGED] == 1
    assert commit_store(run).rows == 6
    _, commit = index(store.root, [photos])
    assert commit.rows == 7


def test_a_shard_without_people_is_verified_like_any_other(tmp_path: Path) -> None:
    index(tmp_path / "store", [archive(tmp_path / "empty", [()])])
    index(tmp_path / "store", [archive(tmp_path / "street", [("red",)])])
    report = verify_store(Store.open(tmp_path / "store"))
    assert (report.problems, report.rows) == ((), 1)


def test_people_of_a_picture_that_several_shards_hold_are_shown_once(tmp_path: Path) -> None:
    photos = archive(tmp_path / "a", [("red",), ("green", "blue"), ("yellow",)])
    shutil.copy(photos / "0001.png", photos / "copy.png")
    index(tmp_path / "s", [photos], load_config(profile="fake", machine={"shard_size": 1}))
    before = content(tmp_path / "s")
    record, _ = rebuild_index(Store.open(tmp_path / "s"))
    assert record.rows == len(before) == 4
    assert content(tmp_path / "s") == before
    assert verify_store(Store.open(tmp_path / "s"), thorough=True).problems == ()


def test_an_index_is_made_of_shards_of_several_versions(tmp_path: Path) -> None:
    photos = archive(tmp_path / "a", [("red",), ("green", "blue"), ("yellow",)])
    index(tmp_path / "s", [photos], load_config(profile="fake", machine={"shard_size": 1}))
    before = content(tmp_path / "s")
    store = Store.open(tmp_path / "s")
    config = next((store.root / "describe").iterdir()).name
    folder, manifest = next(store.complete_shards("describe", config))
    older = folder.read("people").drop_columns(["sharpness", "cutout"])
    folder.rewrite({"people": (older, older.schema)}, manifest.counts, manifest.info)
    rebuild_index(store)
    after = content(tmp_path / "s")
    assert [row["person_id"] for row in after] == [row["person_id"] for row in before]
    assert [row["vector"] for row in after] == [row["vector"] for row in before]
    assert 0 < sum(row["cutout"] is None for row in after) < len(after)
