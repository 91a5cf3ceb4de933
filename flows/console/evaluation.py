"""Results of evaluations as lines for a terminal, and as Markdown for Prefect."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.console.faces import face_lines
from flows.console.tables import figure, table
from par_core.studies.evaluation import EvaluationRequest

__all__ = ["artifact_of", "evaluation_lines"]


def evaluation_lines(scores: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a result of any kind of evaluation."""
    if "runs" in scores:
        yield f"{len(scores['runs'])} runs: {', '.join(scores['runs'])}"
        yield from (
            f"  {name:40}{scores['mean'][name]:.4f} ± {scores['std'][name]:.4f}" for name in scores["mean"]
        )
    elif "variants" in scores:
        yield from _background_lines(scores)
    elif "modes" in scores:
        yield from _zero_shot_lines(scores)
    elif "coverage" in scores:
        yield from face_lines(scores)
    else:
        yield from _summary_lines(scores)


def artifact_of(scores: dict[str, Any], request: EvaluationRequest, out: Path) -> str:
    """Return a result of any kind as Markdown: its single figures in a table, and the folder of the
    reports.
    """
    columns: tuple[str, ...]
    rows: dict[str, tuple[Any, ...]]
    if "runs" in scores:
        columns, rows = (
            ("mean", "std"),
            {name: (scores["mean"][name], scores["std"][name]) for name in scores["mean"]},
        )
    elif "variants" in scores:
        columns, rows = (
            ("mean_auc", "mA"),
            {name: (row["mean_auc"], row["mA"]) for name, row in scores["variants"].items()},
        )
    elif "modes" in scores:
        columns = ("mean_auc", "mA_best", "mA_fixed")
        rows = {mode: tuple(row.get(name) for name in columns) for mode, row in scores["modes"].items()}
    else:
        columns, rows = (
            ("score",),
            {name: (value,) for name, value in scores.items() if isinstance(value, int | float)},
        )
    table = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    table += [
        f"| {name} | " + " | ".join("-" if value is None else f"{value:.4g}" for value in row) + " |"
        for name, row in rows.items()
    ]
    return "\n".join([f"{request.kind} on {request.dataset}; reports in {out}", "", *table])


def _summary_lines(scores: dict[str, Any]) -> Iterator[str]:
    """The scores as lines: single figures, a table of attributes or queries, then how they are counted."""
    about = scores["about"]
    yield f"{about['kind']} on {about['dataset']} ({about['root']}), {about['models']}"
    single = {name: value for name, value in scores.items() if not isinstance(value, dict | list)}
    defined = {name: value for name, value in single.items() if value is not None}
    wide = max(map(len, defined))
    for name, value in defined.items():
        yield f"  {name:{wide}}  {figure(value)}" + _range(scores["intervals"].get(name))
    yield from _wrapped(_undefined([name for name in single if name not in defined]))
    yield from _wrapped(_not_averaged(scores))
    yield from (
        f"  {count:,} labels matched with no person: {status}"
        for status, count in scores.get("unmatched", {}).items()
    )
    for group in ("attributes", "queries"):
        yield from table({name: _in_a_line(row) for name, row in scores.get(group, {}).items()})
    over_images = scores.get("instances")
    if over_images:
        yield "  means over images: " + ", ".join(
            f"{key} {figure(value)}" for key, value in over_images.items() if key != "convention"
        )
    for name, what in (
        ("not_answered", "the model does not know"),
        ("too_few", "fewer than five people have or lack"),
    ):
        if scores.get(name):
            yield f"  {what}: {', '.join(scores[name])}"
    if over_images:
        yield from _wrapped(over_images["convention"])


def _in_a_line(row: dict[str, Any]) -> dict[str, Any]:
    """The figures of a row that fit in a terminal; the page has all, and the mean of the others is above."""
    return {name: value for name, value in row.items() if name != "ece_by_chance"}


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="  ")


def _undefined(names: list[str]) -> str:
    return f"nothing here to compute these from: {', '.join(names)}" if names else ""


def _not_averaged(scores: dict[str, Any]) -> str:
    """A note that names the rows of the table that the means leave out; empty if there are none."""
    rest = [
        name
        for name in scores.get("attributes", {})
        if name not in scores.get("averaged", scores["attributes"])
    ]
    return f"means and mA are over attributes of clothing, without {', '.join(rest)}" if rest else ""


def _range(interval: dict[str, float | None] | None) -> str:
    return (
        f" ({figure(interval['low'])} to {figure(interval['high'])})"
        if interval and interval["low"] is not None
        else ""
    )


def _background_lines(scores: dict[str, Any]) -> Iterator[str]:
    """The default figures, and the changes that every variant makes; a star marks an interval without 0."""
    about = scores["about"]
    yield (
        f"background on {about['dataset']} ({about['root']}), {about['models']}, {scores['images']} images,"
        f" {scores['found']} people found"
    )
    for variant, row in scores["variants"].items():
        figures = {name: row[name] for name in ("mean_auc", "mA") if row[name] is not None}
        if figures:
            yield f"  {variant:32}" + "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
    for variant, changes in scores["changes"].items():
        yield f"{variant}, against the default:"
        for name, each in changes.items():
            if each["low"] is None:
                continue
            mark = "*" if each["low"] > 0 or each["high"] < 0 else " "
            yield f"  {name:32}{each['estimate']:+.3f} {mark} ({each['low']:+.3f} to {each['high']:+.3f})"


def _zero_shot_lines(scores: dict[str, Any]) -> Iterator[str]:
    """Means of every mode, then two tables of attributes: by the contrasting pair at 0.5, as in the paper's
    Table 4, and the mA of every mode.
    """
    about, chosen = scores["about"], scores["validation"]
    yield (
        f"zero-shot on {about['dataset']} ({about['root']}), {about['models']}, {scores['images']} images,"
        f" {scores['found']} people found"
    )
    if scores["attributes"]:
        yield from _tables(scores)
    for name, words in scores["not_answered"].items():
        yield f"  {name}: not answered, the text tower never saw {', '.join(words)}"
    if scores["too_few"]:
        yield f"  fewer than five people have or lack: {', '.join(scores['too_few'])}"
    yield f"  thresholds were chosen for mA on {chosen['people']} other people ({chosen['how']})"


def _tables(scores: dict[str, Any]) -> Iterator[str]:
    yield from table(scores["modes"])
    yield "  the pair at the threshold 0.5:"
    yield from table(
        {
            name: {key: value for key, value in row["pair"]["fixed"].items() if key != "threshold"}
            for name, row in scores["attributes"].items()
        }
    )
    yield "  mA of each way at the threshold chosen for it:"
    yield from table(
        {
            name: {mode: row[mode]["best"]["mA"] for mode in scores["modes"]}
            for name, row in scores["attributes"].items()
        }
    )
