"""From a question to searches of an index: for each alternative of the question, a filter that LanceDB
applies first and a direction to search in.

Fields, and attributes with a weight of 1 or more, are conditions: they become part of the filter wherever a
whole alternative depends on them. Words and likenesses only rank. So ``man AND hat "red coat"`` searches
among men with hats for red coats, and ``hat OR "red coat"`` searches twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.spoken import NamedAttribute, named_attributes
from par_core.errors import FilterError
from par_core.query.language import AllOf, AnyOf, Condition, Negated, Node, Phrase, Weighted
from par_core.query.parts import AttributePart, Leaf, LikenessPart, Part, TextPart
from par_core.query.where import And, Filter, Likely, Not

__all__ = ["Alternative", "alternatives_of", "attribute_meant"]

_MOST: Final = 16
_FILLER: Final = frozenset(
    ["a", "an", "the", "person", "people", "someone", "somebody", "with", "wearing", "carrying", "in"]
)

Literal = tuple[Leaf, bool, float]  # a part, whether it is wanted, its weight


@dataclass(frozen=True)
class Alternative:
    """One way to satisfy a question.

    Attributes:
        condition: The filter that must hold, or None.
        direction: Direction of the search, of L2 norm 1, or None if no words or likenesses are part of it.
        ranked_by: The attributes to rank by where there is no direction, with their weights; ``wanted`` is
            inverted where the question negates them.
    """

    condition: Filter | None
    direction: Float32[np.ndarray, " d"] | None
    ranked_by: tuple[tuple[NamedAttribute, float], ...]


def attribute_meant(phrase: Phrase, known: frozenset[str]) -> NamedAttribute | None:
    """Return the attribute that plain words stand for if they name one and nothing else: "hat", "a man",
    "with a bag".
    """
    if phrase.quoted:
        return None
    named = [attribute for attribute in named_attributes(phrase.text) if attribute.name in known]
    if len(named) != 1:
        return None
    rest = " ".join(word for word in phrase.text.lower().replace(",", " ").split() if word not in _FILLER)
    return named[0] if rest == named[0].spoken else None


def alternatives_of(node: Node, parts: Mapping[Leaf, Part]) -> tuple[Alternative, ...]:
    """Return the ways to satisfy a question.

    Raises:
        FilterError: There are too many.
    """
    return tuple(_alternative(literals, parts) for literals in _expand(node, wanted=True, weight=1.0))


def _expand(node: Node, *, wanted: bool, weight: float) -> list[list[Literal]]:
    """Return the disjunctive normal form: any of several lists of parts that must all hold."""
    match node:
        case Negated(inner):
            return _expand(inner, wanted=not wanted, weight=weight)
        case Weighted(inner, factor):
            return _expand(inner, wanted=wanted, weight=weight * factor)
        case AllOf(parts) | AnyOf(parts):
            expanded = [_expand(part, wanted=wanted, weight=weight) for part in parts]
            if isinstance(node, AllOf) == wanted:
                if np.prod([len(lists) for lists in expanded]) > _MOST:
                    raise FilterError(
                        f"a question with more than {_MOST} alternatives; ask fewer ORs at once"
                    )
                return [
                    [literal for literals in chosen for literal in literals] for chosen in product(*expanded)
                ]
            joined = [literals for lists in expanded for literals in lists]
            if len(joined) > _MOST:
                raise FilterError(f"a question with more than {_MOST} alternatives; ask fewer ORs at once")
            return joined
        case _:
            return [[(node, wanted, weight)]]


def _alternative(literals: list[Literal], parts: Mapping[Leaf, Part]) -> Alternative:
    conditions: list[Filter] = []
    ranked_by: list[tuple[NamedAttribute, float]] = []
    total: np.ndarray | None = None
    for leaf, wanted, weight in literals:
        part = parts[leaf]
        if isinstance(leaf, Condition):
            conditions.append(leaf.filter if wanted else Not(leaf.filter))
        elif isinstance(part, AttributePart):
            named = NamedAttribute(part.named.name, part.named.wanted == wanted, part.named.spoken)
            ranked_by.append((named, weight))
            if weight >= 1:
                conditions.append(Likely(named.name) if named.wanted else Not(Likely(named.name)))
        elif isinstance(part, TextPart | LikenessPart):
            step = part.direction * np.float32(weight if wanted else -weight)
            total = step if total is None else total + step
    condition = None if not conditions else conditions[0] if len(conditions) == 1 else And(tuple(conditions))
    norm = 0.0 if total is None else float(np.linalg.norm(total))
    direction = None if total is None or norm < 1e-6 else (total / norm).astype(np.float32)
    return Alternative(condition, direction, tuple(ranked_by))
