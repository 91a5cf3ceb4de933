"""What is left after an erasure is searched for, and its certificate says so."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from par_core.access import Access, Caller
from par_core.errors import StoreError
from par_core.forget.certificate import digest_in_certificate
from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.forgetting import assert_well, erase, newest, par, people_of


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
    """A trace lies where PAR does not look for it when it erases."""
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
        monkeypatch.setattr("par_core.forget.forgetting.erase_from_index", lambda *nothing: True)
    else:
        kinds = {
            "id": erased["person_id"].encode(),
            "bytes": bytes.fromhex(erased["person_id"]),
            "uri": erased["uri"].encode(),
            "vector": vector_in(root, erased["person_id"]),
        }
        # over the edge between two parts of the search
        held.write_bytes(b"x" * 4_194_300 + kinds[plant] + b"x" * 5)
    # red people of the fake profile look alike: all others with this vector have to go first
    if plant == "vector":
        for other in people_of(root, "0004.png"):
            erase(root, person=other["person_id"])
    report = erase(root, image=erased["image_id"])
    assert report.exit_code == 1
    assert all(
        name.startswith(("index.lance", "ledger")) or name == str(held.relative_to(root))
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


def test_damaged_tags_are_named_before_anything_is_erased(root: Path) -> None:
    erased = people_of(root, "0003.png")[0]
    (root / "tags").mkdir(exist_ok=True)
    (root / "tags" / "ab.json").write_text("{")
    with pytest.raises(StoreError, match=r"tags/ab.json is damaged"):
        erase(root, person=erased["person_id"])
    assert not Store(root).forgetting_path.exists()
    assert people_of(root, "0003.png")[0] == erased
