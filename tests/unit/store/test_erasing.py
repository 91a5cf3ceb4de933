"""Rows of the index that are erased or replaced leave no bytes, neither in data nor in indexes."""

from pathlib import Path

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
    assert {path.name for path in left} <= {"index.idx", "auxiliary.idx"}
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
    index.erase([f"{ROWS + number:032x}" for number in range(500)], rows().slice(0, 0))
    index.optimize()
    index.history.drop()
    assert len(index) == ROWS
    assert not before & files(index, "_indices")
    assert index.vector_index() is not None
    assert index.unindexed_rows() == 0


def test_an_index_that_was_just_built_is_not_written_again(index: PeopleIndex) -> None:
    before = files(index, "_indices")
    index.optimize()
    assert files(index, "_indices") == before
