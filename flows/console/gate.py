"""How the outcome of a gate looks: lines for a terminal, a table for Prefect, JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # brings LanceDB, which takes a second that only a gate should cost
    from par_core.gate.publish import GateReport

__all__ = ["gate_lines", "gate_markdown", "gate_object", "in_markdown"]


def gate_lines(report: "GateReport") -> Iterator[str]:
    """The outcome, then one line a check that did not pass: what was wanted and what was found."""
    yield _outcome(report)
    for finding in report.failed:
        yield f"failed: {finding.check}: wanted {finding.wanted}; found {finding.found}"


def gate_markdown(report: "GateReport") -> str:
    """Every check as a Markdown table, with nothing in it that a browser would take for markup."""
    rows = [
        (
            "passed" if each.passed else "**failed**",
            in_markdown(each.check),
            in_markdown(each.wanted),
            in_markdown(each.found),
        )
        for each in report.findings
    ]
    table = ["| | check | wanted | found |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join([_outcome(report), "", *(table if rows else [])])


def gate_object(report: "GateReport") -> dict[str, Any]:
    """Everything, as JSON types."""
    return asdict(report) | {"passed": report.passed}


def _outcome(report: "GateReport") -> str:
    checks = f"{len(report.findings)} checks"
    if report.passed:
        return f"version {report.version} passed the gate ({checks})"
    if report.live_before == report.version:
        return (
            f"version {report.version}, which is live already, does not pass the gate any more"
            f" ({len(report.failed)} of {checks} failed); it stays live"
        )
    kept = (
        "no version is live, so searches go on reading the newest"
        if report.live_before is None
        else f"version {report.live_before} stays live"
    )
    return f"version {report.version} did not pass the gate ({len(report.failed)} of {checks} failed); {kept}"


def in_markdown(text: str) -> str:
    """Text of others for a cell of a table, with nothing in it that Markdown or a browser would take for
    markup.
    """
    quoted = escape(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in "\\`*_[]|~#" else letter for letter in quoted)
