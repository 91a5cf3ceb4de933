"""The index with an approximate vector index on it, which only large tables have."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from par_core.errors import BadConfigError
from par_core.store import lance
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.schemas import index_schema
from par_core.store.vector_index import IndexPolicy

SIZE, ROWS = 32, 2_000
INFO = IndexInfo("s", "d", "e", "fake", ("hat",), (0.4,))
SMALL = IndexPolicy(columns_from=100, vectors_from=1_000, rows_a_partition=100, partitions_read=10, exact_up_to=100)


def rows(seed: int = 0, n: int = ROWS) -> pa.Table:
    """People in the schema of the index: every second has a hat, every hundredth is in red, one in ten has vanished."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made: dict[str, pa.Array] = {}
    for field in index_schema(["hat"], SIZE):
        if pa.types.is_string(field.type):
            made[field.name] = pa.array([f"{field.name} {i}" for i in range(n)])
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            made[field.name] = pa.array(rng.integers(0, 100, n)).cast(field.type)
    made["person_id"] = made["image_id"] = pa.array([f"{i:032x}" for i in range(n)])
    made["source_state"] = pa.array(["vanished" if i % 10 == 9 else "present" for i in range(n)])
    made["upper_color"] = pa.array(["red" if i % 100 == 0 else "blue" for i in range(n)])
    made["lower_color"] = pa.nulls(n, pa.string())
    made["hat"] = pa.array([None if i % 50 == 49 else 0.4 if i % 2 else 0.399 for i in range(n)], pa.float32())
    made["captured_at"] = pa.array([None if i % 3 else datetime(2026, 11, 1) + timedelta(hours=i) for i in range(n)], pa.timestamp("us"))
    made["uris"] = pa.array([[f"a/{i}.jpg", f"b/{i}.jpg"] for i in range(n)])
    made["vector"] = pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), SIZE)
    schema = index_schema(["hat"], SIZE)
    return pa.table([made[name] for name in schema.names], schema=schema)


@pytest.fixture
def index(tmp_path: Path) -> PeopleIndex:
    table = rows()
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, INFO, SMALL)
    made.upsert(table)
    made.optimize()
    return made


def exact(query: np.ndarray, allowed: np.ndarray, top: int) -> list[str]:
    vectors = np.stack(rows()["vector"].to_pylist())
    order = [i for i in np.argsort(-(vectors @ query)) if allowed[i]]
    return [f"{i:032x}" for i in order[:top]]


def test_a_large_table_is_searched_by_its_vector_index_and_ranked_by_exact_distances(index: PeopleIndex) -> None:
    assert index.vector_index() is not None
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
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, INFO)
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
    PeopleIndex.create(folder, table.schema, replace(INFO, describe_config="d2", embedding="e2")).upsert(table)
    assert (len(opened(folder, "live")), opened(folder, "live").embedding_fingerprint) == (10, "e")
    assert (len(opened(folder)), opened(folder).embedding_fingerprint) == (3, "e2")


@pytest.mark.parametrize("version", ["99", "-1", "newest", "²", ""])
def test_a_version_that_is_not_there_is_refused(folder: Path, version: str) -> None:
    with pytest.raises(BadConfigError, match="no version"):
        PeopleIndex.open(folder, version)
