"""A report as one self-contained page, or as Markdown."""

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from par_core.pages import page_environment
from par_core.reports.document import Bar, Report, Table

__all__ = ["as_html", "as_markdown"]

_SIGNS: Final = re.compile(r"([\\`*_\[\]<>|#])")


def as_html(report: Report) -> str:
    """One page without scripts that asks for nothing from anywhere; all text is escaped."""
    environment = page_environment("par_core.reports")
    environment.filters |= {"drawn": _drawn, "across": _across}
    return environment.get_template("report.html").render(report=report, provenance=report.about)


def as_markdown(report: Report) -> str:
    """The same without plots and pictures."""
    environment = Environment(  # noqa: S701 - no HTML: every text goes through the filter below
        loader=PackageLoader("par_core.reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": _markdown, "flat": _flat}
    return environment.get_template("report.md").render(report=report)


def _markdown(text: object) -> str:
    """One line in which nothing is a sign of Markdown or a tag."""
    return _SIGNS.sub(r"\\\1", " ".join(str(text).split()))


def _flat(about: Mapping[str, Any]) -> dict[str, str]:
    """Nested values under joined names."""
    flat: dict[str, str] = {}
    for name, value in about.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}: {inner}": each for inner, each in _flat(value).items()}
        else:
            flat[name.replace("_", " ")] = str(value)
    return flat


def _across(value: float, table: Table) -> float:
    """Where a value lies on the scale of a table, 0 to 100."""
    low, high = table.ends
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2) if high > low else 0.0


def _drawn(bar: Bar, table: Table) -> dict[str, float]:
    """A bar from the start of the scale to the value, and its interval; an interval that is not known has no
    width.
    """
    start, value = _across(table.start, table), _across(0.0 if bar.value != bar.value else bar.value, table)
    low, high = (value if end != end else _across(end, table) for end in (bar.low, bar.high))
    return {"x": min(start, value), "width": round(abs(value - start), 2), "low": low, "high": high}
