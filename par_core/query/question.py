"""A question with its filter and options, and what it asks of facts alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from par_core.errors import FilterError
from par_core.query.by_time import Sort, TimePage
from par_core.query.denials import read_question
from par_core.query.further_by_filter import FitPage
from par_core.query.language import AllOf, AnyOf, Condition, Negated, Node, Weighted
from par_core.query.where import And, Filter, Not, Or, parse_where

__all__ = ["MOST_ORDERED", "Question", "facts_of", "is_judged"]

#: Hits of words and likenesses that can be put in the order of capture, or counted.
MOST_ORDERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its filter and options.

    Attributes:
        text: Words, in the language of ``par_core.query.language``, or None.
        image: A picture with the person to look for, its largest one, or None; with a text, both must fit.
        where: A filter, or None.
        top: Maximum number of hits; those folded into another hit do not count.
        absent: Also people whose file has vanished or was replaced.
        weak: Also hits below the cutoff.
        apart: Hits of one image, and of nearly the same picture, each by itself instead of folded into the
            best of them.
        pictures: Embeddings, of L2 norm 1, of pictures that the text names by ``picture:NAME``.
        near: Where few people wear a colour that the text asks for, let those in neighbouring ones follow.
        depth: Number of hits, if more than ``top``, among whose candidates the hits are chosen: answers that
            differ in ``top`` alone then begin alike.
        sort: ``best``, or ``newest`` or ``oldest`` in the order of capture: everybody for whom the conditions
            hold (without any, everybody), or the 1,000 best hits of words and likenesses.
        after: ``next_after`` of the page before, or None: of lists in the order of capture, and of lists by
            facts alone.
        before: With ``after``: number of hits on the pages before, for the ranks.
    """

    text: str | None = None
    image: Path | None = None
    where: str | None = None
    top: int = 20
    absent: bool = False
    weak: bool = False
    apart: bool = False
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    near: bool = False
    depth: int = 0
    sort: Sort = "best"
    after: str | None = None
    before: int = 0

    @property
    def page(self) -> TimePage | FitPage | None:
        """The page of a list that goes on by ``after``; None for the first hits, best first."""
        if self.sort == "best":
            return None if self.after is None else FitPage(self.after, self.top, self.before)
        return TimePage(self.sort == "newest", self.after, self.top, self.before)

    @property
    def is_page(self) -> bool:
        """Whether an empty answer is no wonder: it is a further page, or nothing was asked."""
        return self.after is not None or (self.text is None and self.where is None)


def is_judged(text: str | None) -> bool:
    """Whether a question has words or likenesses, which hold to a degree; else it asks for facts alone.

    Raises:
        FilterError: The question does not make sense.
    """
    return text is not None and _filter_of(read_question(text)) is None


def facts_of(text: str | None, where: str | None) -> Filter | None:
    """Return the filter that a question of facts alone asks for; None where it asks for nothing.

    Args:
        text: The question in the query language, without words and likenesses; or None.
        where: A filter, or None.

    Raises:
        FilterError: The question or the filter does not make sense, or the question has words.
    """
    parts: list[Filter] = []
    if text is not None:
        asked = _filter_of(read_question(text))
        if asked is None:
            raise FilterError("this question has words or likenesses")
        parts.append(asked)
    parts += [parse_where(where)] if where is not None and where.strip() else []
    return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


def _filter_of(node: Node) -> Filter | None:
    match node:
        case Condition(_, asked):
            return asked
        case Negated(inner):
            within = _filter_of(inner)
            return None if within is None else Not(within)
        case Weighted(inner, _):
            return _filter_of(inner)
        case AllOf(parts) | AnyOf(parts):
            each = [_filter_of(part) for part in parts]
            known = tuple(one for one in each if one is not None)
            if len(known) < len(each):
                return None
            return And(known) if isinstance(node, AllOf) else Or(known)
        case _:
            return None
