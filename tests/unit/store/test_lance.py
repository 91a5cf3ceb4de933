"""The index with an approximate vector index on it, which only large tables have."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from par_core.errors import BadConfigError
from par_core.store import lance
from par_core.store.lance import IndexInfo, PeopleIndex

SIZE, ROWS = 32, 2_000


def rows(seed: int = 0) -> pa.Table:
    vectors = np.random.default_rng(seed).standard_normal((ROWS, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    text = {name: [None] * ROWS for name in ("image_id", "source_state", "upper_color", "lower_color")}
    ids = [f"{i:032x}" for i in range(ROWS)]
    table = pa.table({"person_id": ids, **{name: pa.array(values, pa.string()) for name, values in text.items()}})
    colours = pa.array(["red" if i % 100 == 0 else "blue" for i in range(ROWS)])
    table = table.set_column(table.schema.get_field_index("upper_color"), "upper_color", colours)
    table = table.cast(table.schema.set(0, pa.field("person_id", pa.string(), nullable=False)))  # as LanceDB wants its keys
    return table.append_column("vector", pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), SIZE))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PeopleIndex:
    monkeypatch.setattr(lance, "_INDEX_VECTORS_FROM", 1_000)
    table = rows()
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, IndexInfo("s", "d", "e", "fake", (), ()))
    made.upsert(table)
    made.optimize()
    return made


def exact(query: np.ndarray, allowed: np.ndarray, top: int) -> list[str]:
    vectors = np.stack(rows()["vector"].to_pylist())
    order = [i for i in np.argsort(-(vectors @ query)) if allowed[i]]
    return [f"{i:032x}" for i in order[:top]]


def test_a_large_table_is_searched_by_its_vector_index_and_ranked_by_exact_distances(index: PeopleIndex) -> None:
    assert "vector" in {config.columns[0] for config in index._table.list_indices()}
    query = np.random.default_rng(1).standard_normal(SIZE).astype(np.float32)
    query /= np.linalg.norm(query)
    found = index.search(query, top=20)
    vectors = np.array(found["vector"].to_pylist(), np.float32)
    np.testing.assert_allclose(found["_distance"].to_numpy(), 1 - vectors @ query, atol=1e-5)
    assert len(set(found["person_id"].to_pylist()) & set(exact(query, np.ones(ROWS, bool), 20))) >= 18


def test_a_filter_that_leaves_few_rows_is_answered_exactly(index: PeopleIndex) -> None:
    query = rows(2)["vector"][0].as_py()
    found = index.search(query, where="(`upper_color` = 'red')", top=10)
    assert found["person_id"].to_pylist() == exact(np.array(query, np.float32), np.arange(ROWS) % 100 == 0, 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small table without a vector index, of 10 people."""
    table = rows().slice(0, 10)
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, IndexInfo("s", "d", "e", "fake", (), ()))
    made.upsert(table)
    return tmp_path / "index.lance"


def opened(folder: Path, version: str = "latest") -> PeopleIndex:
    found = PeopleIndex.open(folder, version)
    assert found is not None
    return found


def test_without_a_tag_live_is_the_newest_version(folder: Path) -> None:
    assert opened(folder).live_version is None
    assert opened(folder, "live").version == opened(folder).version


def test_live_stays_where_it_was_put_through_writes_and_clean_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance, "_KEEP_VERSIONS", timedelta(milliseconds=1))  # as if every version but the newest were old
    newest = opened(folder)
    newest.make_live()
    tagged, reader = newest.version, opened(folder, "live")
    newest.delete([f"{i:032x}" for i in range(4)])
    newest.upsert(rows().slice(10, 3))
    newest.optimize()
    assert newest.live_version == tagged < newest.version
    assert (len(opened(folder, "live")), len(reader), len(opened(folder)), len(opened(folder, str(tagged)))) == (10, 10, 9, 10)
    newest.make_live()
    assert len(opened(folder, "live")) == 9
    assert (len(reader), reader.version) == (10, tagged)  # who has opened a version goes on with it


def test_live_survives_a_table_that_is_started_afresh_with_other_models(folder: Path) -> None:
    opened(folder).make_live()
    table = rows().slice(0, 3)
    PeopleIndex.create(folder, table.schema, IndexInfo("s", "d2", "e2", "fake", (), ())).upsert(table)
    assert (len(opened(folder, "live")), opened(folder, "live").embedding_fingerprint) == (10, "e")
    assert (len(opened(folder)), opened(folder).embedding_fingerprint) == (3, "e2")


@pytest.mark.parametrize("version", ["99", "-1", "newest", "²", ""])
def test_a_version_that_is_not_there_is_refused(folder: Path, version: str) -> None:
    with pytest.raises(BadConfigError, match="no version"):
        PeopleIndex.open(folder, version)
