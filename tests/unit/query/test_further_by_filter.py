"""Further pages of a list by a filter alone: everybody is on one of them once, in the order of the list."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from par_core.errors import FilterError
from par_core.query import further_by_filter
from par_core.query.answer import SearchResult
from par_core.query.further_by_filter import FitPage, place_after
from par_core.query.searching import Wanted, search_filter
from par_core.query.where import parse_where
from par_core.store.lance import PeopleIndex
from tests.many_people import make_index, people, plain_and_resident

N = 400
WHERE = ("hat", "not hat and height_px > 100", "upper_color in ('red', 'blue')", "height_px > 100")


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> tuple[PeopleIndex, PeopleIndex]:
    """The same version twice: from LanceDB, and in memory. Every other image shows one person twice."""
    table = people(N)
    x1 = pa.array([0.0 if i // 2 % 2 == 0 else 100.0 * i for i in range(N)], pa.float32())
    changed = {"x1": x1, "y1": x1, "x2": pc.add(x1, 50), "y2": pc.add(x1, 90)}
    shares = pa.array(np.random.default_rng(1).random(N))
    changed |= {"upper_color_share": shares, "lower_color_share": shares}
    for name, column in changed.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), column.cast(pa.float32()))
    return plain_and_resident(tmp_path_factory.mktemp("fits") / "index.lance", table)


def whole(index: PeopleIndex, where: str, apart: bool = False) -> SearchResult:
    return search_filter(index, Wanted(where, N, apart=apart))


def pages(index: PeopleIndex, where: str, top: int, apart: bool = False) -> list[SearchResult]:
    """The first hit, and the pages after it."""
    read = [search_filter(index, Wanted(where, 1, apart=apart))]
    after = place_after(index, parse_where(where), read[0].hits[0], absent=False)
    before = 1
    while after is not None:
        read.append(search_filter(index, Wanted(where, apart=apart, page=FitPage(after, top, before))))
        after, before = read[-1].next_after, before + len(read[-1].hits)
        assert len(read) < N
    return read


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(("top", "apart"), [(37, False), (200, False), (60, True)])
def test_the_pages_are_the_whole_list(
    indexes: tuple[PeopleIndex, PeopleIndex], where: str, top: int, apart: bool
) -> None:
    for index in indexes:
        expected = whole(index, where, apart)
        read = pages(index, where, top, apart)
        hits = [hit for page in read for hit in page.hits]
        assert [hit.person_id for hit in hits] == [hit.person_id for hit in expected.hits]
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        assert {page.order for page in read} == {expected.order}
        assert [len(page.hits) for page in read[1:-1]] == [top] * len(read[1:-1])
        after_first = [[one.person_id for one in hit.similar] for hit in hits[1:]]
        assert after_first == [[one.person_id for one in hit.similar] for hit in expected.hits[1:]]
        assert hits[1].parts == expected.hits[1].parts
    assert apart or sum(len(hit.similar) for hit in expected.hits) > 1, (
        "second outlines stand behind the first"
    )


def test_people_are_read_ahead_once_for_several_pages(
    indexes: tuple[PeopleIndex, PeopleIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    stretch = further_by_filter._stretch
    monkeypatch.setattr(
        further_by_filter, "_stretch", lambda *given: looks.append(given[4][0]) or stretch(*given)
    )
    monkeypatch.setattr(further_by_filter, "_AHEAD", 90)
    further_by_filter._kept.clear()
    expected = [hit.person_id for hit in whole(indexes[0], "height_px > 100", apart=True).hits]
    read = pages(indexes[0], "height_px > 100", 10, apart=True)
    assert [hit.person_id for page in read for hit in page.hits] == expected
    assert len(read) > 20
    assert len(looks) < len(read) / 2
    assert looks == sorted(looks, reverse=True)


def test_a_page_begins_after_a_value_whoever_had_it(indexes: tuple[PeopleIndex, PeopleIndex]) -> None:
    for index in indexes:
        hits = whole(index, "hat", apart=True).hits
        found = search_filter(index, Wanted("hat", apart=True, page=FitPage("0.5,ffff", 5))).hits
        start = [hit.person_id for hit in hits].index(found[0].person_id)
        assert [hit.person_id for hit in found] == [hit.person_id for hit in hits[start : start + 5]]
        cut = [hit.attributes["hat"] * (1 if hit.cutout is None else hit.cutout) for hit in hits]
        assert cut[start - 1] >= 0.5 > cut[start]


def test_nobody_goes_on_after_a_person_for_whom_the_filter_does_not_hold(
    indexes: tuple[PeopleIndex, PeopleIndex],
) -> None:
    hit = whole(indexes[1], "upper_color = 'red'").hits[0]
    assert place_after(indexes[1], parse_where("upper_color = 'blue'"), hit, absent=False) is None


@pytest.mark.parametrize("after", ["", "x", "0.5", "0.5,zz", "nan,0a", "0.5,0a' OR 1=1", "1e999999,0a"])
def test_a_place_that_no_answer_gave_is_refused(indexes: tuple[PeopleIndex, PeopleIndex], after: str) -> None:
    with pytest.raises(FilterError, match="no such place"):
        search_filter(indexes[1], Wanted("hat", page=FitPage(after, 5)))


def test_a_list_without_an_order_goes_on_too(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index.lance", people(120).drop_columns(["cutout"]))
    pages_of = search_filter(index, Wanted("height_px > 20", apart=True, page=FitPage("1.0,0", 50)))
    seen = [hit.person_id for hit in pages_of.hits]
    assert pages_of.order == "in no particular order"
    while pages_of.next_after is not None:
        pages_of = search_filter(
            index, Wanted("height_px > 20", apart=True, page=FitPage(pages_of.next_after, 50, len(seen)))
        )
        seen += [hit.person_id for hit in pages_of.hits]
    everybody = {hit.person_id for hit in whole(index, "height_px > 20", apart=True).hits}
    assert set(seen) == everybody
    assert len(seen) == len(everybody)
