"""What a run of saved searches did."""

from typing import TYPE_CHECKING

from par_core.plurals import number_of

if TYPE_CHECKING:
    from par_core.alerts.run import Outcome

__all__ = ["outcome_line"]


def outcome_line(outcome: "Outcome") -> str:
    """Return what a run did, as one line."""
    line = f"{outcome.name}: {outcome.new:,} new of {number_of(outcome.found, 'person', ',')}"
    if outcome.pending:
        line += f"; {outcome.pending} news not sent yet"
    return line + (f"; trouble: {outcome.trouble}" if outcome.trouble else "")
