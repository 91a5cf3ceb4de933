"""Further pages of a list by a filter alone, in the order of ``by_filter``, to the last person: a page begins
after the last person of the page before (``after``), by value, whatever was indexed meanwhile.

A look at all people gives the next ones of the list, for the pages to come as well. So the memory of a page
does not depend on where it is in the list.
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache
from jaxtyping import Bool, Float64

from par_core.query.answer import Hit, SearchResult
from par_core.query.by_filter import filter_answer, fit_of, ordered_by, same_person
from par_core.query.conditions import allowed_in_memory, condition_of, filter_of, sql_of
from par_core.query.cursors import parts_of_cursor
from par_core.query.people import People
from par_core.query.table import PeopleTable
from par_core.query.where import Filter
from par_core.store.lance import Allowed, ResidentPeople

__all__ = ["FitPage", "list_on", "place_after"]

_CURSOR: Final = re.compile(r"(\d(?:\.\d{1,40})?(?:e-\d{1,3})?),([0-9a-f]{1,64})")
_SPARE: Final = 50  # rows beyond those wanted, in the places of second outlines of one person
_AHEAD: Final = 10_000  # people of the list that are kept for the pages to come
_LISTS_KEPT: Final = 4  # of a version

_Place = tuple[float, str]  # value that orders the list, descending; id of the person, ascending


@dataclass(frozen=True, slots=True)
class FitPage:
    """A further page of a list by a filter alone.

    Attributes:
        after: ``next_after`` of the page before.
        top: Largest number of hits.
        before: Number of hits on the pages before, for the ranks.
    """

    after: str
    top: int
    before: int = 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The people of a list after a place.

    Attributes:
        after: The place.
        values: The values that order them, descending.
        ids: Their ids.
        last: Whether the list ends with them.
    """

    after: _Place
    values: Float64[np.ndarray, " n"]
    ids: list[str]
    last: bool

    def start(self, place: _Place) -> int | None:
        """Return where the people after a place begin; None where others may come before them."""
        if _comes_before(place, self.after) or not self.ids:
            return None
        low, high = (int(np.searchsorted(-self.values, -place[0], side)) for side in ("left", "right"))
        return low + sum(identity <= place[1] for identity in self.ids[low:high])


_kept: "WeakKeyDictionary[PeopleTable, LRUCache[tuple[object, ...], _Stretch]]" = WeakKeyDictionary()
_lock = threading.Lock()


def place_after(index: PeopleTable, wanted: Filter, hit: Hit, *, absent: bool) -> str | None:
    """Return the place after which the page after a hit begins; None if the filter does not hold for the hit.

    Args:
        index: The table of people.
        wanted: The filter.
        hit: A hit of the list.
        absent: Also people whose file has vanished or was replaced.
    """
    condition = _condition(index, wanted, absent)
    among = f"({condition}) AND " if condition else ""
    rows = index.search(None, where=f"{among}person_id = '{hit.person_id}'", top=1)
    if not len(rows):
        return None
    return _cursor((float(fit_of(wanted, rows, index.attributes)[0]), hit.person_id))


def list_on(
    index: PeopleTable, wanted: Filter, page: FitPage, *, absent: bool, question: str, apart: bool = False
) -> SearchResult:
    """Return a further page of the people for whom a filter holds.

    Args:
        index: The table of people.
        wanted: The filter.
        page: The page.
        absent: Also people whose file has vanished or was replaced.
        question: The question in words for people.
        apart: Show further outlines of one person by themselves.

    Raises:
        FilterError: The filter or the place in the list is wrong.
    """
    condition = _condition(index, wanted, absent)
    place = _place_of(page.after)
    most = page.top + _SPARE
    ids, values, last = _next_people(index, wanted, absent, condition, place, most)
    people = _of_their_images(index, wanted, absent, condition, ids)
    row_of = {identity: row for row, identity in enumerate(people.ids)}
    followers = {} if apart else _followers(index, wanted, people)
    rows = [row_of.get(identity) for identity in ids]
    shown = [place for place, row in enumerate(rows) if row is not None and (apart or row in followers)]
    end = shown[page.top - 1] + 1 if len(shown) >= page.top else len(ids)
    leaders = [row for row in rows[:end] if row is not None and (apart or row in followers)]
    groups = [[row, *followers.get(row, ())] for row in leaders]
    result = filter_answer(index, wanted, people, groups, question, page.before)
    if end == 0 or (last and end == len(ids)):
        return result
    return replace(result, next_after=_cursor((float(values[end - 1]), ids[end - 1])))


def _condition(index: PeopleTable, wanted: Filter, absent: bool) -> str | None:
    return condition_of(index, None, absent=absent, further=sql_of(index, wanted))


def _next_people(
    index: PeopleTable, wanted: Filter, absent: bool, condition: str | None, place: _Place, most: int
) -> tuple[list[str], Float64[np.ndarray, " k"], bool]:
    """Return the next people of a list with their values, and whether they are the last ones."""
    key = (wanted, condition)
    with _lock:
        stretches = _kept.setdefault(index, LRUCache(_LISTS_KEPT))
        kept = stretches.get(key)
    start = None if kept is None else kept.start(place)
    if kept is None or start is None or (start + most > len(kept.ids) and not kept.last):
        kept, start = _stretch(index, wanted, absent, condition, place, most), 0
        with _lock:
            stretches[key] = kept
    end = start + most
    return kept.ids[start:end], kept.values[start:end], kept.last and end >= len(kept.ids)


def _stretch(
    index: PeopleTable, wanted: Filter, absent: bool, condition: str | None, place: _Place, most: int
) -> _Stretch:
    ahead = max(_AHEAD, most)
    columns = ordered_by(index, wanted)
    best: pa.Table | None = None
    for rows in _all_rows(index, wanted, absent, condition, columns):
        values = fit_of(wanted, rows, index.attributes) if columns else np.ones(len(rows))
        ids = rows["person_id"]
        later = _later(values, ids, place)
        found = _first(pa.table({"value": values[later], "id": ids.filter(pa.array(later))}), ahead + 1)
        best = found if best is None else _first(pa.concat_tables([best, found]), ahead + 1)
    if best is None:
        return _Stretch(place, np.empty(0), [], True)
    shown = best.slice(0, ahead)
    return _Stretch(place, shown["value"].to_numpy(), shown["id"].to_pylist(), len(best) <= ahead)


def _all_rows(
    index: PeopleTable, wanted: Filter, absent: bool, condition: str | None, columns: list[str]
) -> Iterator[pa.Table]:
    found = _in_memory(index, wanted, absent, condition)
    if found is not None and set(columns) <= set(found[0].columns.column_names):
        resident, allowed = found
        rows = resident.columns.select(["person_id", *columns])
        everybody = len(allowed.positions) == len(resident)
        yield rows if everybody else rows.take(pa.array(allowed.positions))
        return
    for batch in index.scan(["person_id", *columns], condition):
        yield pa.table(batch)


def _in_memory(
    index: PeopleTable, wanted: Filter, absent: bool, condition: str | None
) -> tuple[ResidentPeople, Allowed] | None:
    resident = index.resident
    if resident is None:
        return None
    asked = filter_of(None, absent=absent, further=wanted)
    allowed = allowed_in_memory(index, resident, asked, condition)
    return None if allowed is None else (resident, allowed)


def _later(values: Float64[np.ndarray, " n"], ids: pa.ChunkedArray, place: _Place) -> Bool[np.ndarray, " n"]:
    """Return who comes after a place."""
    later = values < place[0]
    same = np.flatnonzero(values == place[0])
    later[same] = np.asarray(pc.greater(ids.take(pa.array(same)), place[1]))
    return later


def _first(rows: pa.Table, most: int) -> pa.Table:
    """Return the first rows of the list, in its order."""
    keys = [("value", "descending"), ("id", "ascending")]
    values = rows["value"].to_numpy()
    if len(rows) > most:
        least = np.partition(values, len(rows) - most)[len(rows) - most]
        rows = rows.filter(pa.array(values >= least))
        rows = rows.take(pc.select_k_unstable(rows, most, keys))  # of many equal ones
    return rows.take(pc.sort_indices(rows, keys))


def _of_their_images(
    index: PeopleTable, wanted: Filter, absent: bool, condition: str | None, ids: list[str]
) -> People:
    """Return some people, and everybody else of their images for whom the filter holds."""
    if not ids:
        return People(index.rows([]), index.attributes)
    found = _in_memory(index, wanted, absent, condition)
    if found is not None:
        resident, allowed = found
        among = pc.is_in(resident.columns["person_id"], value_set=pa.array(ids))
        numbers = resident.image_numbers
        images = np.unique(numbers[np.asarray(among)])
        positions = allowed.positions[np.isin(numbers[allowed.positions], images)]
        with index.unless_erased():
            return People(resident.whole(positions), index.attributes)
    named = ", ".join(f"'{image}'" for image in sorted(set(index.rows(ids)["image_id"].to_pylist())))
    where = f"({condition}) AND image_id IN ({named})" if condition else f"image_id IN ({named})"
    return People(index.search(None, where=where, top=max(index.count(where), 1)), index.attributes)


def _followers(index: PeopleTable, wanted: Filter, people: People) -> dict[int, list[int]]:
    """Return the rows that are hits, and the further outlines of the same person behind each."""
    values = fit_of(wanted, people.table, index.attributes)
    order = np.lexsort((np.array(people.ids, str), -values))
    groups = same_person(people.take(order).table)
    return {int(order[rows[0]]): [int(order[row]) for row in rows[1:]] for rows in groups}


def _comes_before(place: _Place, other: _Place) -> bool:
    return (-place[0], place[1]) < (-other[0], other[1])


def _place_of(after: str) -> _Place:
    parts = parts_of_cursor(_CURSOR, after)
    return float(parts[1]), parts[2]


def _cursor(place: _Place) -> str:
    return f"{place[0]!r},{place[1]}"
