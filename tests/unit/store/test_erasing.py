"""Rows of the index that are erased or replaced leave no bytes, neither in data nor in indexes."""

from dataclasses import replace
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from par_core.store.lance import PeopleIndex
from tests.unit.store.test_lance import INFO, ROWS, SMALL, rows


def more(table: pa.Table, first: int) -> pa.Table:
    """The same people with other ids and other vectors."""
    ids = pa.array([f"{first + i:032x}" for i in range(len(table))])
    flipped = -np.array(table["vector"].to_pylist(), np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(flipped.reshape(-1), flipped.shape[1])
    for name, column in (("person_id", ids), ("image_id", ids), ("vector", vectors)):
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table


@pytest.fixture
def index(tmp_path: Path) -> PeopleIndex:
    """A table of two fragments, both covered by indexes on columns and vectors."""
    made = PeopleIndex.create(tmp_path / "index.lance", rows().schema, INFO, SMALL)
    for part in (rows(), more(rows(1, 500), ROWS)):
        made.add(part)
        made.optimize()
    return made


def files(index: PeopleIndex, kind: str) -> set[Path]:
    return {path for path in (index.path / "people.lance" / kind).rglob("*") if path.is_file()}


def holding(index: PeopleIndex, trace: bytes) -> list[str]:
    return [
        path.parent.name for path in index.path.rglob("*") if path.is_file() and trace in path.read_bytes()
    ]


def in_vector_index(index: PeopleIndex, vector: np.ndarray) -> bool:
    """Whether the index of the vectors holds a vector, a byte a number."""
    vectors = np.array(rows()["vector"].to_pylist())
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    low, high = min(vectors.min(), -vectors.max()), max(vectors.max(), -vectors.min())
    code = (vector / np.linalg.norm(vector) - low) / (high - low) * 255
    windows = (
        np.lib.stride_tricks.sliding_window_view(np.frombuffer(path.read_bytes(), np.uint8), len(code))
        for path in index.path.rglob("auxiliary.idx")
    )
    return any((np.abs(window - code).max(axis=1) < 12).any() for window in windows)


def test_the_bytes_of_an_erased_row_vanish_and_others_are_still_found(index: PeopleIndex) -> None:
    indexes = files(index, "_indices")
    erased, kept = (index.rows([f"{number:032x}"]).to_pylist()[0] for number in (77, 78))
    vector = np.asarray(erased["vector"], np.float32)
    assert holding(index, vector.tobytes())
    assert in_vector_index(index, vector)
    index.erase([erased["person_id"]], rows().slice(0, 0))
    index.optimize()
    index.history.drop()
    assert holding(index, vector.tobytes()) == []
    assert not in_vector_index(index, vector)
    assert holding(index, erased["person_id"].encode()) == []
    assert holding(index, np.asarray(kept["vector"], np.float32).tobytes()) == ["data"]
    left = indexes & files(index, "_indices")  # the part of the vector index that covers the other fragment
    assert {path.name for path in left} == {"index.idx", "auxiliary.idx"}
    assert in_vector_index(index, np.asarray(kept["vector"], np.float32))
    assert (
        len(index)
        == len(set(index.search(None, columns=["person_id"], top=2 * ROWS)["person_id"].to_pylist()))
        == ROWS + 500 - 1
    )
    assert index.unindexed_rows() == 0
    assert index.search(vector, top=1)["person_id"].to_pylist() != [erased["person_id"]]
    found = index.search(np.asarray(kept["vector"], np.float32), top=1)["person_id"].to_pylist()
    assert found == [kept["person_id"]]


def test_what_a_replaced_row_held_vanishes_too(index: PeopleIndex) -> None:
    old = rows().slice(77, 1)
    new = old.set_column(old.schema.get_field_index("uri"), old.schema.field("uri"), pa.array(["elsewhere"]))
    (vector,) = (np.asarray(row["vector"], np.float32).tobytes() for row in old.to_pylist())
    index.erase([], new)
    index.optimize()
    index.history.drop()
    assert index.rows([f"{77:032x}"])["uri"].to_pylist() == ["elsewhere"]
    copies = sum(path.read_bytes().count(vector) for path in files(index, "data"))
    assert copies == 1
    assert len(index) == ROWS + 500


def test_a_fragment_that_is_erased_as_a_whole_leaves_the_indexes_too(index: PeopleIndex) -> None:
    before = files(index, "_indices")
    ids = [f"{ROWS + number:032x}" for number in range(500)]
    vector = np.asarray(index.rows(ids[:1])["vector"].to_pylist()[0], np.float32)
    assert in_vector_index(index, vector)
    index.erase(ids, rows().slice(0, 0))
    index.history.drop()
    assert len(index) == ROWS
    left = before & files(index, "_indices")  # the part of the vector index that covers the other fragment
    assert {path.name for path in left} <= {"index.idx", "auxiliary.idx"}
    assert not in_vector_index(index, vector)
    assert holding(index, ids[0].encode()) == []
    assert index.vector_index() is not None
    assert index.unindexed_rows() == 0


def test_what_a_fragment_held_that_was_replaced_before_the_erasure_vanishes_too(tmp_path: Path) -> None:
    index = PeopleIndex.create(tmp_path / "index.lance", rows().schema, INFO, SMALL)
    second = more(rows(1, 500), ROWS)
    index.add(rows())
    index.add(second)
    index.optimize()
    assert fragments(index.path) == [ROWS + 500]
    index.add(more(rows(2), 9 * ROWS))
    ids = [*rows()["image_id"].to_pylist(), *second["image_id"].to_pylist()]
    index.delete_images(ids)  # a later night has replaced all of them
    vector = np.asarray(second["vector"].to_pylist()[0], np.float32)
    index.history.drop()
    assert in_vector_index(index, vector)
    index.erase([f"{9 * ROWS:032x}"], rows().slice(0, 0))
    index.history.drop()
    assert not in_vector_index(index, vector)
    assert holding(index, ids[-1].encode()) == []
    assert index.unindexed_rows() == 0


def test_an_index_that_was_just_built_is_not_written_again(index: PeopleIndex) -> None:
    before = files(index, "_indices")
    index.optimize()
    assert files(index, "_indices") == before


def fragments(path: Path) -> list[int]:
    """Rows of each fragment, by the files that hold them."""
    dataset = lance.dataset(path / "people.lance")
    return sorted(fragment.physical_rows for fragment in dataset.get_fragments())


def test_an_erasure_writes_one_small_fragment_again(tmp_path: Path) -> None:
    small = replace(SMALL, rows_a_fragment=1_000)
    index = PeopleIndex.create(tmp_path / "index.lance", rows().schema, INFO, small)
    index.add(more(rows(1, 900), ROWS))
    index.add(rows(n=900))
    index.optimize()
    data = files(index, "data")
    index.erase([f"{77:032x}"], rows().slice(0, 0))
    assert fragments(index.path) == [899, 900]
    index.history.drop()
    assert len(data & files(index, "data")) == len(files(index, "data") - data) == 1
    assert index.unindexed_rows() == 0
    index.optimize()  # two fragments that are nearly full stay two
    assert fragments(index.path) == [899, 900]


def test_small_fragments_are_merged_and_large_ones_divided(tmp_path: Path) -> None:
    small = replace(SMALL, rows_a_fragment=600)
    index = PeopleIndex.create(tmp_path / "index.lance", rows().schema, INFO, small)
    for part in range(9):
        index.add(more(rows(part, 150), part * ROWS))
    index.optimize()
    assert fragments(index.path) == [600, 750]  # always fewer than twice the rows
    index.add(more(rows(10), 10 * ROWS))  # as a release before wrote them
    index.erase([f"{10 * ROWS:032x}"], rows().slice(0, 0))
    assert fragments(index.path) == [600, 666, 666, 667, 750]
    assert len(index) == 9 * 150 + ROWS - 1
