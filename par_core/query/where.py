"""Filters: a small language over the columns of the index, parsed to a tree of values.

    female >= 0.5 and upper_color in ('red', 'pink') and not hat
    captured_at >= 2026-11-01 and height_px between 100 and 400 and uri like '%gate-3%'

An attribute alone means that its probability reaches the threshold that was chosen for it on validation
people; a day without a time is the whole day. ``par_core.query.where_sql`` checks the tree against the table
and turns it into SQL.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from par_core.errors import FilterError

__all__ = [
    "AmongPeople",
    "And",
    "Between",
    "Comparison",
    "Filter",
    "IsNull",
    "Likely",
    "Membership",
    "Not",
    "Or",
    "Place",
    "Value",
    "moment_of",
    "parse_where",
]

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
    DATE.3: /\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(\s?Z|\s?[+-]\d{2}(:?\d{2})?)?)?/i
    NUMBER.2: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
    STRING: /'(?:[^']|'')*'/ | /"(?:[^"]|"")*"/
    NAME: /(?!(?:and|or|not|in|between|like|is|null)\b)[a-z_][a-z0-9_]*/i
    %ignore /\s+/
"""

Value = str | float | date  # a datetime is a moment, a date without a time a whole day


@dataclass(frozen=True, slots=True)
class Comparison:
    """``column operator value``; the operator is one of = != < <= > >= like."""

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
class Place:
    """At least one place of the image contains a text, matched literally."""

    text: str


@dataclass(frozen=True, slots=True)
class AmongPeople:
    """The person has one of some ids, sorted; ``par_core.query.tagged`` writes it in place of tags."""

    ids: tuple[str, ...]


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


Filter = Comparison | Membership | Between | IsNull | Likely | Place | AmongPeople | Not | And | Or


def parse_where(text: str) -> Filter:
    """Parse a filter.

    Raises:
        FilterError: It does not make sense; the message shows where.
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


def moment_of(text: str) -> date:
    """Return a day, or a moment on the clock of the camera, as filters and fields write it.

    Raises:
        FilterError: There is no such date, or it has a zone: cameras write none, so that nothing could be
            converted to.
    """
    try:
        moment = (
            datetime.fromisoformat(text) if ":" in text or "T" in text.upper() else date.fromisoformat(text)
        )
        moment + timedelta(days=1)  # the last day of the calendar has no end
    except (ValueError, OverflowError) as error:
        raise FilterError(f"no such date: {text!r}; write 2026-11-24 or 2026-11-24T18:30") from error
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        raise FilterError(
            f"{text!r} has a zone; times are those of the camera's own clock: write them without"
        )
    return moment


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
    """Turns the tree of lark into filters."""

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
        return moment_of(str(parts[0]))
