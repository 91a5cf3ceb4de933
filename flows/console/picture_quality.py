"""The analysis of pictures as lines for a terminal: table 1 of the paper, and the unreadable files."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from flows.console.hits import printable
from flows.console.passed_over import passed_over
from par_core.evaluate.picture_quality import summarise, values_of
from par_core.studies.picture_quality import SourceAnalysis

__all__ = ["picture_quality_lines"]


def picture_quality_lines(analyses: Sequence[SourceAnalysis]) -> Iterator[str]:
    """Yield table 1, then the unreadable files with the reason."""
    table = [line for analysis in analyses for line in _table(analysis)]
    width = max(len(name) for name, _ in table)
    yield f"{'':{width}} {'pictures':>9} {'resolution, MP':>17} {'GLVN':>7} {'BRISQUE':>8}"
    yield from (f"{name:{width}} {_figures(summary)}" if summary else name for name, summary in table)
    yield "resolution: mean (standard deviation); GLVN and BRISQUE: medians"
    without = sum(summarise(analysis.rows)["without_brisque"] for analysis in analyses)
    if without and any(len(values_of(analysis.rows, "brisque")) for analysis in analyses):
        yield f"without BRISQUE, being of one colour or too small: {without}"
    skipped = sum((Counter(analysis.listing.skipped) for analysis in analyses), Counter())
    if skipped:
        yield f"passed over: {passed_over(skipped)}"
    failed = [row for analysis in analyses for row in analysis.failed]
    if failed:
        counted = Counter(row.status.value for row in failed)
        yield (
            f"unreadable: {len(failed)} ("
            + ", ".join(f"{count} {status}" for status, count in sorted(counted.items()))
            + ")"
        )
        yield from (
            f"{row.status.value}\t{printable(row.uri)}\t{printable(row.message)}" for row in failed[:_LINES]
        )
    if len(failed) > _LINES:
        yield f"and {len(failed) - _LINES} more; --json lists all"


def _table(analysis: SourceAnalysis) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and figures of the source and of its sub-folders."""
    yield analysis.listing.source, summarise(analysis.rows)
    groups = analysis.groups()
    yield from ((f"  {name}", summarise(rows)) for name, rows in list(groups.items())[:_LINES])
    if len(groups) > _LINES:
        yield f"  and {len(groups) - _LINES} more sub-folders; --json lists all", {}


def _figures(summary: dict[str, Any]) -> str:
    resolution = f"{_figure(summary['megapixels_mean'], 3)} ({_figure(summary['megapixels_std'], 3)})"
    return (
        f"{summary['pictures']:9} {resolution:>17} {_figure(summary['glvn_median'], 1):>7}"
        f" {_figure(summary['brisque_median'], 1):>8}"
    )


def _figure(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


_LINES: Final = 30  # of sub-folders, and of unreadable files, in a terminal
