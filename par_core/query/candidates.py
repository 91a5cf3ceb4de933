"""Candidates for the hits: for each alternative of a question, the people nearest by embedding, or likeliest
by attributes, among those it can hold for.

They come from memory if the index was read into it and the conditions can be told there, and else from
LanceDB; both find the same people, up to those that an approximate search misses.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64, Int32, Int64

from par_core.models.named_evidence import probability_of
from par_core.query.conditions import allowed_in_memory, condition_of, filter_of, sql_of
from par_core.query.people import People
from par_core.query.plan import Alternative
from par_core.query.table import PeopleTable, Scanned
from par_core.store.lance import POSITION, Allowed, ResidentPeople

__all__ = ["best_by_attributes", "find_candidates"]

_ALL_UP_TO: Final = 5_000  # people: smaller indexes are judged whole
_CANDIDATES: Final = 300  # at least, of each alternative
_PER_HIT: Final = 5  # candidates for each hit that is wanted
_BOUNDS: Final = (0.99, 0.95, 0.85, 0.6)  # tried in turn
_LOOSE: Final = 1e-6


def find_candidates(
    index: PeopleTable, alternatives: Sequence[Alternative], *, where: str | None, absent: bool, top: int
) -> People:
    """Return all people who may be among the hits, each once.

    Args:
        index: The table of people.
        alternatives: The ways to satisfy the question; each is searched for by itself.
        where: A filter in the language of ``par_core.query.where``, or None.
        absent: Also people whose file has vanished or was replaced.
        top: Number of hits wanted.

    Raises:
        FilterError: The filter is wrong.
        IndexChangedError: The index was erased meanwhile.
    """
    most = len(index) if len(index) <= _ALL_UP_TO else max(_CANDIDATES, _PER_HIT * top)
    conditions = [_condition(index, alternative, where, absent) for alternative in alternatives]
    if index.resident is not None:
        allowed = [
            allowed_in_memory(
                index, index.resident, filter_of(where, absent=absent, further=alternative.condition), sql
            )
            for alternative, sql in zip(alternatives, conditions, strict=True)
        ]
        told = [one for one in allowed if one is not None]
        if len(told) == len(allowed) and all(
            one.direction is not None or one.ranked_by for one in alternatives
        ):
            with index.unless_erased():
                return _from_memory(index, index.resident, alternatives, told, most)
    return _from_index(index, alternatives, conditions, most)


def best_by_attributes(index: Scanned, alternative: Alternative, where: str | None, most: int) -> list[str]:
    """Return the ids of the people with the greatest product of probabilities.

    A product reaches a bound only if every factor does. So the people whose factors all reach a high bound
    are read first; if enough of them have a product above it, no other person can be among the best. A rare
    attribute of a million people is answered from a few thousand rows.
    """
    for bound in (*_BOUNDS, 0.0):
        limits = [
            f"(`{named.name}` {'>=' if named.wanted else '<='} {_factor(named.wanted, bound, weight)!r})"
            for named, weight in alternative.ranked_by
        ]
        condition = " AND ".join([*([where] if where else []), *(limits if bound else [])]) or None
        ids, products = _greatest_products(index, alternative, condition, most)
        if int((products >= bound).sum()) >= most:
            break
    return ids


def _condition(index: PeopleTable, alternative: Alternative, where: str | None, absent: bool) -> str | None:
    further = None if alternative.condition is None else sql_of(index, alternative.condition)
    return condition_of(index, where, absent=absent, further=further)


def _from_memory(
    index: PeopleTable,
    resident: ResidentPeople,
    alternatives: Sequence[Alternative],
    allowed: Sequence[Allowed],
    most: int,
) -> People:
    found: list[Int32[np.ndarray, " n"]] = []
    vectors: Float32[np.ndarray, "n d"] | None = None
    for alternative, those in zip(alternatives, allowed, strict=True):
        if alternative.direction is not None:
            positions, vectors = resident.nearest(alternative.direction, those, most)
        else:
            positions, vectors = _best_in_memory(resident, alternative, those, most), None
        found.append(positions)
    if len(found) > 1:
        together = np.concatenate(found)
        positions, vectors = together[np.sort(np.unique(together, return_index=True)[1])], None

    def whole(rows: pa.Table) -> pa.Table:
        with index.unless_erased():
            return resident.whole(rows[POSITION].to_numpy())

    return People(resident.rows(positions, vectors), index.attributes, whole)


def _best_in_memory(
    resident: ResidentPeople, alternative: Alternative, allowed: Allowed, most: int
) -> Int32[np.ndarray, " k"]:
    """Return the positions of the people with the greatest product of probabilities."""
    names = {named.name for named, _ in alternative.ranked_by}
    known = {name: np.asarray(resident.columns[name])[allowed.positions] for name in names}
    total = _log_products(alternative, known, len(allowed.positions))
    return allowed.positions[_greatest(total, most)]


def _from_index(
    index: PeopleTable, alternatives: Sequence[Alternative], conditions: Sequence[str | None], most: int
) -> People:
    tables = []
    for alternative, condition in zip(alternatives, conditions, strict=True):
        if alternative.direction is not None:
            nearest = index.search(alternative.direction, where=condition, top=most)
            tables.append(nearest.drop_columns(["_distance"]))
        elif alternative.ranked_by:
            tables.append(index.rows(best_by_attributes(index, alternative, condition, most)))
        else:
            tables.append(index.search(None, where=condition, top=most))
    table = pa.concat_tables(tables)
    if len(tables) > 1:
        _, first = np.unique(np.array(table["person_id"].to_pylist(), object), return_index=True)
        table = table.take(pa.array(np.sort(first)))
    return People(table, index.attributes)


def _factor(wanted: bool, bound: float, weight: float) -> float:
    """Return the probability that a factor must reach (or, of the opposite, not exceed) for a product to
    reach a bound; a little loose, as columns have 32 bits.
    """
    least = bound ** (1 / weight) - _LOOSE
    return least if wanted else 1 - least


def _greatest_products(
    index: Scanned, alternative: Alternative, where: str | None, most: int
) -> tuple[list[str], Float64[np.ndarray, " n"]]:
    names = sorted({named.name for named, _ in alternative.ranked_by})
    ids: np.ndarray = np.empty(0, object)
    scores = np.empty(0)
    for batch in index.scan(["person_id", *names], where):
        known = {name: batch[name].to_numpy(zero_copy_only=False) for name in names}
        total = _log_products(alternative, known, len(batch))
        ids, scores = (
            np.concatenate([ids, batch["person_id"].to_numpy(zero_copy_only=False)]),
            np.concatenate([scores, total]),
        )
        best = _greatest(scores, most)
        ids, scores = ids[best], scores[best]
    return [str(identity) for identity in ids], np.exp(scores)


def _log_products(
    alternative: Alternative, known: Mapping[str, np.ndarray], n: int
) -> Float64[np.ndarray, " n"]:
    return sum(
        (weight * np.log(probability_of(named, known)) for named, weight in alternative.ranked_by),
        np.zeros(n),
    )


def _greatest(scores: Float64[np.ndarray, " n"], most: int) -> Int64[np.ndarray, " k"]:
    return np.arange(len(scores)) if len(scores) <= most else np.argpartition(-scores, most)[:most]
