"""Filters as SQL: a tree is checked against the columns of a table, and only then written, with names quoted
and literals escaped.

No text of a filter reaches SQL in any other way.
"""

import difflib
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal

import pyarrow as pa

from par_core.errors import FilterError
from par_core.query.where import (
    AmongPeople,
    And,
    Between,
    Comparison,
    Filter,
    IsNull,
    Likely,
    Membership,
    Not,
    Or,
    Place,
    Value,
    parse_where,
)

__all__ = ["compile_where", "decided", "forms_of", "places_ignoring_case", "whole_day"]

_DAY: Final = timedelta(days=1)
_LATER: Final = ("cutout", "sharpness")  # columns that an index of an earlier version lacks


def compile_where(
    wanted: str | Filter, columns: Mapping[str, pa.DataType], thresholds: Mapping[str, float]
) -> str:
    """Return the SQL of a filter, ready for LanceDB.

    Args:
        wanted: The filter, as text or parsed.
        columns: Types of the columns that may be named, by name.
        thresholds: The probability from which an attribute counts as seen; 0.5 for a number column without
            one.

    Raises:
        FilterError: A text does not parse (with the place), names an unknown column (with near ones), or
            compares values of different kinds.
    """
    return _sql(decided(parse_where(wanted) if isinstance(wanted, str) else wanted, thresholds), columns)


def decided(node: Filter, thresholds: Mapping[str, float]) -> Filter:
    """Return the filter with each ``Likely`` replaced by a comparison."""
    match node:
        case Likely(column):
            return Comparison(column, ">=", thresholds.get(column, 0.5))
        case Not(inner):
            return Not(decided(inner, thresholds))
        case And(parts) | Or(parts):
            return type(node)(tuple(decided(part, thresholds) for part in parts))
        case _:
            return node


def _sql(node: Filter, columns: Mapping[str, pa.DataType]) -> str:
    match node:
        case And(parts) | Or(parts):
            joined = (" AND " if isinstance(node, And) else " OR ").join(
                _sql(part, columns) for part in parts
            )
            return f"({joined})"
        case Not(inner):
            return f"(NOT {_sql(inner, columns)})"
        case Likely():
            raise AssertionError("a filter must be decided before it becomes SQL")
        case Place(text):
            # no text holds the character between two places
            places = "contains(array_to_string(`uris`, chr(0)), "
            return f"({' OR '.join(f'{places}{_text(form)})' for form in forms_of(text))})"
        case AmongPeople(ids):
            names = ", ".join(_text(identity) for identity in ids)
            return f"(`person_id` IN ({names}))" if ids else "(1 = 0)"
        case IsNull(column):
            _kind(column, columns)
            return f"({_name(column)} IS NULL)"
        case Comparison(column, operator, date() as day) if not isinstance(day, datetime):
            return _sql(whole_day(column, operator, day), columns)
        case Membership(column, values) if any(_is_day(value) for value in values):
            return _sql(Or(tuple(Comparison(column, "=", value) for value in values)), columns)
        case Between(column, low, high) if _is_day(low) or _is_day(high):
            return _sql(And((Comparison(column, ">=", low), Comparison(column, "<=", high))), columns)
        case Comparison("uri", "=" | "!=" | "like" as operator, str() as value) if len(forms_of(value)) > 1:
            plain = "=" if operator == "!=" else operator
            found = " OR ".join(f"(`uri` {plain.upper()} {_text(form)})" for form in forms_of(value))
            return f"(NOT ({found}))" if operator == "!=" else f"({found})"
        case Membership("uri", values) if any(len(forms_of(str(value))) > 1 for value in values):
            return _sql(Or(tuple(Comparison("uri", "=", value) for value in values)), columns)
        case Comparison(column, operator, value):
            if operator == "like" and _kind(column, columns) != "text":
                raise FilterError(f"{column} holds no text, so 'like' cannot be asked of it")
            return f"({_name(column)} {operator.upper()} {_literal(column, value, columns)})"
        case Membership(column, values):
            return f"({_name(column)} IN ({', '.join(_literal(column, value, columns) for value in values)}))"
        case Between(column, low, high):
            return (
                f"({_name(column)} >= {_literal(column, low, columns)} AND {_name(column)} <="
                f" {_literal(column, high, columns)})"
            )


def places_ignoring_case(text: str) -> str:
    """Return the SQL of a text in any place of a person's file, whatever its case."""
    forms = [
        f"contains(lower(array_to_string(`uris`, chr(0))), {_text(form.lower())})" for form in forms_of(text)
    ]
    return f"({' OR '.join(forms)})"


def forms_of(text: str) -> tuple[str, ...]:
    """Return a name as typed, composed and decomposed: a Mac takes letters such as ü apart in file names."""
    return tuple(dict.fromkeys([text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]))


def _is_day(value: Value) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def whole_day(column: str, operator: str, day: date) -> Filter:
    """Return a comparison with a day as comparisons with its first moment and with the next day's."""
    start = datetime(day.year, day.month, day.day)
    match operator:
        case "=" | "!=":
            inside = And((Comparison(column, ">=", start), Comparison(column, "<", start + _DAY)))
            return inside if operator == "=" else Not(inside)
        case "<=" | ">":
            return Comparison(column, "<" if operator == "<=" else ">=", start + _DAY)
        case _:
            return Comparison(column, operator, start)


def _kind(column: str, columns: Mapping[str, pa.DataType]) -> Literal["text", "number", "time"]:
    if column not in columns and column in _LATER:
        raise FilterError(
            f"this index has no {column} yet: an earlier version of PAR wrote it; par index adds the column,"
            " and no model looks at a picture again for it"
        )
    if column not in columns:
        near = difflib.get_close_matches(column, columns, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(columns))}"
        raise FilterError(f"no column {column!r}; {hint}")
    kind = columns[column]
    if pa.types.is_string(kind):
        return "text"
    if pa.types.is_timestamp(kind):
        return "time"
    return "number"


def _name(column: str) -> str:
    return f"`{column}`"  # a NAME of the grammar, checked against the columns: it holds no quote


def _literal(column: str, value: Value, columns: Mapping[str, pa.DataType]) -> str:
    kind = _kind(column, columns)
    value_kind = "text" if isinstance(value, str) else "time" if isinstance(value, datetime) else "number"
    if kind != value_kind:
        example = {
            "text": "a text in quotes, such as 'red'",
            "number": "a number, such as 0.5",
            "time": "a date, such as 2026-11-24 or 2026-11-24T18:30",
        }[kind]
        raise FilterError(f"{column} must be compared with {example}, got {value!r}")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ', timespec='microseconds')}'"
    if value != value or value in (float("inf"), float("-inf")):
        raise FilterError(f"{column} cannot be compared with {value}")
    # LanceDB takes no 1000.0 for an integer column
    if isinstance(value, float) and pa.types.is_integer(columns[column]):
        limit = 2.0 ** (columns[column].bit_width - 1)
        if not value.is_integer() or not -limit <= value < limit:
            raise FilterError(
                f"{column} must be compared with a whole number of {columns[column].bit_width} bits, got"
                f" {value!r}"
            )
        return repr(int(value))
    return repr(value)


def _text(value: str) -> str:
    if "\0" in value:
        raise FilterError("a text in a filter cannot hold a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FilterError("a text in a filter must be valid UTF-8") from error
    return "'" + value.replace("'", "''") + "'"
