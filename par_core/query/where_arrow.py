"""Filters on columns in memory: the same rows as their SQL keeps, found with Arrow.

As in SQL, a comparison with a value that is not known is neither true nor false.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from par_core.query.where import (
    AmongPeople,
    And,
    Between,
    Comparison,
    Filter,
    IsNull,
    Membership,
    Not,
    Or,
    Place,
    Value,
)
from par_core.query.where_sql import decided, forms_of, whole_day

__all__ = ["rows_kept"]

_COMPARED = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


class _NotInMemoryError(Exception):
    """The filter needs a column, or an operator, that only LanceDB has."""


InPlaces = Callable[[Sequence[str]], Bool[np.ndarray, " n"]]


def rows_kept(
    wanted: Filter, columns: pa.Table, thresholds: Mapping[str, float], in_places: InPlaces | None = None
) -> Bool[np.ndarray, " n"] | None:
    """Return which of n rows a filter keeps; None if that cannot be told from the columns.

    Args:
        wanted: A filter that ``par_core.query.where_sql`` accepts for the whole table.
        columns: Some columns of the table, each in one chunk; texts as dictionaries.
        thresholds: The probability from which an attribute counts as seen.
        in_places: Returns whether any place of each row holds one of some texts; None if that is not known.
    """
    try:
        kept = _truth(decided(wanted, thresholds), columns, in_places)
    except _NotInMemoryError:
        return None
    return np.asarray(pc.fill_null(kept, False))


def _truth(node: Filter, columns: pa.Table, in_places: InPlaces | None) -> pa.Array:
    match node:
        case And(parts) | Or(parts):
            join = pc.and_kleene if isinstance(node, And) else pc.or_kleene
            return reduce(join, [_truth(part, columns, in_places) for part in parts])
        case Not(inner):
            return pc.invert(_truth(inner, columns, in_places))
        case Place(text) if in_places is not None:
            return pa.array(in_places(forms_of(text)))
        case AmongPeople(ids):
            return pc.is_in(_column("person_id", columns), value_set=pa.array(ids, pa.string()))
        case IsNull(column):
            return pc.is_null(_column(column, columns))
        case Comparison(column, operator, date() as day) if _is_day(day):
            return _truth(whole_day(column, operator, day), columns, None)
        case Comparison(column, operator, value) if operator in _COMPARED:
            return _compared(_column(column, columns), operator, value)
        case Membership(column, values):
            return reduce(
                pc.or_kleene, [_truth(Comparison(column, "=", value), columns, None) for value in values]
            )
        case Between(column, low, high) if not (_is_day(low) or _is_day(high)):
            above, below = Comparison(column, ">=", low), Comparison(column, "<=", high)
            return pc.and_kleene(_truth(above, columns, None), _truth(below, columns, None))
        case _:
            raise _NotInMemoryError


def _is_day(value: Value) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _column(name: str, columns: pa.Table) -> pa.Array:
    if name not in columns.column_names:
        raise _NotInMemoryError
    return columns[name].chunk(0)


def _compared(column: pa.Array, operator: str, value: Value) -> pa.Array:
    compare = _COMPARED[operator]
    if isinstance(column, pa.DictionaryArray):  # each term once, not each row
        return compare(column.dictionary, pa.scalar(value)).take(column.indices)
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float64())
    return compare(column, pa.scalar(value))
