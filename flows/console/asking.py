"""A question of the command line, and whoever answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from flows.console.shown import ShownAnswer, ShownHit

__all__ = ["Answers", "Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its filter and options, as ``par_core.query.question.Question`` has them; without its
    imports.
    """

    text: str | None = None
    image: Path | None = None
    where: str | None = None
    top: int = 20
    absent: bool = False
    weak: bool = False
    apart: bool = False


class Answers(Protocol):
    """Answers questions about one store."""

    def notes(self, text: str) -> Sequence[str]:
        """Return what can be said of the words of a question before it is asked."""

    def ask(self, asked: Asked) -> ShownAnswer:
        """Answer a question, and record it in the audit log."""

    def crops(self, hits: Sequence[ShownHit]) -> list[bytes | None]:
        """Return a JPEG of each hit; None where the file has gone."""

    def completions(self, text: str) -> Sequence[str]:
        """Return how a question may go on."""

    def as_json(self, answer: ShownAnswer) -> Mapping[str, Any]:
        """Return an answer of :meth:`ask` as JSON types."""
