"""The audit of labels as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from par_core.evaluate.audit.planting import FIRST
from par_core.studies.audit import TEST

__all__ = ["audit_lines", "plant_lines"]


def audit_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of an audit: its counts, then how many labels of each attribute are listed."""
    counts = summary["counts"]
    yield (
        f"{counts['people']:,} people, {counts['labels']:,} known labels, {counts['audited']:,} audited,"
        f" {counts['listed']:,} listed as likely wrong"
    )
    for name, row in summary["attributes"].items():
        yield f"  {name:28} " + (
            f"listed {row['listed']:5} of {row['audited']:6}, estimated share of wrong labels"
            f" {row['noise_rate']:6.2%}"
            if "noise_rate" in row
            else row["reason"]
        )


def plant_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a test of the audit: how many planted labels it found, in all and by attribute."""
    yield TEST
    yield _found_line("all together", summary)
    yield from (_found_line(name, row) for name, row in summary["attributes"].items())


def _found_line(name: str, row: dict[str, Any]) -> str:
    if row["share"] is None:
        return f"  {name:28} none planted in {row['known']} labels"
    counted = (
        f"found {row['found']:4} of {row['planted']:4} planted among the first {FIRST:.0%} ({row['looked']})"
    )
    return f"  {name:28} {counted}: {row['share']:6.1%}, by chance {row['chance']:.1%}"
