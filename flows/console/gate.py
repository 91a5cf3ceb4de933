"""The outcome of the quality gate as lines for a terminal, a table for Prefect, and JSON types."""

from collections.abc import Iterator
from html import escape
from typing import Any

from par_core.gate.report import GateReport

__all__ = ["gate_lines", "gate_markdown", "gate_object", "in_markdown"]


def gate_lines(report: GateReport) -> Iterator[str]:
    """Yield the outcome, then one line with the expected and the actual value of each check that failed."""
    yield _outcome(report)
    for finding in report.failed:
        yield f"failed: {finding.check}: expected {finding.expected}; got {finding.actual}"


def gate_markdown(report: GateReport) -> str:
    """Return every check as a Markdown table, escaped so that a browser sees no markup in it."""
    rows = [
        (
            "passed" if finding.passed else "**failed**",
            in_markdown(finding.check),
            in_markdown(finding.expected),
            in_markdown(finding.actual),
        )
        for finding in report.findings
    ]
    table = [
        "| | check | expected | actual |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join([_outcome(report), "", *(table if rows else [])])


def gate_object(report: GateReport) -> dict[str, Any]:
    """Everything, as JSON types."""
    return report.as_json() | {"passed": report.passed}


def _outcome(report: GateReport) -> str:
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
    """Escape foreign text for a cell of a table: Markdown and browsers see no markup in it."""
    quoted = escape(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in "\\`*_[]|~#" else letter for letter in quoted)
