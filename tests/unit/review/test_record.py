"""The stored form of a review, which later releases must go on reading."""

import json
from pathlib import Path

import pytest

from par_core.review.record import ProposedPerson, ReviewRecord, load_record, save_record
from par_core.store.layout import Store

#: a file of format 1 as the release that introduced reviews wrote it
FORMAT_1 = """{"format": 1, "created_by": "par 0.1.0", "name": "a-hat", "text": "a hat", "where": "hat",
"embedding": "fake-embedding-1", "profile": "fake", "index_version": 3, "seed": 0, "vector": [0.6, 0.8],
"bounds": [0.25], "rounds": [[
{"person_id": "00000000000000000000000000000001", "stratum": 0, "drawn_from": null, "answer": "yes",
"turn": 1},
{"person_id": "00000000000000000000000000000002", "stratum": 1, "drawn_from": "9-00000000000000ff",
"answer": "gone", "turn": 0}],
[{"person_id": "00000000000000000000000000000003", "stratum": 0, "drawn_from": null, "answer": null,
"turn": 0}]]}"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.mark.parametrize("folder", ["reviews", "hunts"])
def test_a_file_of_format_1_loads_and_is_written_with_the_same_keys(store: Store, folder: str) -> None:
    (store.root / folder).mkdir()
    (store.root / folder / "a-hat.json").write_text(FORMAT_1)
    record = load_record(store, "a-hat")
    assert record == ReviewRecord(
        "a-hat",
        "a hat",
        "hat",
        "fake-embedding-1",
        "fake",
        3,
        0,
        (0.6, 0.8),
        (0.25,),
        (
            (
                ProposedPerson(f"{1:032x}", 0, None, "yes", 1),
                ProposedPerson(f"{2:032x}", 1, "9-00000000000000ff", "gone"),
            ),
            (ProposedPerson(f"{3:032x}", 0, None),),
        ),
    )
    save_record(store, record)
    written = json.loads((store.root / "reviews" / "a-hat.json").read_text())
    assert written | {"created_by": "par 0.1.0"} == json.loads(FORMAT_1)
