"""Questions for the start page: those that find people in the archive at hand."""

from collections.abc import Callable
from typing import Final

from par_core.errors import FilterError
from par_core.query.answer import SearchResult
from par_core.query.from_store import Question
from par_core.serve.facets import Facets

__all__ = ["EXAMPLES", "finding_questions"]

#: Questions that show the language; those that find nobody are not shown.
EXAMPLES: Final = (
    "a woman in a red coat",
    "man AND NOT hat",
    "dress upper:black",
    "(hat OR scarf) upper:blue,grey",
    "a person in a black coat",
    "jeans AND bag",
    "a white shirt",
    "skirt^2 boots",
    "glasses:sure",
)
_MOST: Final = 6


def finding_questions(ask: Callable[[Question], SearchResult], counted: Facets) -> tuple[str, ...]:
    """Return up to six questions that find people and need no note: of ``EXAMPLES``, and else of the colours
    and attributes that most people have.

    Args:
        ask: Answers a question.
        counted: Counts of the archive.
    """
    common = [
        *(f"upper:{colour}" for colour in list(counted.upper_color)[:2]),
        *(f"{name}:yes" for name in list(counted.attributes)[:2]),
        *(f"lower:{colour}" for colour in list(counted.lower_color)[:2]),
    ]
    found: list[str] = []
    for text in (*EXAMPLES, *common):
        if len(found) < _MOST and _finds(ask, text):
            found.append(text)
    return tuple(found)


def _finds(ask: Callable[[Question], SearchResult], text: str) -> bool:
    try:
        answer = ask(Question(text, top=1))
    except FilterError:  # the index has no such attribute
        return False
    return bool(answer.hits) and not answer.warnings
