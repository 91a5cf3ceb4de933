"""The first hits of a question, as every way of asking gives them.

Candidates are gathered for some more hits than are wanted, in steps, so that answers which differ in their
length alone begin alike, and a command and a server choose among the same people.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from par_core.query.answer import Chance, Hit, SearchResult
from par_core.query.question import Question

__all__ = ["DEEPEST", "chance_of", "deepened", "first_hits"]

#: Hits of one question, over all pages.
DEEPEST: Final = 10_000
_STRIDE: Final = 200  # hits whose candidates are gathered together


def deepened(question: Question, depth: int) -> Question:
    """Return a question for ``depth`` hits and one more, which shows whether there are further ones."""
    requested = min(depth + 1, DEEPEST)
    together = min(-(-requested // _STRIDE) * _STRIDE, DEEPEST)
    return replace(question, top=requested, depth=together)


def first_hits(ask: Callable[[Question], SearchResult], question: Question) -> SearchResult:
    """Return the ``top`` first hits of a question, best first.

    Args:
        ask: Answers questions, such as ``Searcher.ask``.
        question: The question; its hits are ranked, not in the order of capture.
    """
    result = ask(deepened(question, question.top))
    hits = result.hits[: question.top]
    return replace(result, hits=hits, chance=chance_of(result.chance, hits))


def chance_of(chance: Chance | None, hits: Sequence[Hit]) -> Chance | None:
    """Return the share of chance among some of the hits of an answer: more were looked up than are shown."""
    if chance is None:
        return None
    known = [hit.probability for hit in hits if hit.probability is not None]
    return replace(chance, share=1 - sum(known) / len(known) if known else 0.0)
