"""Lists in the order of capture, a page at a time. Everybody whom a filter leaves is on some page, however
many they are: a page begins after the last person of the page before (``after``), whatever was indexed
meanwhile.

Of equal times, people of one image stand together. Those whose time is not known come last.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.answer import Hit, SearchResult
from par_core.query.by_filter import same_person
from par_core.query.conditions import allowed_in_memory, condition_of, filter_of, sql_of
from par_core.query.cursors import parts_of_cursor
from par_core.query.hits import fold, hits_of
from par_core.query.people import People
from par_core.query.table import PeopleTable
from par_core.query.where import And, Comparison, Filter, IsNull, Or, moment_of
from par_core.store.lance import Moment, time_order

__all__ = ["SORTS", "Sort", "TimePage", "list_by_time", "moment_after", "page_of"]

Sort = Literal["best", "newest", "oldest"]
#: The orders of an answer; the first one is the usual one.
SORTS: Final[tuple[Sort, ...]] = ("best", "newest", "oldest")
_SPARE: Final = 100  # rows beyond the page, so that it ends with an image
_CURSOR: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?)?,([0-9a-f]{1,64}),([0-9a-f]{1,64})"
)
_KEY: Final = ("captured_at", "image_id", "person_id")


@dataclass(frozen=True, slots=True)
class TimePage:
    """A page of a list in the order of capture.

    Attributes:
        newest: Whether the newest come first, else the oldest.
        after: ``next_after`` of the page before; None is the first page.
        top: Largest number of hits, except that people of one image stay together.
        before: Number of hits on the pages before, for the ranks.
    """

    newest: bool
    after: str | None
    top: int
    before: int = 0

    @property
    def order(self) -> str:
        """The order in words."""
        return "newest first" if self.newest else "oldest first"


def moment_after(after: str) -> Moment:
    """Return the person after whom a page begins.

    Raises:
        FilterError: The text is not one that an answer gave.
    """
    parts = parts_of_cursor(_CURSOR, after)
    moment = moment_of(parts[1]) if parts[1] else None
    assert moment is None or isinstance(moment, datetime)
    return moment, parts[2], parts[3]


def list_by_time(
    index: PeopleTable,
    wanted: Filter | None,
    page: TimePage,
    *,
    absent: bool,
    question: str,
    apart: bool = False,
) -> SearchResult:
    """Return a page of the people for whom a filter holds, in the order of capture.

    Args:
        index: The table of people.
        wanted: The filter; None lists everybody.
        page: The page.
        absent: Also people whose file has vanished or was replaced.
        question: The question in words for people.
        apart: Show further outlines of one person by themselves.

    Raises:
        FilterError: The filter or the place in the list is wrong.
    """
    further = None if wanted is None else sql_of(index, wanted)
    condition = condition_of(index, None, absent=absent, further=further)
    after = None if page.after is None else moment_after(page.after)
    most = page.top + _SPARE
    found = _from_memory(index, wanted, page, absent, condition, after, most)
    people, total = _from_index(index, page, condition, after, most) if found is None else found
    cut = _end_of_page(people, page.top)
    shown, complete = people.slice(0, cut), cut == len(people) < most
    groups = [[row] for row in range(cut)] if apart else same_person(shown)
    order = [row for group in groups for row in group]
    ranks = [page.before + rank for rank, group in enumerate(groups, 1) for _ in group]
    listed = People(shown.take(pa.array(order, pa.int64())), index.attributes)
    hits = hits_of(listed, index.thresholds, None, None, ranks, [()] * cut)
    last = None if complete or not cut else tuple(shown[name][cut - 1].as_py() for name in _KEY)
    return SearchResult(
        question,
        fold(hits, groups),
        (),
        len(index),
        order=page.order,
        total=total,
        next_after=None if last is None else _cursor(*last),
    )


def page_of(result: SearchResult, page: TimePage, best: int) -> SearchResult:
    """Return a page of the hits of an answer, in the order of capture.

    Args:
        result: The answer, with at most ``best`` hits.
        page: The page.
        best: Number of hits that were asked for.
    """
    ordered = sorted(result.hits, key=_key_of, reverse=page.newest)
    ordered = sorted(ordered, key=lambda hit: hit.captured_at is None)  # stable
    start = 0
    if page.after is not None:
        moment = moment_after(page.after)
        start = sum(_comes_until(hit, moment, newest=page.newest) for hit in ordered)
    hits = tuple(
        replace(hit, rank=rank, similar=tuple(replace(one, rank=rank) for one in hit.similar))
        for rank, hit in enumerate(ordered[start : start + page.top], page.before + 1)
    )
    return replace(
        result,
        hits=hits,
        order=page.order + (f" of the {best:,} best" if len(ordered) >= best else ""),
        total=len(ordered),
        next_after=_cursor(*_moment_of_hit(hits[-1])) if start + page.top < len(ordered) else None,
    )


def _moment_of_hit(hit: Hit) -> Moment:
    return hit.captured_at, hit.image_id, hit.person_id


def _key_of(hit: Hit) -> tuple[datetime, str, str]:
    return hit.captured_at or datetime.min, hit.image_id, hit.person_id


def _comes_until(hit: Hit, after: Moment, *, newest: bool) -> bool:
    """Whether a hit comes before a moment in the list, or is that one."""
    unknown, of_after = hit.captured_at is None, after[0] is None
    if unknown != of_after:
        return of_after
    key, other = _key_of(hit), (after[0] or datetime.min, *after[1:])
    return key >= other if newest else key <= other


def _cursor(moment: datetime | None, image: str, person: str) -> str:
    return f"{'' if moment is None else moment.isoformat()},{image},{person}"


def _end_of_page(people: pa.Table, top: int) -> int:
    """Return the number of rows of a page: it ends with an image."""
    images = people["image_id"].to_pylist()
    return next((row for row in range(top, len(images)) if images[row] != images[row - 1]), len(images))


def _from_memory(
    index: PeopleTable,
    wanted: Filter | None,
    page: TimePage,
    absent: bool,
    condition: str | None,
    after: Moment | None,
    most: int,
) -> tuple[pa.Table, int] | None:
    resident = index.resident
    if resident is None:
        return None
    allowed = allowed_in_memory(index, resident, filter_of(None, absent=absent, further=wanted), condition)
    if allowed is None:
        return None
    order = time_order(resident)
    positions = order.page(resident, allowed, newest=page.newest, after=after, most=most)
    with index.unless_erased():
        return resident.whole(positions), len(allowed.positions)


def _from_index(
    index: PeopleTable, page: TimePage, condition: str | None, after: Moment | None, most: int
) -> tuple[pa.Table, int]:
    """Read keys of all people that a filter leaves, a batch at a time, and the rows of the first ones."""
    direction = "descending" if page.newest else "ascending"
    keys = [(name, direction) for name in _KEY]
    later = None if after is None else sql_of(index, _later(after, newest=page.newest))
    both = " AND ".join(part for part in (condition, later) if part is not None) or None
    first: pa.Table | None = None
    for batch in index.scan(list(_KEY), both):
        rows = pa.table(batch) if first is None else pa.concat_tables([first, pa.table(batch)])
        order = pc.sort_indices(rows, sort_keys=keys)
        first = rows.take(order[:most])
    if first is None:
        return index.rows([]), 0
    rows = index.rows(first["person_id"].to_pylist())
    order = pc.sort_indices(rows, sort_keys=keys)
    return rows.take(order), index.count(condition)


def _later(after: Moment, *, newest: bool) -> Filter:
    """Return the filter of the people who come after somebody."""
    moment, image, person = after
    beyond = "<" if newest else ">"
    ids: Filter = Or(
        (
            Comparison("image_id", beyond, image),
            And((Comparison("image_id", "=", image), Comparison("person_id", beyond, person))),
        )
    )
    if moment is None:
        return And((IsNull("captured_at"), ids))
    same = And((Comparison("captured_at", "=", moment), ids))
    return Or((Comparison("captured_at", beyond, moment), same, IsNull("captured_at")))
