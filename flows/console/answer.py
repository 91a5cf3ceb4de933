"""An answer in a terminal: notes, pictures, lines."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flows.console.hits import hit_lines, printable
from flows.console.lines import say
from flows.console.shown import ShownAnswer

if TYPE_CHECKING:
    from flows.console.asking import Answers
    from flows.console.terminal import Terminal

__all__ = ["pictures_wanted", "say_notes", "show_answer"]

_MOST_PICTURES: Final = 60


def pictures_wanted(wanted: bool | None) -> "Terminal | None":
    """Return what the terminal of standard output draws; None where no pictures are wanted.

    Args:
        wanted: Whether pictures are wanted; None: where a terminal with colours can draw them.
    """
    if wanted is False or (wanted is None and not sys.stdout.isatty()):
        return None
    from flows.console.terminal import look_at_terminal

    return look_at_terminal(sys.stdout, os.environ, forced=wanted is True)


def say_notes(kind: str, notes: Iterable[str]) -> None:
    """Print notes or warnings on standard error; they may quote names of files."""
    for note in notes:
        say(f"par: {kind}: {printable(note)}")


def show_answer(
    answers: "Answers",
    answer: ShownAnswer,
    terminal: "Terminal | None",
    *,
    explain: bool = False,
    weak: str = "--include-low-confidence",
) -> None:
    """Print an answer: the pictures of its first hits by rank, and a line for each hit.

    Args:
        answers: Who gave the answer.
        answer: The answer.
        terminal: What the terminal draws; None for no pictures.
        explain: Whether the parts of the question are shown too.
        weak: What a user types for less likely people.
    """
    hits = answer.hits[:_MOST_PICTURES]
    if terminal is not None and hits:
        from flows.console.pictures import picture_lines

        captions = [
            str(hit.rank) + (f" {hit.probability:.0%}" if hit.probability is not None else "") for hit in hits
        ]
        for line in picture_lines(answers.crops(hits), captions, terminal):
            print(line, flush=True)
        if len(answer.hits) > len(hits):
            print(f"The first {len(hits)} of {len(answer.hits)} are drawn.")
    print(*hit_lines(answer, explain=explain, weak=weak), sep="\n", flush=True)
