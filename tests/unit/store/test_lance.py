"""The index with an approximate vector index on it, which only large tables have."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from time import sleep

import numpy as np
import pyarrow as pa
import pytest

from par_core.errors import BadConfigError, StoreError
from par_core.store.lance import IndexInfo, PeopleIndex, history
from par_core.store.schemas import index_schema
from par_core.store.vector_index import IndexPolicy

SIZE, ROWS = 32, 2_000
INFO = IndexInfo("s", "d", "e", "fake", ("hat",), (0.4,))
SMALL = IndexPolicy(
    columns_from=100, vectors_from=1_000, rows_a_partition=100, partitions_read=10, exact_up_to=100
)


def rows(seed: int = 0, n: int = ROWS) -> pa.Table:
    """People in the schema of the index: every second has a hat, every hundredth is in red, one in ten has
    vanished.
    """
    rng = np.random.default_rng(seed)
    # few directions matter, as in embeddings of people
    looks = np.random.default_rng(99).standard_normal((6, SIZE))
    vectors = (rng.standard_normal((n, 6)) @ looks + 0.1 * rng.standard_normal((n, SIZE))).astype(np.float32)
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
    made["hat"] = pa.array(
        [None if i % 50 == 49 else 0.4 if i % 2 else 0.399 for i in range(n)], pa.float32()
    )
    made["captured_at"] = pa.array(
        [None if i % 3 else datetime(2026, 11, 1) + timedelta(hours=i) for i in range(n)], pa.timestamp("us")
    )
    made["uris"] = pa.array([[f"a/{i}.jpg", f"b/{i}.jpg"] for i in range(n)])
    made["vector"] = pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), SIZE)
    schema = index_schema(["hat"], SIZE)
    return pa.table([made[name] for name in schema.names], schema=schema)


@pytest.fixture
def index(tmp_path: Path) -> PeopleIndex:
    table = rows()
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, INFO, SMALL)
    made.add(table)
    made.optimize()
    return made


def exact(query: np.ndarray, allowed: np.ndarray, top: int) -> list[str]:
    vectors = np.stack(rows()["vector"].to_pylist())
    order = [i for i in np.argsort(-(vectors @ query)) if allowed[i]]
    return [f"{i:032x}" for i in order[:top]]


def test_a_large_table_is_searched_by_its_vector_index_and_ranked_by_exact_distances(
    index: PeopleIndex,
) -> None:
    assert index.vector_index() is not None
    query = np.random.default_rng(1).standard_normal(SIZE).astype(np.float32)
    query /= np.linalg.norm(query)
    hits = index.search(query, top=20)
    vectors = np.array(hits["vector"].to_pylist(), np.float32)
    np.testing.assert_allclose(hits["_distance"].to_numpy(), 1 - vectors @ query, atol=1e-5)
    assert len(set(hits["person_id"].to_pylist()) & set(exact(query, np.ones(ROWS, bool), 20))) >= 18


def test_a_filter_that_leaves_few_rows_is_answered_exactly(index: PeopleIndex) -> None:
    query = rows(2)["vector"][0].as_py()
    hits = index.search(query, where="(`upper_color` = 'red')", top=10)
    assert hits["person_id"].to_pylist() == exact(np.array(query, np.float32), np.arange(ROWS) % 100 == 0, 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small table without a vector index, of 10 people."""
    table = rows().slice(0, 10)
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, INFO)
    made.add(table)
    return tmp_path / "index.lance"


def opened(folder: Path, version: str = "latest") -> PeopleIndex:
    people = PeopleIndex.open(folder, version)
    assert people is not None
    return people


def test_without_a_tag_live_is_the_newest_version(folder: Path) -> None:
    assert opened(folder).history.live_version is None
    assert opened(folder, "live").version == opened(folder).version


def test_live_stays_where_it_was_put_through_writes_and_clean_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as if every version but the newest were old
    monkeypatch.setattr(history, "_KEEP_VERSIONS", timedelta(milliseconds=1))
    newest = opened(folder)
    newest.history.make_live()
    tagged, reader = newest.version, opened(folder, "live")
    newest.delete_images([f"{i:032x}" for i in range(4)])
    newest.add(rows().slice(10, 3))
    newest.optimize()
    assert newest.history.live_version == tagged < newest.version
    assert (
        len(opened(folder, "live")),
        len(reader),
        len(opened(folder)),
        len(opened(folder, str(tagged))),
    ) == (10, 10, 9, 10)
    newest.history.make_live()
    assert len(opened(folder, "live")) == 9
    assert (len(reader), reader.version) == (10, tagged)  # who has opened a version goes on with it


def test_live_survives_a_table_that_is_started_afresh_with_other_models(folder: Path) -> None:
    opened(folder).history.make_live()
    table = rows().slice(0, 3)
    PeopleIndex.create(folder, table.schema, replace(INFO, describe_config="d2", embedding="e2")).add(table)
    assert (len(opened(folder, "live")), opened(folder, "live").embedding_fingerprint) == (10, "e")
    assert (len(opened(folder)), opened(folder).embedding_fingerprint) == (3, "e2")


@pytest.mark.parametrize("version", ["99", "-1", "newest", "²", ""])
def test_a_version_that_is_not_there_is_refused(folder: Path, version: str) -> None:
    with pytest.raises(BadConfigError, match="no version"):
        PeopleIndex.open(folder, version)


def recall(index: PeopleIndex, table: pa.Table, where: str | None, allowed: np.ndarray) -> float:
    """Mean share of the true 20 nearest among the hits, over 10 query vectors."""
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    shares = []
    for query in rows(seed=7, n=10)["vector"].to_pylist():
        nearest = [i for i in np.argsort(-(vectors @ np.array(query, np.float32))) if allowed[i]][:20]
        ids = index.search(query, where=where, top=20)["person_id"].to_pylist()
        assert len(ids) == len(set(ids)) == min(20, allowed.sum())
        assert not set(ids) - set(table["person_id"].filter(pa.array(allowed)).to_pylist())
        shares.append(len({table["person_id"][int(i)].as_py() for i in nearest} & set(ids)) / len(nearest))
    return float(np.mean(shares))


@pytest.mark.parametrize(
    ("where", "share"),
    [
        (None, 1.0),
        ("(source_state = 'present')", 0.9),
        ("(source_state = 'present') AND (`hat` >= 0.4)", 0.4),
        ("NOT (`hat` >= 0.4)", 0.5),
        ("(`captured_at` >= timestamp '2026-11-10 00:00:00.000000')", 0.3),
        ("(`upper_color` = 'red')", 0.01),
    ],
)
def test_filters_hold_and_the_nearest_are_found(index: PeopleIndex, where: str | None, share: float) -> None:
    table = rows()
    text = {name: np.array(table[name].to_pylist(), object) for name in ("source_state", "upper_color")}
    hat = table["hat"].to_numpy()
    day = np.array(
        [stamp is not None and stamp >= datetime(2026, 11, 10) for stamp in table["captured_at"].to_pylist()]
    )
    allowed = {
        None: np.ones(ROWS, bool),
        "(source_state = 'present')": text["source_state"] == "present",
        "(source_state = 'present') AND (`hat` >= 0.4)": (text["source_state"] == "present") & (hat >= 0.4),
        "NOT (`hat` >= 0.4)": hat < 0.4,
        "(`captured_at` >= timestamp '2026-11-10 00:00:00.000000')": day,
        "(`upper_color` = 'red')": text["upper_color"] == "red",
    }[where]
    assert abs(allowed.mean() - share) < 0.1
    assert recall(index, table, where, allowed) >= 0.95


def test_rows_that_the_index_does_not_cover_are_found_and_deleted_ones_are_not(index: PeopleIndex) -> None:
    new = rows(seed=3, n=2_200).slice(ROWS)
    index.add(new)
    index.delete_images([f"{i:032x}" for i in range(100)])
    state = index.vector_index()
    assert state is not None
    assert state.rows_not_yet == 200
    table = pa.concat_tables([rows().slice(100), new])
    assert recall(index, table, None, np.ones(len(table), bool)) >= 0.95
    for vector, identity in zip(new["vector"].to_pylist()[:5], new["person_id"].to_pylist(), strict=False):
        assert index.search(vector, top=1)["person_id"].to_pylist() == [identity]
    index.optimize()
    state = index.vector_index()
    assert state is not None
    assert (state.rows_not_yet, index.unindexed_rows()) == (0, 0)
    assert recall(index, table, None, np.ones(len(table), bool)) >= 0.95


def test_the_index_is_rebuilt_when_it_should_have_twice_the_partitions(index: PeopleIndex) -> None:
    index.add(rows(seed=3, n=4 * ROWS).slice(ROWS))
    index.optimize()
    state = index.vector_index()
    assert state is not None
    assert (state.kind, state.partitions, state.rows, state.rows_not_yet) == ("IvfSq", 44, 4 * ROWS, 0)


@pytest.mark.parametrize(
    "where", ["(`hat` >= 0.4)", "NOT (`hat` >= 0.4)", "(`hat` >= 0.4) OR (`upper_color` = 'red')"]
)
@pytest.mark.parametrize("policy", [SMALL, IndexPolicy()])
def test_whether_columns_are_indexed_does_not_change_what_a_filter_keeps(
    tmp_path: Path, where: str, policy: IndexPolicy
) -> None:
    table = rows()
    made = PeopleIndex.create(tmp_path, table.schema, INFO, policy)
    made.add(table)
    made.optimize()
    hat, red = table["hat"].to_numpy(), np.arange(ROWS) % 100 == 0
    kept = {"(`hat` >= 0.4)": hat >= np.float32(0.4), "NOT (`hat` >= 0.4)": hat < np.float32(0.4)}.get(
        where, (hat >= np.float32(0.4)) | red
    )
    hits = made.search(None, where=where, top=ROWS, columns=["person_id"])
    assert sorted(hits["person_id"].to_pylist()) == [f"{i:032x}" for i in np.flatnonzero(kept)]


def test_rows_read_from_cards_are_the_rows_that_were_written(index: PeopleIndex) -> None:
    table = rows().slice(40, 20)
    hits = index.search(
        None,
        where=f"person_id IN ({', '.join(repr(name) for name in table['person_id'].to_pylist())})",
        top=20,
    )
    assert hits.schema.names == index.schema.names == table.schema.names
    assert hits.sort_by("person_id").to_pylist() == table.to_pylist()


def test_columns_for_speed_that_say_something_else_are_found(folder: Path) -> None:
    index, table = opened(folder), rows().slice(0, 10)
    assert index.wrong_shortcuts(table) == []
    index._table.update(where=f"person_id = '{3:032x}'", values={"seen_hat": False})
    index._table.update(where=f"person_id = '{5:032x}'", values={"card_texts": "x"})
    assert index.wrong_shortcuts(table) == [f"{3:032x}", f"{5:032x}"]


def test_a_table_of_an_earlier_version_is_searched_and_written_without_the_columns_for_speed(
    folder: Path,
) -> None:
    made = opened(folder)
    made._table.drop_columns([name for name in made._table.schema.names if name not in made.schema.names])
    earlier = opened(folder)
    earlier.add(rows().slice(10, 3))
    query = rows()["vector"][11].as_py()
    hits = earlier.search(query, where="(`hat` >= 0.4)", top=20)
    assert hits["person_id"][0].as_py() == f"{11:032x}"
    assert (
        hits.drop_columns("_distance").sort_by("person_id").to_pylist()
        == rows().slice(0, 13).filter(pa.array([i % 2 == 1 for i in range(13)])).to_pylist()
    )


def test_a_table_stays_current_until_a_version_is_written_or_the_tag_moves(folder: Path) -> None:
    writer = opened(folder)
    assert not opened(folder, "live").is_current(), "a change at the same moment would not show"
    sleep(0.15)
    live, newest = opened(folder, "live"), opened(folder)
    assert live.is_current()
    assert newest.is_current()
    writer.add(rows().slice(10, 3))
    assert (live.is_current(), newest.is_current()) == (False, False)
    sleep(0.15)
    again = opened(folder, "live")
    assert again.is_current()
    writer.history.make_live()
    assert not again.is_current()
    sleep(0.15)
    assert not again.is_current()


def test_a_count_is_given_though_another_thread_drops_what_is_remembered(index: PeopleIndex) -> None:
    class Emptied(dict[str | None, int]):
        def __setitem__(self, where: str | None, count: int) -> None:
            super().__setitem__(where, count)
            self.clear()

    version = replace(index._opened, counts=Emptied())
    assert version.count("(`hat` >= 0.4)") == index._opened.count("(`hat` >= 0.4)") > 0


def test_a_creation_that_was_killed_leaves_no_table_and_one_that_lost_its_versions_is_damaged(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "index.lance" / "people.lance"
    for folder in ("_transactions", "_versions"):
        (begun / folder).mkdir(parents=True)
        assert PeopleIndex.open(tmp_path / "index.lance") is None
    table = rows(n=10)
    made = PeopleIndex.create(tmp_path / "index.lance", table.schema, INFO, SMALL)
    made.add(table)
    assert len(made) == 10
    shutil.rmtree(begun / "_versions")
    with pytest.raises(StoreError, match="par rebuild"):
        PeopleIndex.open(tmp_path / "index.lance")


def test_a_table_that_is_made_in_place_of_another_has_another_identity(tmp_path: Path) -> None:
    table = rows(n=10)
    first = PeopleIndex.create(tmp_path / "a", table.schema, INFO)
    first.add(table)
    second = PeopleIndex.create(tmp_path / "b", table.schema, INFO)
    second.add(table)
    assert first.version == second.version
    assert first.identity != second.identity
    assert opened(tmp_path / "a").identity == opened(tmp_path / "a", "live").identity == first.identity


def test_readers_go_on_while_the_writer_writes_and_optimises(index: PeopleIndex) -> None:
    path, stop = index.path, Event()
    queries = rows(seed=7, n=10)["vector"].to_pylist()

    def read(version: str) -> int:
        answered, reader = 0, PeopleIndex.open(path, version, SMALL)
        while not stop.is_set() or not answered:
            if reader is None or not reader.is_current():
                reader = PeopleIndex.open(path, version, SMALL)
            assert reader is not None
            hits = reader.search(
                queries[answered % 10], where="(source_state = 'present') AND (`hat` >= 0.4)", top=20
            )
            assert len(set(hits["person_id"].to_pylist())) == 20
            assert set(hits["source_state"].to_pylist()) == {"present"}
            answered += 1
        return answered

    index.history.make_live()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, version) for version in ("live", "latest", "live", "latest")]
        try:
            for step in range(4):
                index.add(rows(seed=step, n=ROWS + 50 * (step + 1)).slice(ROWS + 50 * step))
                index.delete_images([f"{i:032x}" for i in range(20 * step, 20 * step + 20)])
                index.optimize()
                index.history.make_live()
        finally:
            stop.set()
        assert all(reader.result() > 0 for reader in readers)
