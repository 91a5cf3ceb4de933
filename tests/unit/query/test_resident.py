"""Questions answered from memory: the same hits in the same order as LanceDB gives."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.errors import IndexChangedError
from par_core.models.text_evidence import TextScorer, TextWeights
from par_core.query.answer import SearchResult
from par_core.query.denials import read_question
from par_core.query.people import People
from par_core.query.resident_reader import ResidentReader
from par_core.query.searching import Wanted, sample_of, search_query
from par_core.query.where import parse_where
from par_core.query.where_arrow import rows_kept
from par_core.query.where_sql import compile_where
from par_core.store.lance import PeopleIndex
from tests.many_people import WideTextEncoder, make_index, people, plain_and_resident

SCORER = TextScorer(WideTextEncoder(), TextWeights.shipped())
PART = st.sampled_from(
    [
        "a tall person",
        '"in a red coat with a bag"',
        "hat",
        "man",
        "NOT bag",
        "hat^0.5",
        "a man without a hat",
        "upper:red,blue",
        "NOT lower:black",
        "since:2026-11-10",
        "on:2026-11-17",
        "cutout:>0.5",
        "height:100..300",
        "source:gate-3",
        "like:00000000000000000000000000000007",
        "unlike:00000000000000000000000000000123",
        "NOT like:0000000000000000000000000000000b",
    ]
)
FILTER = st.sampled_from(
    [
        "female",
        "not hat",
        "female >= 0.3 and hat < 0.7",
        "upper_color = 'red' or lower_color in ('blue', 'black')",
        "upper_color != 'red'",
        "not (upper_color in ('red', 'grey') and bag)",
        "captured_at >= 2026-11-12 and captured_at < 2026-12-01",
        "captured_at != 2026-11-12",
        "captured_at between 2026-11-12T06:00 and 2026-11-20T18:30",
        "captured_at is null or cutout is null",
        "cutout > 0.4 and height_px between 60 and 200",
        "person_id = '0000000000000000000000000000002a'",
        "image_id = '0000000000000000000000000000002a'",
        "source_state = 'vanished'",
        "score <= 90",
        "glvn > 100 or hat",
        "uri like '%gate-3%'",
        "upper_color like 'bl%'",
    ]
)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> tuple[PeopleIndex, PeopleIndex]:
    """The same version twice: one of them in memory."""
    return plain_and_resident(tmp_path_factory.mktemp("resident") / "index.lance", people())


def ask(
    index: PeopleIndex, text: str, wanted: Wanted, pictures: dict[str, Any] | None = None
) -> SearchResult:
    return search_query(index, read_question(text), SCORER, sample_of(index), wanted, text, pictures or {})


def seen(result: SearchResult) -> list[Any]:
    hits = [one for hit in result.hits for one in (hit, *hit.similar)]
    return [
        {name: value for name, value in asdict(hit).items() if name not in ("probability", "cosine", "parts")}
        for hit in hits
    ]


@given(
    parts=st.lists(PART, min_size=1, max_size=4),
    join=st.sampled_from([" AND ", " OR "]),
    where=st.none() | FILTER,
    top=st.sampled_from([1, 20, 100]),
    absent=st.booleans(),
    weak=st.booleans(),
    apart=st.booleans(),
)
def test_memory_gives_the_hits_of_lancedb_in_their_order(
    indexes: tuple[PeopleIndex, PeopleIndex],
    parts: list[str],
    join: str,
    where: str | None,
    top: int,
    absent: bool,
    weak: bool,
    apart: bool,
) -> None:
    plain, fast = indexes
    text, wanted = join.join(parts), Wanted(where, top, absent, weak, apart)
    expected, actual = ask(plain, text, wanted), ask(fast, text, wanted)
    assert seen(actual) == seen(expected)
    assert [hit.probability for hit in actual.hits] == pytest.approx(
        [hit.probability for hit in expected.hits], abs=1e-9
    )
    assert [hit.parts for hit in actual.hits] == [hit.parts for hit in expected.hits]
    assert (actual.chance, actual.warnings) == (expected.chance, expected.warnings)


@given(where=FILTER)
def test_a_filter_keeps_the_same_people_in_memory_as_its_sql(
    indexes: tuple[PeopleIndex, PeopleIndex], where: str
) -> None:
    plain, fast = indexes
    assert fast.resident is not None
    kept = rows_kept(parse_where(where), fast.resident.columns, fast.thresholds)
    sql = compile_where(where, plain.columns, plain.thresholds)
    expected = plain.search(None, where=sql, top=len(plain), columns=["person_id"])["person_id"].to_pylist()
    if any(name in where for name in ("image_id", "uri", "like", "glvn")):
        assert kept is None  # LanceDB alone can tell
    else:
        ids = np.array(fast.resident.columns["person_id"].to_pylist())
        assert sorted(ids[kept].tolist()) == sorted(expected)


def test_memory_answers_without_lancedb(
    indexes: tuple[PeopleIndex, PeopleIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fast = indexes
    asked: list[object] = []
    for name in ("search", "scan", "rows"):
        monkeypatch.setattr(fast, name, lambda *args, **kwargs: asked.append(args))
    assert len(ask(fast, "a tall person", Wanted(top=20, weak=True, apart=True)).hits) == 20
    assert not asked


def test_the_sample_of_the_people_in_memory_is_the_one_of_lancedb(
    indexes: tuple[PeopleIndex, PeopleIndex],
) -> None:
    names = ["person_id", "vector", "upper_color", *indexes[0].attributes]
    plain, fast = (index.sample(500, names) for index in indexes)
    assert fast.to_pydict() == plain.to_pydict()


def test_a_picture_is_searched_for_in_memory(indexes: tuple[PeopleIndex, PeopleIndex]) -> None:
    vector = People(indexes[0].rows(["0" * 30 + "ff"]), ()).vectors[0]
    wanted = Wanted(absent=True, apart=True)
    answers = [ask(index, "picture:mine", wanted, {"mine": vector}) for index in indexes]
    assert seen(answers[0]) == seen(answers[1])
    assert max(answers[1].hits, key=lambda hit: hit.cosine or 0).person_id == "0" * 30 + "ff"


def test_an_erased_person_is_not_found_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "index.lance"
    fast = make_index(path, people(500))
    fast.read_resident()
    erased = ask(fast, "a tall person", Wanted(weak=True)).hits[0].person_id
    writer = PeopleIndex.open(path)
    assert writer is not None
    writer.erase([erased], writer.schema.empty_table())
    writer.history.drop()
    with pytest.raises(IndexChangedError):
        ask(fast, "a tall person", Wanted(weak=True))
    again = PeopleIndex.open(path, "live")
    assert again is not None
    again.read_resident()
    assert again.resident is not None
    hits = ask(again, "a tall person", Wanted(weak=True, top=500)).hits
    assert erased not in {one.person_id for hit in hits for one in (hit, *hit.similar)}


def test_a_reader_reads_each_version_once_in_a_thread_of_its_own(tmp_path: Path) -> None:
    index, reader = make_index(tmp_path / "index.lance", people(200)), ResidentReader()
    reader.read_soon(index)
    reader.wait()
    kept = index.resident
    assert kept is not None
    reader.read_soon(index)
    reader.wait()
    assert index.resident is kept


class ShortSightedEncoder(WideTextEncoder):
    """Reads three words at once."""

    def parts(self, sentence: str) -> tuple[str, ...]:
        words = sentence.split()
        return tuple(" ".join(words[start : start + 3]) for start in range(0, len(words), 3))


def test_a_text_that_is_read_in_parts_is_said_to_be(indexes: tuple[PeopleIndex, PeopleIndex]) -> None:
    index, scorer = indexes[1], TextScorer(ShortSightedEncoder(), TextWeights.shipped())
    text = "a very tall person with a long red coat and a bag"
    result = search_query(index, read_question(text), scorer, sample_of(index), Wanted(), text, {})
    (warning,) = result.warnings
    assert "longer than the text model reads at once" in warning
    assert "parts" in warning
