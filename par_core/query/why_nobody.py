"""Why an answer is empty: which part of the question nobody fits, or which part empties the list, and what
would find somebody.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from par_core.plurals import number_of
from par_core.query.fields import field_filter
from par_core.query.language import AllOf, AnyOf, Condition, Likeness, Negated, Node, Phrase, Weighted
from par_core.query.plan import attribute_meant
from par_core.query.where import Likely

__all__ = ["MOST", "Asked", "why_nobody"]

_MOST_PARTS: Final = 6  # of a question that are tried; each takes two searches
#: People counted at most.
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that found nobody.

    Attributes:
        node: Its text, parsed; None where there is only a filter.
        where: Its filter, or None.
        weak: Whether people below the cutoff were included.
        below: Whether anybody was left out below the cutoff.
    """

    node: Node | None
    where: str | None
    weak: bool
    below: bool = True


#: Counts the people whom a question finds, up to 100: its text, its filter, whether below the cutoff too.
Count = Callable[[Node | None, str | None, bool], int]


def why_nobody(asked: Asked, attributes: frozenset[str], count: Count) -> tuple[str, ...]:
    """Return sentences that say which part of a question emptied the answer, and what finds somebody.

    Args:
        asked: The question.
        attributes: Names of the attributes of the index.
        count: Counts the people whom another question finds, up to 100.
    """
    parts = _parts_of(asked)
    if len(parts) > _MOST_PARTS:
        return ()
    if len(parts) == 1:
        return tuple(_of_one(asked, attributes, count))
    alone = [count(node, where, asked.weak) for _, node, where in parts]
    empty = [text for (text, _, _), found in zip(parts, alone, strict=True) if not found]
    sentences = [f"Nobody fits {text} by itself." for text in empty]
    if not empty:
        sentences.append("Each part fits somebody by itself, but nobody fits all of them.")
    for i, (text, _, _) in enumerate(parts):
        if empty and text not in empty:
            continue
        rest = [part for j, part in enumerate(parts) if j != i]
        nodes = [node for _, node, _ in rest if node is not None]
        node = None if not nodes else nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes))
        where = next((where for _, _, where in rest if where is not None), None)
        found = count(node, where, asked.weak)
        if found:
            sentences.append(f"Without {text}: {_people(found)}.")
    return tuple(sentences)


def _of_one(asked: Asked, attributes: frozenset[str], count: Count) -> Iterator[str]:
    """Yield why a single part finds nobody, and what would."""
    named = None if asked.node is None else _named(asked.node, attributes)
    if named is not None and (found := count(_loose(named), None, asked.weak)):
        yield (
            f"{named.replace('_', ' ')} is not certain enough of anybody; {named}:maybe, with less, finds"
            f" {_people(found)}."
        )
    elif asked.node is not None and asked.below and (found := count(asked.node, asked.where, True)):
        yield f"Nobody is likely enough to fit; left out below the cutoff: {_people(found)}."


def _loose(name: str) -> Node:
    return Condition(f"{name}:maybe", field_filter(name, "maybe"))


def _named(node: Node, attributes: frozenset[str]) -> str | None:
    """Return the attribute that is the whole question, if it is one."""
    match node:
        case Phrase():
            meant = attribute_meant(node, attributes)
            return meant.name if meant is not None and meant.wanted else None
        case Condition(_, Likely(column)) if column in attributes:
            return column
        case _:
            return None


def _parts_of(asked: Asked) -> list[tuple[str, Node | None, str | None]]:
    """Return the parts that must all hold: how each is shown, and its text or filter."""
    parts: list[tuple[str, Node | None, str | None]] = []
    if asked.node is not None:
        inner = asked.node.parts if isinstance(asked.node, AllOf) else (asked.node,)
        parts += [(_shown(part), part, None) for part in inner]
    if asked.where is not None and asked.where.strip():
        parts.append((f"the filter {asked.where}", None, asked.where))
    return parts


def _shown(node: Node) -> str:
    match node:
        case Negated(inner):
            return f"NOT {_shown(inner)}"
        case Weighted(inner, _):
            return _shown(inner)
        case AllOf() | AnyOf():
            joined = " OR " if isinstance(node, AnyOf) else " AND "
            return f"({joined.join(_shown(part) for part in node.parts)})"
        case Likeness(kind, name):
            return f"like {kind} {name}"
        case Phrase(text, quoted):
            return f'"{text}"' if quoted or " " in text else text
        case _:
            return node.text


def _people(n: int) -> str:
    return f"{MOST} people or more" if n >= MOST else number_of(n, "person")
