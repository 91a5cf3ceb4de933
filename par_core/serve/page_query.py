"""Editing a question by clicks: filters, and more like this, add to and take from the text that is asked, so
that a link says it all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlencode

__all__ = [
    "Asked",
    "Chip",
    "chips",
    "chosen",
    "narrowed",
    "set_field",
    "toggled",
    "value_of",
    "without",
    "words_of",
]

_TOKEN: Final = re.compile(
    r'"[^"]*"?|[()]|(?P<minus>-?)(?P<name>[A-Za-z_]+):(?P<value>"[^"]*"|[^\s()"]+)|[^\s()"]+'
)
_JOINING: Final = re.compile(r"(?:^|\s)(?:(?:AND|NOT)\s*)+$")
_PLAIN: Final = re.compile(r'[^\s()"]+')


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page was asked for.

    Attributes:
        q: In the language of questions; may be empty.
        where: A filter; may be empty.
        absent: Also people whose file is gone.
        weak: Also hits that are there by chance, likely.
    """

    q: str = ""
    where: str = ""
    absent: bool = False
    weak: bool = False

    def __bool__(self) -> bool:
        return bool(self.q or self.where)

    def url(self, path: str = "/", **more: str | int) -> str:
        """The address that asks this."""
        flags = {name: "true" if getattr(self, name) else "" for name in ("absent", "weak")}
        told = {"q": self.q, "where": self.where, **flags, **more}
        query = urlencode({name: value for name, value in told.items() if value != ""})
        return f"{path}?{query}" if query else path

    def asking(self, q: str) -> "Asked":
        """The same with another question."""
        return replace(self, q=q)

    def unfiltered(self) -> "Asked":
        """The same without the filter."""
        return replace(self, where="")

    def turned(self, flag: Literal["absent", "weak"]) -> "Asked":
        """The same with a flag, ``absent`` or ``weak``, the other way round."""
        return (
            replace(self, absent=not self.absent) if flag == "absent" else replace(self, weak=not self.weak)
        )


@dataclass(frozen=True, slots=True)
class Chip:
    """A field of a question, to be seen and taken out on its own.

    Attributes:
        text: As written, with ``NOT`` where it is negated.
        name: Of the field, in lower case.
        value: Without quotes.
        rest: The question without it.
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
    """The fields that hold for the whole question: none where parts are joined by OR, for those hold only for
    one of its alternatives.
    """
    return [
        Chip(
            ("NOT " if each.negated else "") + f"{each.name}:{each.value}",
            each.name,
            each.value,
            _cut(q, each),
        )
        for each in _fields(q)
    ]


def chosen(q: str, name: str) -> frozenset[str]:
    """The values that a field asks for."""
    return frozenset(
        value
        for each in _fields(q)
        if each.name == name and not each.negated
        for value in each.value.lower().split(",")
    )


def value_of(q: str, name: str) -> str:
    """The value of a field, or nothing where the question does not have it."""
    return next((each.value for each in _fields(q) if each.name == name and not each.negated), "")


def narrowed(q: str, part: str) -> str:
    """The question, and a further part that must hold too."""
    if not q.strip():
        return part
    if any(f"{each.name}:{each.value}" == part and not each.negated for each in _fields(q)):
        return q
    return f"({q.strip()}) {part}" if _has_or(q) else f"{q.strip()} {part}"


def toggled(q: str, name: str, value: str) -> str:
    """The question with one more value of a field that takes several (``upper:red,pink``), or without it
    where it was there.
    """
    for each in _fields(q):
        if each.name == name and not each.negated:
            values = each.value.lower().split(",")
            values = [other for other in values if other != value] if value in values else [*values, value]
            return q[: each.start] + f"{name}:{','.join(values)}" + q[each.end :] if values else _cut(q, each)
    return narrowed(q, f"{name}:{value}")


def set_field(q: str, name: str, value: str) -> str:
    """The question with a field of one value, in place of what it asked before; without the field where the
    value is empty.
    """
    for each in _fields(q):
        if each.name == name and not each.negated:
            return q[: each.start] + _written(name, value) + q[each.end :] if value else _cut(q, each)
    return narrowed(q, _written(name, value)) if value else q


def without(q: str, name: str, value: str) -> str:
    """The question without a field of this value, negated or not."""
    for each in _fields(q):
        if (each.name, each.value) == (name, value):
            return _cut(q, each)
    return q


def words_of(q: str) -> str:
    """The question as plain words: without fields, operators, weights and quotes."""
    plain = (
        token[0].strip('"').split("^")[0]
        for token, _ in _tokens(q)
        if not token["name"] and token[0] not in ("(", ")", "AND", "OR", "NOT")
    )
    return " ".join(" ".join(plain).split())


def _written(name: str, value: str) -> str:
    return f"{name}:{value}" if _PLAIN.fullmatch(value) else f'{name}:"{value.replace(chr(34), " ")}"'


def _tokens(q: str) -> Iterator[tuple[re.Match[str], int]]:
    """Every token with the depth of parentheses that it stands in."""
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
    found, negated = [], False
    for token, depth in _tokens(q):
        if token["name"] and depth == 0:
            found.append(
                _Field(
                    token.start(),
                    token.end(),
                    token["name"].lower(),
                    token["value"].strip('"'),
                    negated or bool(token["minus"]),
                )
            )
        negated = token[0] == "NOT"
    return found


def _cut(q: str, field: _Field) -> str:
    """The question without a field and the words that joined it."""
    before, after = _JOINING.sub("", q[: field.start].rstrip()), q[field.end :].strip()
    if not before:
        after = re.sub(r"^AND\b\s*", "", after)
    return f"{before} {after}".strip()
