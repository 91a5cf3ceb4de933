import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.access import Access, Caller
from par_core.config import load_config
from par_core.errors import BadConfigError, StoreError
from par_core.forget import Request, find_subject, forget
from par_core.forget.certificate import digest_in_certificate
from par_core.forget.forgetting import ForgetReport
from par_core.models import profiles
from par_core.models.fake import FakeSegmenter
from par_core.stages.check import store_status, verify_store
from par_core.stages.commit import rebuild_index
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive, save, scene

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def root(tmp_path: Path, photos: Path) -> Path:
    """A store with several versions of its index, the oldest of them live, and thumbnails."""
    root = tmp_path / "store"
    thumbnails = load_config(profile="fake", describe={"thumbnails": True})
    index(root, [photos], thumbnails)
    newest(root).history.make_live()
    save(photos / "0005.png", scene("cyan", seed=31))
    index(root, [photos], thumbnails)
    return root


THUMBNAILS = load_config(profile="fake", describe={"thumbnails": True})


def newest(root: Path) -> PeopleIndex:
    people = PeopleIndex.open(Store.open(root).index_path)
    assert people is not None
    return people


def people_of(root: Path, name: str) -> list[dict]:
    return [row for row in content(root) if Path(row["uri"]).name == name]


def erase(root: Path, **what: str) -> ForgetReport:
    store = Store.open(root)
    values = {kind: [value] for kind, value in what.items()}
    return forget(
        store,
        find_subject(
            store, Request.of(values.get("source", []), values.get("image", []), values.get("person", []))
        ),
    )


def anywhere(root: Path, text: str) -> list[str]:
    """Files of a store that hold a text, also in the rows of Parquet files; independent of the product's
    search.
    """
    files = []
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            as_text = (
                repr(pq.read_table(path, partitioning=None).to_pylist()) if path.suffix == ".parquet" else ""
            )
            if text.encode() in data or json.dumps(text)[1:-1].encode() in data or text in as_text:
                files.append(str(path.relative_to(root)))
    return files


def assert_well(root: Path) -> None:
    assert verify_store(Store.open(root)).problems == ()
    assert store_status(Store.open(root)).accounting.holds


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
    assert erased["person_id"] not in live.digests()


@pytest.mark.parametrize("kind", ["person", "image", "source"])
def test_no_person_comes_back_by_another_run_a_retry_a_rebuild_or_other_settings(
    root: Path, photos: Path, kind: str
) -> None:
    erased = people_of(root, "0003.png")[0]
    erase(root, **{kind: erased["uri"] if kind == "source" else erased[f"{kind}_id"]})
    left = content(root)
    plan, _ = index(root, [photos], THUMBNAILS, retry_failed=True)
    assert plan.shards == ()
    rebuild_index(Store.open(root))
    assert content(root) == left
    assert anywhere(root, erased["person_id"]) == []
    _, commit = index(root, [photos], load_config(profile="fake", segment={"min_height_px": 10}))
    assert commit.rows == len(left)
    assert {row["person_id"] for row in content(root)} == {row["person_id"] for row in left}
    assert_well(root)


def test_a_person_whom_several_segmenters_have_seen_is_forgotten_as_each_saw_them_and_as_the_next_will(
    root: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = people_of(root, "0004.png")
    erased, place = first[0], (first[0]["x1"], first[0]["y1"])
    # which otherwise remembers
    monkeypatch.setattr(profiles, "segmenter_fingerprint", lambda config: FakeSegmenter.fingerprint)
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
    assert again.shards == ()
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


def test_reviews_reports_and_the_audit_log_keep_the_fact_and_lose_the_name(root: Path) -> None:
    erased, kept = people_of(root, "0003.png")[0], people_of(root, "0000.png")[0]
    people = [
        {"person_id": erased["person_id"], "answer": "yes"},
        {"person_id": kept["person_id"], "answer": "no"},
    ]
    (root / "reviews").mkdir()
    (root / "reviews" / "hat.json").write_text(json.dumps({"text": "a hat", "rounds": [people]}))
    (root / "reviews" / "hat.html").write_text("a page with pictures of people")
    (root / "gate.json").write_text(json.dumps({"findings": [f"{erased['uri']} was not found"]}))
    (root / "cache").mkdir()
    (root / "cache" / "crops.bin").write_bytes(bytes.fromhex(erased["person_id"]))
    access = Access.open(root)
    access.record(Caller.local(), "search", f"like:{erased['person_id']} unlike:{kept['person_id']}", 3)
    report = erase(root, image=erased["image_id"])
    assert report.proof.found_in == ()
    review = json.loads((root / "reviews" / "hat.json").read_text())
    assert review["text"] == "a hat"
    assert review["rounds"][0][1] == people[1]
    assert review["rounds"][0][0]["answer"] == "yes"
    assert len(bytes.fromhex(review["rounds"][0][0]["person_id"])) == 16
    assert json.loads((root / "gate.json").read_text()) == {"findings": ["forgotten was not found"]}
    assert [event.what for event in access.log.read()] == [f"like:forgotten unlike:{kept['person_id']}"]
    assert not (root / "cache").exists()
    assert not (root / "reviews" / "hat.html").exists()
    lock, review_file = (root / "reviews" / name for name in ("hat.lock", "hat.json"))
    assert lock.stat().st_mode == review_file.stat().st_mode, "another user may go on with the review"


def vector_in(root: Path, person_id: str) -> bytes:
    return np.asarray(
        newest(root).search(None, where=f"person_id = '{person_id}'").to_pylist()[0]["vector"], np.float32
    ).tobytes()


@pytest.mark.parametrize("plant", ["id", "bytes", "uri", "vector", "compressed", "index"])
def test_the_proof_finds_what_is_left_and_the_command_does_not_say_that_all_is_well(
    root: Path, plant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody keeps something where PAR does not look for it when it erases."""
    erased = people_of(root, "0000.png")[0]
    (root / "mine").mkdir()
    held = root / "mine" / "note"
    if plant == "compressed":
        held = held.with_suffix(".parquet")
        pq.write_table(
            newest(root).search(None, columns=["person_id"]),
            held,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
        )
    elif plant == "index":
        monkeypatch.setattr("par_core.forget.forgetting.rewrite_index", lambda store: None)
    else:
        kinds = {
            "id": erased["person_id"].encode(),
            "bytes": bytes.fromhex(erased["person_id"]),
            "uri": erased["uri"].encode(),
            "vector": vector_in(root, erased["person_id"]),
        }
        # over the edge between two parts of the search
        held.write_bytes(b"x" * 4_194_300 + kinds[plant] + b"x" * 5)
    # red people of the fake profile look alike: everybody else with this vector has to go first
    if plant == "vector":
        for other in people_of(root, "0004.png"):
            erase(root, person=other["person_id"])
    report = erase(root, image=erased["image_id"])
    assert report.exit_code == 1
    assert all(
        name.startswith("index.lance") or name == str(held.relative_to(root))
        for name in report.proof.found_in
    )
    assert report.proof.found_in
    assert not json.loads(report.certificate.read_text())["nothing_left"]
    assert any("par forget --finish" in problem for problem in verify_store(Store.open(root)).problems)
    if plant != "index":
        held.unlink()
        assert par("forget", "--finish", "--store", root).exit_code == 0
        assert_well(root)


def test_the_certificate_names_no_person_and_can_be_checked_with_the_id(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    report = erase(root, image=erased["image_id"])
    certificate = json.loads(report.certificate.read_text())
    assert certificate["nothing_left"]
    assert certificate["before"]["people_in_index"] - certificate["after"]["people_in_index"] == 1
    assert certificate["index_versions_deleted"]
    assert certificate["searched"]["files"] > 10
    assert "backups" in certificate["beyond"]
    for name in (erased["image_id"], erased["person_id"], erased["uri"]):
        assert digest_in_certificate(certificate["salt"], name) in certificate["digests"]
    assert (
        digest_in_certificate(certificate["salt"], people_of(root, "0000.png")[0]["person_id"])
        not in certificate["digests"]
    )


def test_a_damaged_shard_is_not_made_good_by_forgetting(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    (damaged,) = [
        path
        for path in (root / "segment").rglob("people.parquet")
        if erased["person_id"] in repr(pq.read_table(path, partitioning=None).to_pylist())
    ]
    table = pq.read_table(damaged, partitioning=None)
    pq.write_table(table, damaged, compression="none")
    with pytest.raises(StoreError, match="is damaged, so that no person can be erased from it"):
        erase(root, person=erased["person_id"])


def test_without_its_suppression_list_nothing_is_indexed(root: Path, photos: Path) -> None:
    erase(root, image=people_of(root, "0003.png")[0]["image_id"])
    (root / "forgotten.json").write_text("{}")
    with pytest.raises(StoreError, match="would be indexed again"):
        index(root, [photos], THUMBNAILS)


def par(*arguments: object, **options: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]


def test_the_command_asks_looks_and_erases(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    before = content(root)
    looked = par("forget", "--image", erased["image_id"], "--store", root, "--dry-run", "--json")
    assert json.loads(looked.stdout) == {
        "kind": "image",
        "files": [erased["uri"]],
        "images": [erased["image_id"]],
        "people": [erased["person_id"]],
    }
    assert (
        "1 file, 1 image, 1 person"
        in par("forget", "--image", erased["image_id"], "--store", root, "--dry-run").stdout
    )
    refused = par("forget", "--image", erased["image_id"], "--store", root, input="n\n")
    assert isinstance(refused.exception, BadConfigError)
    assert content(root) == before
    done = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert done.exit_code == 0, done.output
    assert "nothing is left" in done.stdout
    assert "people in index: 8, now 7" in done.stdout
    assert "check it with: par gate" in done.stdout
    (event,) = [event for event in Access.open(root).log.read() if event.action == "forget"]
    assert erased["image_id"] not in event.what
    again = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert isinstance(again.exception, BadConfigError)
    assert "nothing was interrupted" in par("forget", "--finish", "--store", root).stdout


@pytest.mark.parametrize("kind", ["person", "image", "source"])
def test_several_are_forgotten_at_once_or_none_if_one_is_unknown(
    root: Path, kind: str, tmp_path: Path
) -> None:
    before = content(root)
    erased = [*people_of(root, "0003.png"), *people_of(root, "0000.png")]
    values = [row["uri"] if kind == "source" else row[f"{kind}_id"] for row in erased]
    options = [part for value in values for part in (f"--{kind}", value)]
    unknown = str(tmp_path / "unknown.png") if kind == "source" else "0" * 32
    refused = par("forget", "--store", root, "--yes", *options, f"--{kind}", unknown)
    assert unknown in str(refused.exception)
    assert content(root) == before
    done = par("forget", "--store", root, "--yes", *options, "--json")
    summary = json.loads(done.stdout)
    assert (done.exit_code, summary["before"]["people_in_index"] - summary["after"]["people_in_index"]) == (
        0,
        2,
    )
    certificate = json.loads(Path(summary["certificate"]).read_text())
    assert certificate["asked_for"] == [digest_in_certificate(certificate["salt"], value) for value in values]
    assert not [value for value in values if anywhere(root, value)]
    assert_well(root)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--image", "xyz"],
        ["--person", "A" * 32],
        ["--person", "0" * 32],
        ["--source", ""],
        ["--source", "/"],
        ["--source", "/no/where"],
        ["--image", "0" * 32, "--source", "x"],
    ],
)
def test_what_cannot_be_meant_is_refused(root: Path, arguments: list[str]) -> None:
    assert isinstance(par("forget", "--store", root, "--yes", *arguments).exception, BadConfigError)
    assert not (root / "forgotten.json").exists()


def test_nothing_is_forgotten_while_another_run_writes(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    with Store.open(root).exclusive():
        refused = par("forget", "--image", erased["image_id"], "--store", root, "--yes")
    assert isinstance(refused.exception, StoreError)
    assert "another par command is writing" in str(refused.exception)


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
