"""Lists by a filter alone, in an order that the filter asks for: those for whom it holds most surely come
first, and of equals the clear and whole cut-outs before scraps.

A filter on attributes or colours holds to a degree: the probability, or the share of the garment that has
the colour. Facts, such as a day or a height, hold or do not; a list by facts alone is ordered by the
cut-outs. As in other answers the two are multiplied, and nobody is left out for either.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64

from par_core.query.answer import PartScore, SearchResult
from par_core.query.clear_cutouts import explain_cutouts, ranked_by_cutouts
from par_core.query.conditions import allowed_in_memory, condition_of, filter_of, sql_of
from par_core.query.hits import fold, hits_of
from par_core.query.people import People
from par_core.query.table import PeopleTable
from par_core.query.where import And, Between, Comparison, Filter, Likely, Membership, Not, Or

__all__ = ["columns_of", "degree", "filter_answer", "fit_of", "list_by_filter", "ordered_by", "same_person"]

SUREST: Final = "surest and clearest first"
CLEAREST: Final = "clearest cut-outs first"
UNORDERED: Final = "in no particular order"

_SHARES: Final = {"upper_color": "upper_color_share", "lower_color": "lower_color_share"}
_SPARE: Final = 50  # rows beyond those wanted, in the places of second outlines of one person
_SAME: Final = 0.7  # intersection over union of two boxes of one person


def list_by_filter(
    index: PeopleTable, wanted: Filter, *, absent: bool, top: int, question: str, apart: bool = False
) -> SearchResult:
    """Return the people for whom a filter holds, in the order of this file.

    Args:
        index: The table of people.
        wanted: The filter.
        absent: Also people whose file has vanished or was replaced.
        top: Largest number of hits.
        question: The question in words for people.
        apart: Show further outlines of one person by themselves.

    Raises:
        FilterError: The filter is wrong.
    """
    condition = condition_of(index, None, absent=absent, further=sql_of(index, wanted))
    columns = ordered_by(index, wanted)
    if not columns:
        people = People(index.search(None, where=condition, top=top), index.attributes)
        return filter_answer(index, wanted, people, [[row] for row in range(len(people))], question)
    ids = _best(index, wanted, absent, condition, columns, top + max(_SPARE, top // 10))
    people = _in_order(People(index.rows(ids), index.attributes), ids)
    groups = [[row] for row in range(len(people))] if apart else same_person(people.table)
    return filter_answer(index, wanted, people, groups[:top], question)


def ordered_by(index: PeopleTable, wanted: Filter) -> list[str]:
    """Return the columns that the order of a list depends on; none where it has no order."""
    return [name for name in (*columns_of(wanted, index.attributes), "cutout") if name in index.columns]


def fit_of(wanted: Filter, rows: pa.Table, attributes: Sequence[str]) -> Float64[np.ndarray, " n"]:
    """Return the value by which people are ordered, in [0, 1].

    Args:
        wanted: The filter.
        rows: Rows with the columns of ``ordered_by``.
        attributes: Names of the attribute columns.
    """
    found = degree(wanted, rows, attributes)
    return ranked_by_cutouts(np.ones(len(rows)) if found is None else found, People(rows, ()))


def filter_answer(
    index: PeopleTable,
    wanted: Filter,
    people: People,
    groups: Sequence[Sequence[int]],
    question: str,
    before: int = 0,
) -> SearchResult:
    """Return the answer of a filter.

    Args:
        index: The table of people.
        wanted: The filter.
        people: The people.
        groups: Row numbers of each hit, in the order of the list.
        question: The question in words for people.
        before: Number of hits before these.
    """
    found = degree(wanted, people.table, index.attributes)
    order = CLEAREST if found is None else SUREST
    if not ordered_by(index, wanted):
        order = UNORDERED
    return _result(index, people, groups, question, order, found, before)


def degree(
    wanted: Filter, people: pa.Table, attributes: Sequence[str], unknown: float = 0.0
) -> Float64[np.ndarray, " n"] | None:
    """Return how surely a filter holds for people, in [0, 1]; None where all that it asks are facts.

    Args:
        wanted: The filter.
        people: Rows with the columns that ``columns_of`` names.
        attributes: Names of the attribute columns.
        unknown: Result where an attribute is not known: as little as possible, within a negation as much.
    """
    match wanted:
        case And(parts) | Or(parts):
            each = [degree(part, people, attributes, unknown) for part in parts]
            known = [one for one in each if one is not None]
            if isinstance(wanted, And):
                return None if not known else np.prod(known, axis=0)
            return None if len(known) < len(each) else 1 - np.prod([1 - one for one in known], axis=0)
        case Not(inner):
            inside = degree(inner, people, attributes, 1 - unknown)
            return None if inside is None else 1 - inside
        case Likely(column) | Comparison(column, ">" | ">=", _) if column in attributes:
            return _numbers(people[column], unknown)
        case Comparison(column, "<" | "<=", _) if column in attributes:
            return 1 - _numbers(people[column], 1 - unknown)
        case Comparison(column, "=" | "!=" as operator, str() as term) if column in _SHARES:
            holds = _share(people, column, (term,))
            return holds if operator == "=" else 1 - holds
        case Membership(column, terms) if column in _SHARES:
            return _share(people, column, tuple(map(str, terms)))
        case _:
            return None


def columns_of(wanted: Filter, attributes: Sequence[str]) -> list[str]:
    """Return the columns that ``degree`` needs, each once."""
    match wanted:
        case And(parts) | Or(parts):
            names = [name for part in parts for name in columns_of(part, attributes)]
        case Not(inner):
            names = columns_of(inner, attributes)
        case Likely(column) | Comparison(column, _, _) | Membership(column, _) | Between(column, _, _):
            names = [column] if column in attributes else []
            names += [column, _SHARES[column]] if column in _SHARES else []
        case _:
            names = []
    return list(dict.fromkeys(names))


def same_person(people: pa.Table) -> list[list[int]]:
    """Group rows, best first: a further outline of somebody who is in the list joins them. Two outlines of an
    image are of one person if their boxes cover the same, that is seven tenths of both.

    Args:
        people: Rows with image and box.
    """
    boxes = np.stack([people[side].to_numpy() for side in ("x1", "y1", "x2", "y2")], axis=1)
    groups: list[list[int]] = []
    by_image: dict[str, list[list[int]]] = {}
    for row, image in enumerate(people["image_id"].to_pylist()):
        seen = by_image.setdefault(image, [])
        again = next((rows for rows in seen if _overlap(boxes[rows[0]], boxes[row]) >= _SAME), None)
        if again is not None:
            again.append(row)
        else:
            groups.append([row])
            seen.append(groups[-1])
    return groups


def _overlap(one: Float32[np.ndarray, "4"], other: Float32[np.ndarray, "4"]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    return both / max(float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - both, 1e-9)


def _best(
    index: PeopleTable,
    wanted: Filter,
    absent: bool,
    condition: str | None,
    columns: Sequence[str],
    most: int,
) -> list[str]:
    """Return the ids of the first people of the list, in its order."""
    resident = index.resident
    if resident is not None and set(columns) <= set(resident.columns.column_names):
        allowed = allowed_in_memory(
            index, resident, filter_of(None, absent=absent, further=wanted), condition
        )
        if allowed is not None:
            rows = resident.columns.select(["person_id", *columns]).take(pa.array(allowed.positions))
            return _first(index, wanted, rows, most)["person_id"].to_pylist()
    best: pa.Table | None = None
    for batch in index.scan(["person_id", *columns], condition):
        rows = pa.table(batch) if best is None else pa.concat_tables([best, pa.table(batch)])
        best = _first(index, wanted, rows, most)
    return [] if best is None else best["person_id"].to_pylist()


def _first(index: PeopleTable, wanted: Filter, rows: pa.Table, most: int) -> pa.Table:
    """Return the rows that come first, in order; those of equal rank by id."""
    ranks = fit_of(wanted, rows, index.attributes)
    chosen = np.arange(len(rows))
    if len(rows) > most:
        chosen = np.flatnonzero(ranks >= np.partition(ranks, len(rows) - most)[len(rows) - most])
    ids = np.asarray(rows["person_id"].take(pa.array(chosen)).to_pylist(), str)
    return rows.take(pa.array(chosen[np.lexsort((ids, -ranks[chosen]))][:most]))


def _numbers(column: pa.ChunkedArray, unknown: float) -> Float64[np.ndarray, " n"]:
    return np.asarray(column.cast(pa.float64()).fill_null(unknown))


def _share(people: pa.Table, column: str, terms: Sequence[str]) -> Float64[np.ndarray, " n"]:
    named = pc.is_in(people[column].cast(pa.string()), value_set=pa.array(terms, pa.string()))
    return np.where(np.asarray(named), _numbers(people[_SHARES[column]], 1.0), 0.0)


def _in_order(people: People, ids: Sequence[str]) -> People:
    places = {identity: place for place, identity in enumerate(people.ids)}
    return people.take(np.array([places[identity] for identity in ids if identity in places], np.int64))


def _result(
    index: PeopleTable,
    people: People,
    groups: Sequence[Sequence[int]],
    question: str,
    order: str,
    found: Float64[np.ndarray, " n"] | None,
    before: int,
) -> SearchResult:
    shown = np.array([row for rows in groups for row in rows], np.int64)
    places = [place for place, rows in enumerate(groups, before + 1) for _ in rows]
    people = people.take(shown)
    explained: list[tuple[PartScore, ...]] = [()] * len(people)
    if found is not None:
        explained = [(PartScore(question, True, p, 1.0, 1 - p),) for p in found[shown].tolist()]
    if order != UNORDERED:
        explained = explain_cutouts(explained, people)
    hits = hits_of(people, index.thresholds, None, None, places, explained)
    return SearchResult(question, fold(hits, groups), (), len(index), order=order)
