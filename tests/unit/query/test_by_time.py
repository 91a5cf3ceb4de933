"""Lists in the order of capture: every person once, in one order, from memory and from LanceDB alike."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from par_core.errors import FilterError
from par_core.query.answer import SearchResult
from par_core.query.by_time import TimePage, moment_after, page_of
from par_core.query.question import facts_of, is_judged
from par_core.query.searching import Wanted, search_filter
from par_core.query.where import Place, parse_where
from par_core.query.where_arrow import rows_kept
from par_core.store.lance import PeopleIndex, in_places
from par_core.store.lance.resident_times import _ranks
from tests.many_people import make_index, people, plain_and_resident

N = 700


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """People in places of their own; the people of each image have one time, and many images share one."""
    made = people(N)
    times = [None if i % 11 == 0 else datetime(2026, 11, 1 + (i // 40) % 20, 12) for i in range(N)]
    changed: dict[str, Any] = {"captured_at": [times[i // 2] for i in range(N)], "uri": made["uri"]}
    changed |= {side: [100.0 * i for i in range(N)] for side in ("x1", "y1")}
    changed |= {side: [100.0 * i + 50 for i in range(N)] for side in ("x2", "y2")}
    for name, values in changed.items():
        field = made.schema.field(name)
        column = values if isinstance(values, pa.ChunkedArray) else pa.array(values, field.type)
        made = made.set_column(made.schema.get_field_index(name), field, column)
    return made


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> tuple[PeopleIndex, PeopleIndex]:
    """The same version twice: from LanceDB, and in memory."""
    return plain_and_resident(tmp_path_factory.mktemp("times") / "index.lance", table)


def expected(table: pa.Table, newest: bool, keep: Any = lambda row: True) -> list[str]:
    """Ids by a plain sort of plain rows."""
    rows = [row for row in table.to_pylist() if row["source_state"] == "present" and keep(row)]
    rows.sort(key=lambda row: (row["captured_at"] or datetime.min, row["image_id"], row["person_id"]))
    rows = rows[::-1] if newest else rows
    return [row["person_id"] for row in sorted(rows, key=lambda row: row["captured_at"] is None)]


def pages(index: PeopleIndex, where: str | None, newest: bool, top: int) -> list[SearchResult]:
    """All pages of a list."""
    read, after, before = [], None, 0
    while not read or after is not None:
        page = search_filter(index, Wanted(where, page=TimePage(newest, after, top, before)))
        read.append(page)
        after, before = page.next_after, before + len(page.hits)
        assert len(read) < N
    return read


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("top", [1, 37, 60])
@pytest.mark.parametrize("where", [None, "upper_color in ('red', 'blue')", "captured_at is null"])
def test_the_pages_hold_everybody_once_in_the_order_of_capture(
    indexes: tuple[PeopleIndex, PeopleIndex], table: pa.Table, newest: bool, top: int, where: str | None
) -> None:
    keep = {
        None: lambda row: True,
        "upper_color in ('red', 'blue')": lambda row: row["upper_color"] in ("red", "blue"),
        "captured_at is null": lambda row: row["captured_at"] is None,
    }[where]
    wanted = expected(table, newest, keep)
    for index in indexes if top > 1 else indexes[1:]:
        read = pages(index, where, newest, top)
        hits = [hit for page in read for hit in page.hits]
        assert [hit.person_id for hit in hits] == wanted
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        assert {page.total for page in read} == {len(wanted)}
        assert all(len(page.hits) >= top for page in read[:-1])
        assert all(len(page.hits) <= top + 1 for page in read)  # people of one image stay together
        assert {page.order for page in read} == {"newest first" if newest else "oldest first"}


def test_a_page_begins_after_somebody_who_has_left_the_index(
    indexes: tuple[PeopleIndex, PeopleIndex], table: pa.Table
) -> None:
    gone = f"2026-11-05T12:00:00,{'0' * 31}f,{'f' * 32}"
    for newest in (True, False):
        ids = [
            [hit.person_id for hit in search_filter(index, Wanted(page=TimePage(newest, gone, 20))).hits]
            for index in indexes
        ]
        assert ids[0] == ids[1]
        key = (datetime(2026, 11, 5, 12), "0" * 31 + "f", "f" * 32)
        rows = {row["person_id"]: row for row in table.to_pylist()}
        first = rows[ids[0][0]]
        of_first = (first["captured_at"], first["image_id"], first["person_id"])
        assert of_first < key if newest else of_first > key


@pytest.mark.parametrize(
    "after", ["", "x", "2026-11-05", "2026-11-05T12:00:00,zz,00", "2026-13-05T12:00:00,0,0", ",0,0' OR 1=1"]
)
def test_a_place_in_the_list_that_no_answer_gave_is_refused(after: str) -> None:
    with pytest.raises(FilterError):
        moment_after(after)


def test_two_outlines_of_one_person_are_one_hit_and_people_of_one_image_are_not_torn_apart(
    tmp_path: Path,
) -> None:
    made = people(8)
    same = {"x1": 0.0, "y1": 0.0, "x2": 10.0, "y2": 20.0}
    for name, value in same.items():
        column = pa.array([value] * 8, pa.float32())
        made = made.set_column(made.schema.get_field_index(name), made.schema.field(name), column)
    image = pa.array(["0" * 32] * 6 + ["1" * 32] * 2)
    made = made.set_column(made.schema.get_field_index("image_id"), made.schema.field("image_id"), image)
    field = made.schema.field("captured_at")
    times = pa.array([datetime(2026, 1, 1)] * 6 + [datetime(2026, 1, 2)] * 2, field.type)
    made = made.set_column(made.schema.get_field_index("captured_at"), field, times)
    index = make_index(tmp_path / "index.lance", made)
    first = search_filter(index, Wanted(absent=True, page=TimePage(False, None, 2)))
    assert [1 + len(hit.similar) for hit in first.hits] == [6]
    second = search_filter(index, Wanted(absent=True, page=TimePage(False, first.next_after, 2)))
    assert [1 + len(hit.similar) for hit in second.hits] == [2]
    assert second.next_after is None


def test_hits_of_words_are_put_in_order_and_cut_into_pages(
    indexes: tuple[PeopleIndex, PeopleIndex], table: pa.Table
) -> None:
    whole = search_filter(indexes[1], Wanted("score > 0", N))
    for newest in (True, False):
        read, after = [], None
        while not read or after is not None:
            page = page_of(whole, TimePage(newest, after, 50, len(read)), 10_000)
            read += page.hits
            after = page.next_after
        assert [hit.person_id for hit in read] == expected(table, newest)
        assert [hit.rank for hit in read] == list(range(1, len(read) + 1))
    limited = page_of(whole, TimePage(True, None, 50), len(whole.hits))
    assert limited.order == f"newest first of the {len(whole.hits)} best"


def test_places_are_looked_up_in_memory_as_in_the_index(indexes: tuple[PeopleIndex, PeopleIndex]) -> None:
    resident = indexes[1].resident
    assert resident is not None
    for text in ("gate-3", "/copy.jpg", "GATE", "0001", "g%te"):
        kept = rows_kept(
            Place(text), resident.columns, indexes[1].thresholds, lambda texts: in_places(resident, texts)
        )
        assert kept is not None
        found = {resident.columns["person_id"][int(row)].as_py() for row in kept.nonzero()[0]}
        sql = f"contains(array_to_string(`uris`, chr(0)), '{text}')"
        batches = indexes[0].scan(["person_id"], sql)
        assert found == {one for batch in batches for one in batch["person_id"].to_pylist()}


def test_a_question_of_facts_alone_is_a_filter() -> None:
    assert not is_judged(None)
    assert not is_judged("upper:red NOT (since:2026-11-01 OR height:>100)^2")
    assert is_judged("a man")
    assert is_judged("upper:red like:00ff")
    assert facts_of(None, None) is None
    assert facts_of("score:>0.5", " ") == parse_where("score > 0.5")
    with pytest.raises(FilterError, match="words"):
        facts_of("a man", None)


@pytest.mark.parametrize("texts", [["0f" * 16, "00" * 16, "ff" * 16, "0e" * 16], ["b", "aa", "ab"], []])
def test_ids_are_ranked_as_texts_are(texts: list[str]) -> None:
    whole = pa.array(["x" * 32, *texts], pa.string())
    ranks = _ranks(whole[1:])  # begins within its buffers
    assert [sorted(texts).index(text) for text in texts] == ranks.tolist()
