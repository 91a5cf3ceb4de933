"""Editing a query by clicks: filters and "more like this" add parts to its text or remove them, so that a
link holds the whole query.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlencode

from par_core.query.by_time import Sort

__all__ = [
    "Chip",
    "PageQuery",
    "chips",
    "chosen",
    "narrowed",
    "set_field",
    "toggled",
    "value_of",
    "without",
    "without_fields",
    "words_of",
]

_TOKEN: Final = re.compile(
    r'"[^"]*"?|[()]|(?P<minus>-?)(?P<name>[A-Za-z_]+):(?P<value>"[^"]*"|[^\s()"]+)|[^\s()"]+'
)
_JOINING: Final = re.compile(r"(?:^|\s)(?:(?:AND|NOT)\s*)+$")
_PLAIN: Final = re.compile(r'[^\s()"]+')


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The query of a page, with filter and options.

    Attributes:
        q: Text in the query language; may be empty.
        where: A filter; may be empty.
        absent: Also people whose file has vanished or was replaced.
        weak: Also hits below the cutoff.
        sort: ``best``, ``newest`` or ``oldest``.
    """

    q: str = ""
    where: str = ""
    absent: bool = False
    weak: bool = False
    sort: Sort = "best"

    def __bool__(self) -> bool:
        """Whether there is a list to show: without question and filter, everybody in the order of capture."""
        return bool(self.q or self.where or self.sort != "best")

    def url(self, path: str = "/", **more: str | int) -> str:
        """Return the address of the query."""
        flags = {name: "true" if getattr(self, name) else "" for name in ("absent", "weak")}
        sort = "" if self.sort == "best" else self.sort
        parameters = {"q": self.q, "where": self.where, **flags, "sort": sort, **more}
        encoded = urlencode({name: value for name, value in parameters.items() if value != ""})
        return f"{path}?{encoded}" if encoded else path

    def with_text(self, q: str) -> "PageQuery":
        """Return the same with another text."""
        return replace(self, q=q)

    @property
    def browses(self) -> bool:
        """Whether nothing is asked but everybody in the order of capture."""
        return not (self.q or self.where) and self.sort != "best"

    def at_all_times(self) -> "PageQuery":
        """Return the same without the fields of time."""
        return replace(self, q=without_fields(self.q, "on", "since", "until"))

    def sorted_by(self, sort: Sort) -> "PageQuery":
        """Return the same in another order."""
        return replace(self, sort=sort)

    def unfiltered(self) -> "PageQuery":
        """Return the same without the filter."""
        return replace(self, where="")

    def inverted(self, flag: Literal["absent", "weak"]) -> "PageQuery":
        """Return the same with one flag inverted."""
        return (
            replace(self, absent=not self.absent) if flag == "absent" else replace(self, weak=not self.weak)
        )


@dataclass(frozen=True, slots=True)
class Chip:
    """A field of a query, shown and removed on its own.

    Attributes:
        text: The field as written, with ``NOT`` where it is negated.
        name: Name of the field, in lower case.
        value: Value without quotes.
        rest: The query without the field.
    """

    text: str
    name: str
    value: str
    rest: str


@dataclass(frozen=True, slots=True)
class _Field:
    start: int
    end: int
    name: str
    value: str
    negated: bool


def chips(q: str) -> list[Chip]:
    """Return the fields that hold for the whole query: none where parts are joined by OR, because a field
    then holds for one alternative only.
    """
    return [
        Chip(
            ("NOT " if field.negated else "") + f"{field.name}:{field.value}",
            field.name,
            field.value,
            _cut(q, field),
        )
        for field in _fields(q)
    ]


def chosen(q: str, name: str) -> frozenset[str]:
    """Return the values of a field, or none where the query does not have it."""
    return frozenset(
        value
        for field in _fields(q)
        if field.name == name and not field.negated
        for value in field.value.lower().split(",")
    )


def value_of(q: str, name: str) -> str:
    """Return the value of a field, or an empty text where the query does not have it."""
    return next((field.value for field in _fields(q) if field.name == name and not field.negated), "")


def narrowed(q: str, part: str) -> str:
    """Return the query with a further part that must hold too."""
    if not q.strip():
        return part
    if any(f"{field.name}:{field.value}" == part and not field.negated for field in _fields(q)):
        return q
    return f"({q.strip()}) {part}" if _has_or(q) else f"{q.strip()} {part}"


def toggled(q: str, name: str, value: str) -> str:
    """Return the query with one more value of a field that takes several (``upper:red,pink``), or without the
    value where the field has it.
    """
    for field in _fields(q):
        if field.name == name and not field.negated:
            values = field.value.lower().split(",")
            values = [other for other in values if other != value] if value in values else [*values, value]
            return (
                q[: field.start] + f"{name}:{','.join(values)}" + q[field.end :] if values else _cut(q, field)
            )
    return narrowed(q, f"{name}:{value}")


def set_field(q: str, name: str, value: str) -> str:
    """Return the query with a field set to one value; without the field where the value is empty."""
    for field in _fields(q):
        if field.name == name and not field.negated:
            return q[: field.start] + _written(name, value) + q[field.end :] if value else _cut(q, field)
    return narrowed(q, _written(name, value)) if value else q


def without(q: str, name: str, value: str) -> str:
    """Return the query without a field of this value, negated or not."""
    for field in _fields(q):
        if (field.name, field.value) == (name, value):
            return _cut(q, field)
    return q


def without_fields(q: str, *names: str) -> str:
    """Return the query without fields of some names, as often as they occur; negated ones stay."""
    for name in names:
        while value_of(q, name):
            q = set_field(q, name, "")
    return q


def words_of(q: str) -> str:
    """Return the query as plain words: without fields, operators, weights and quotes."""
    plain = (
        token[0].strip('"').split("^")[0]
        for token, _ in _tokens(q)
        if not token["name"] and token[0] not in ("(", ")", "AND", "OR", "NOT")
    )
    return " ".join(" ".join(plain).split())


def _written(name: str, value: str) -> str:
    return f"{name}:{value}" if _PLAIN.fullmatch(value) else f'{name}:"{value.replace(chr(34), " ")}"'


def _tokens(q: str) -> Iterator[tuple[re.Match[str], int]]:
    """Yield every token with the depth of parentheses around it."""
    depth = 0
    for token in _TOKEN.finditer(q):
        depth -= token[0] == ")"
        yield token, depth
        depth += token[0] == "("


def _has_or(q: str) -> bool:
    return any(token[0] == "OR" and depth == 0 for token, depth in _tokens(q))


def _fields(q: str) -> list[_Field]:
    if _has_or(q):
        return []
    fields, negated = [], False
    for token, depth in _tokens(q):
        if token["name"] and depth == 0:
            fields.append(
                _Field(
                    token.start(),
                    token.end(),
                    token["name"].lower(),
                    token["value"].strip('"'),
                    negated or bool(token["minus"]),
                )
            )
        negated = token[0] == "NOT"
    return fields


def _cut(q: str, field: _Field) -> str:
    """Return the query without a field and the words that joined it."""
    before, after = _JOINING.sub("", q[: field.start].rstrip()), q[field.end :].strip()
    if not before:
        after = re.sub(r"^AND\b\s*", "", after)
    return f"{before} {after}".strip()
