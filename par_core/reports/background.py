"""The report on the background: figures of every variant, and what each changes against the default."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.atomic import write_atomic
from par_core.evaluate.background import DEFAULT, BackgroundRun
from par_core.metrics.bootstrap import Interval
from par_core.reports.document import Bar, Report, Section, Table
from par_core.reports.render import as_html, as_markdown
from par_core.reports.wording import ends, how_intervals, number, signed, spoken

__all__ = ["CONVENTIONS", "beyond_chance", "write_background"]

CONVENTIONS: Final = (
    f"Differences are against the default, {DEFAULT}: above 0 the variant is better.",
    "Intervals are paired: every resample holds the same images for both.",
    (
        "A star marks an interval without 0; among twenty figures that do not differ, about one gets a star"
        " by chance."
    ),
    (
        "Every person is detected once, and cut out in every way. A person who was not detected is"
        " described by the whole picture, by every variant alike."
    ),
    (
        "Thresholds are those of the default: mA of a variant may also suffer from thresholds that were not"
        " chosen for it; AUC does not."
    ),
)


def beyond_chance(change: Interval) -> bool:
    """Whether the interval leaves 0 out."""
    return change.low > 0 or change.high < 0


def write_background(out: Path, run: BackgroundRun, scores: Mapping[str, Any]) -> None:
    """Write ``report.html``, ``report.md``, and ``report.json`` last."""
    about = scores["about"]
    sections = (_overview(run), *(_changes(name, intervals) for name, intervals in run.changes.items()))
    conventions = (*CONVENTIONS, how_intervals(run.runs[DEFAULT].items.groups))
    report = Report(f"Background on {about['dataset']}", about["models"], (), sections, conventions, about)
    write_atomic(out / "report.html", as_html(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.md", as_markdown(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(scores, indent=1) + "\n").encode())


def _overview(run: BackgroundRun) -> Section:
    names = [name for name in run.runs[DEFAULT].items.figures() if name in next(iter(run.changes.values()))]
    rows = []
    figures = {variant: each.items.figures() for variant, each in run.runs.items()}
    everybody = np.arange(run.runs[DEFAULT].items.images)
    for name in names:
        values = []
        for variant in run.runs:
            star = "*" if variant != DEFAULT and beyond_chance(run.changes[variant][name]) else ""
            values.append(number(figures[variant][name](everybody)) + star)
        rows.append((spoken(name), *values))
    return Section(
        "Every variant",
        "A star marks what differs from the default beyond chance.",
        table=Table(("figure", *run.runs), tuple(rows)),
    )


def _changes(variant: str, intervals: Mapping[str, Interval]) -> Section:
    rows = tuple(
        (spoken(name), signed(interval.estimate) + (" *" if beyond_chance(interval) else ""), ends(interval))
        for name, interval in intervals.items()
    )
    bars = tuple(Bar.of(interval) for interval in intervals.values())
    reach = (
        max((abs(end) for bar in bars for end in (bar.low, bar.high, bar.value) if end == end), default=1.0)
        or 1.0
    )
    note = f"What each figure is more than with the background {DEFAULT}."
    return Section(
        variant.capitalize(),
        note,
        table=Table(("figure", "difference", "interval"), rows, bars, 0.0, (-reach, reach)),
    )
