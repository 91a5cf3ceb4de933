"""Filters: a small language over the columns of the index, parsed, checked and compiled to SQL.

    female >= 0.5 and upper_color in ('red', 'pink') and not hat
    captured_at >= 2026-11-01 and height_px between 100 and 400 and uri like '%gate-3%'

The text is parsed to a tree of values; columns and types are checked against the table; only then is SQL written, with names quoted and
literals escaped. Nothing of the text reaches SQL in any other way. An attribute alone means that its probability reaches the threshold
that was chosen for it on validation people; a day without a time is the whole day.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal

import pyarrow as pa
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from par_core.errors import FilterError

__all__ = ["And", "Between", "Comparison", "Filter", "IsNull", "Likely", "Membership", "Not", "Or", "compile_where", "parse_where"]

_LONGEST: Final = 2_000  # characters
_MOST_NESTING: Final = 50  # parentheses and negations, counted before parsing
_DEEPEST: Final = 12  # levels; LanceDB 0.40 refuses 24 negations and hangs on 48

_GRAMMAR: Final = r"""
    ?start: disjunction
    ?disjunction: conjunction ("or"i conjunction)*          -> any_of
    ?conjunction: negation ("and"i negation)*               -> all_of
    ?negation: "not"i negation                              -> negated
             | "(" disjunction ")"
             | test
    ?test: NAME COMPARISON literal                          -> comparison
         | NAME "in"i "(" literal ("," literal)* ")"        -> member
         | NAME "not"i "in"i "(" literal ("," literal)* ")" -> no_member
         | NAME "between"i literal "and"i literal           -> between
         | NAME "like"i literal                             -> like
         | NAME "not"i "like"i literal                      -> not_like
         | NAME "is"i "null"i                               -> null
         | NAME "is"i "not"i "null"i                        -> not_null
         | NAME                                             -> likely
    literal: STRING -> text | DATE -> date | NUMBER -> number

    COMPARISON: "<=" | ">=" | "!=" | "=" | "<" | ">"
    DATE.3: /\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?/
    NUMBER.2: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
    STRING: /'(?:[^']|'')*'/ | /"(?:[^"]|"")*"/
    NAME: /(?!(?:and|or|not|in|between|like|is|null)\b)[a-z_][a-z0-9_]*/i
    %ignore /\s+/
"""

Value = str | float | date  # a datetime is a moment, a date without a time a whole day
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``column operator value``; the operator is one of = != < <= > >= like contains (of a text, taken literally)."""

    column: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """``column in (values)``."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """``low <= column <= high``."""

    column: str
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column is null``."""

    column: str


@dataclass(frozen=True, slots=True)
class Likely:
    """The probability of an attribute reaches its threshold."""

    column: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown (a null) stays unknown, as in SQL."""

    inner: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """All of several."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of several."""

    parts: tuple["Filter", ...]


Filter = Comparison | Membership | Between | IsNull | Likely | Not | And | Or


def compile_where(wanted: str | Filter, columns: Mapping[str, pa.DataType], thresholds: Mapping[str, float]) -> str:
    """SQL for a filter, ready for LanceDB.

    Args:
        wanted: The filter, as text or parsed.
        columns: What may be named, and the types.
        thresholds: From which probability on an attribute counts as seen; one half for a number that is not among them.

    Raises:
        FilterError: A text does not parse (with the place), names an unknown column (with near ones), or compares
            what cannot be compared.
    """
    return _sql(_decided(parse_where(wanted) if isinstance(wanted, str) else wanted, thresholds), columns)


def parse_where(text: str) -> Filter:
    """Parse a filter.

    Raises:
        FilterError: With the place.
    """
    if len(text) > _LONGEST:
        raise FilterError(f"a filter of {len(text)} characters; {_LONGEST} are allowed")
    if text.count("(") > _MOST_NESTING or text.lower().split().count("not") > _MOST_NESTING:
        raise FilterError(f"a filter with more than {_MOST_NESTING} parentheses or negations")
    try:
        parsed: Filter = _Build().transform(_parser().parse(text))
    except UnexpectedInput as error:
        column = len(text) if error.column in (-1, None) else error.column - 1
        raise FilterError(f"the filter does not make sense here:\n  {text}\n  {' ' * column}^") from error
    except VisitError as error:
        raise FilterError(str(error.orig_exc)) from error
    if _depth(parsed) > _DEEPEST:
        raise FilterError(f"a filter nested more than {_DEEPEST} levels deep")
    return parsed


def _depth(node: Filter) -> int:
    match node:
        case And(parts) | Or(parts):
            return 1 + max(_depth(part) for part in parts)
        case Not(inner):
            return 1 + _depth(inner)
        case _:
            return 1


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


class _Build(Transformer[Token, Filter]):
    """Turns lark's tree into values."""

    def any_of(self, parts: list[Filter]) -> Filter:
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, parts: list[Filter]) -> Filter:
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negated(self, parts: list[Filter]) -> Filter:
        return Not(parts[0])

    def comparison(self, parts: list[Any]) -> Filter:
        return Comparison(str(parts[0]), str(parts[1]), parts[2])

    def member(self, parts: list[Any]) -> Filter:
        return Membership(str(parts[0]), tuple(parts[1:]))

    def no_member(self, parts: list[Any]) -> Filter:
        return Not(self.member(parts))

    def between(self, parts: list[Any]) -> Filter:
        return Between(str(parts[0]), parts[1], parts[2])

    def like(self, parts: list[Any]) -> Filter:
        return Comparison(str(parts[0]), "like", parts[1])

    def not_like(self, parts: list[Any]) -> Filter:
        return Not(self.like(parts))

    def null(self, parts: list[Any]) -> Filter:
        return IsNull(str(parts[0]))

    def not_null(self, parts: list[Any]) -> Filter:
        return Not(self.null(parts))

    def likely(self, parts: list[Any]) -> Filter:
        return Likely(str(parts[0]))

    def text(self, parts: list[Token]) -> str:
        quote = parts[0][0]
        return str(parts[0][1:-1].replace(quote * 2, quote))

    def number(self, parts: list[Token]) -> float:
        return float(parts[0])

    def date(self, parts: list[Token]) -> "date":
        text = str(parts[0])
        try:
            day = datetime.fromisoformat(text)
            day + _DAY  # the last day of the calendar has no end
            return day.date() if len(text) == len("2026-11-24") else day
        except (ValueError, OverflowError) as error:
            raise FilterError(f"no such date: {parts[0]}") from error


def _decided(node: Filter, thresholds: Mapping[str, float]) -> Filter:
    """The same without ``Likely``."""
    match node:
        case Likely(column):
            return Comparison(column, ">=", thresholds.get(column, 0.5))
        case Not(inner):
            return Not(_decided(inner, thresholds))
        case And(parts) | Or(parts):
            return type(node)(tuple(_decided(part, thresholds) for part in parts))
        case _:
            return node


def _sql(node: Filter, columns: Mapping[str, pa.DataType]) -> str:
    match node:
        case And(parts) | Or(parts):
            joined = (" AND " if isinstance(node, And) else " OR ").join(_sql(part, columns) for part in parts)
            return f"({joined})"
        case Not(inner):
            return f"(NOT {_sql(inner, columns)})"
        case Likely():
            raise AssertionError("a filter must be decided before it becomes SQL")
        case IsNull(column):
            _kind(column, columns)
            return f"({_name(column)} IS NULL)"
        case Comparison(column, operator, date() as day) if not isinstance(day, datetime):
            return _sql(_whole_day(column, operator, day), columns)
        case Membership(column, values) if any(_is_day(value) for value in values):
            return _sql(Or(tuple(Comparison(column, "=", value) for value in values)), columns)
        case Between(column, low, high) if _is_day(low) or _is_day(high):
            return _sql(And((Comparison(column, ">=", low), Comparison(column, "<=", high))), columns)
        case Comparison(column, operator, value):
            if operator == "like" and _kind(column, columns) != "text":
                raise FilterError(f"{column} holds no text, so 'like' cannot be asked of it")
            if operator == "contains":
                return f"contains({_name(column)}, {_literal(column, value, columns)})"
            return f"({_name(column)} {operator.upper()} {_literal(column, value, columns)})"
        case Membership(column, values):
            return f"({_name(column)} IN ({', '.join(_literal(column, value, columns) for value in values)}))"
        case Between(column, low, high):
            return f"({_name(column)} >= {_literal(column, low, columns)} AND {_name(column)} <= {_literal(column, high, columns)})"


def _is_day(value: Value) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _whole_day(column: str, operator: str, day: date) -> Filter:
    """A comparison with a day, as comparisons with its first moment and with the next day's."""
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
    return f"`{column}`"  # a NAME of the grammar, found among the columns: no quote can be in it


def _literal(column: str, value: Value, columns: Mapping[str, pa.DataType]) -> str:
    kind = _kind(column, columns)
    given = "text" if isinstance(value, str) else "time" if isinstance(value, datetime) else "number"
    if kind != given:
        example = {"text": "a text in quotes, such as 'red'", "number": "a number, such as 0.5", "time": "a date, such as 2026-11-24 or 2026-11-24T18:30"}[kind]
        raise FilterError(f"{column} must be compared with {example}, got {value!r}")
    if isinstance(value, str):
        if "\0" in value:
            raise FilterError("a text in a filter cannot hold a NUL character")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise FilterError("a text in a filter must be valid UTF-8") from error
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ', timespec='microseconds')}'"
    if value != value or value in (float("inf"), float("-inf")):
        raise FilterError(f"{column} cannot be compared with {value}")
    if isinstance(value, float) and pa.types.is_integer(columns[column]):  # LanceDB takes no 1000.0 for an integer column
        limit = 2.0 ** (columns[column].bit_width - 1)
        if not value.is_integer() or not -limit <= value < limit:
            raise FilterError(f"{column} must be compared with a whole number of {columns[column].bit_width} bits, got {value!r}")
        return repr(int(value))
    return repr(value)
