"""How sure an answer is: one short sentence, and the details behind it."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

__all__ = ["Judged", "Shares", "certainty", "certainty_details"]


@runtime_checkable
class Shares(Protocol):
    """How much of an answer is by chance: see ``par_core.query.answer.Chance``."""

    @property
    def cutoff(self) -> float:
        """Probability below which hits were left out."""

    @property
    def share(self) -> float:
        """Expected share of chance hits."""

    @property
    def left_out(self) -> int:
        """Number of judged people below the cutoff."""


@runtime_checkable
class Judged(Protocol):
    """What is needed of an answer."""

    @property
    def hits(self) -> Sequence[object]:
        """The hits."""

    @property
    def chance(self) -> Shares | None:
        """None where it is not known."""


def certainty(result: Judged) -> str:
    """Return how many hits of an answer are likely right, in one short sentence; empty without hits, or where
    that is not known.
    """
    n = len(result.hits)
    if result.chance is None or not n:
        return ""
    right = round((1 - result.chance.share) * n)
    if n == 1:
        return f"This one is {'likely right' if right else 'more likely wrong than right'}."
    many = "All" if right == n else "Few" if not right else f"About {right:,}"
    return f"{many} of these {n:,} are likely right."


def certainty_details(chance: Shares) -> Iterator[str]:
    """Yield what the sentence on certainty is made of."""
    yield (
        f"The hits' own probabilities of fitting the question have a mean of {1 - chance.share:.0%};"
        " docs/search.md says how well this was kept."
    )
    if chance.left_out:
        who = "1 person who is" if chance.left_out == 1 else f"{chance.left_out:,} people who are"
        yield f"Left out: {who} less than {chance.cutoff:.0%} likely to fit."
