"""Which evaluation is run, and several runs of one: trained models side by side, with mean and standard deviation."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.background import background_lines, compare_backgrounds
from flows.evaluation import Asked, evaluate, summary_lines
from flows.training import summary
from flows.zero_shot import ask_in_words, zero_shot_lines
from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.evaluate.observation import CarryOut
from par_core.evaluate.observing import observe_here
from par_core.store.atomic import write_atomic

__all__ = ["artifact_of", "evaluate_all", "evaluate_one", "lines"]


def evaluate_one(asked: Asked, config: RunConfig, out: Path | None = None, *, carry_out: CarryOut = observe_here) -> dict[str, Any]:
    """Run one evaluation of any kind; returns its scores as JSON types.

    Raises:
        BadConfigError: What is asked for is not there.
    """
    run = {"background": compare_backgrounds, "zero-shot": ask_in_words}.get(asked.kind, evaluate)
    return run(asked, config, out, carry_out=carry_out)


def evaluate_all(asked: Asked, settings: Sequence[RunConfig], out: Path | None, *, carry_out: CarryOut = observe_here) -> dict[str, Any]:
    """Run an evaluation with each of several configurations.

    Args:
        asked: What is to be evaluated.
        settings: One; or several that differ in their folder of weights, whose last part names each run.
        out: Folder of the report, or of one report a run and ``summary.json``.
        carry_out: How the models look at the pictures.

    Returns:
        The scores of one run; of several ``runs`` by name with ``about`` and the figures, ``mean`` and ``std`` (of the runs as a whole, as in the
        paper's Table 3).

    Raises:
        BadConfigError: Two folders of weights have the same name, or what is asked for is not there.
    """
    if len(settings) == 1:
        return evaluate_one(asked, settings[0], out, carry_out=carry_out)
    names = [config.weights_dir.name if config.weights_dir else "default" for config in settings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadConfigError(f"two folders of weights are called {twice!r}; give each run a folder of its own name")
    if asked.kind != "attributes":
        raise BadConfigError("several --weights-dir are for attributes")
    runs = {name: evaluate_one(asked, config, None if out is None else out / name, carry_out=carry_out) for name, config in zip(names, settings, strict=True)}
    figures = {name: _figures(scores) for name, scores in runs.items()}
    told = {"runs": {name: {**figures[name], "about": scores["about"]} for name, scores in runs.items()}, **summary(list(figures.values()))}
    if out is not None:
        write_atomic(out / "summary.json", (json.dumps(told, indent=1) + "\n").encode())
    return told


def lines(scores: dict[str, Any]) -> Iterator[str]:
    """Any result for reading."""
    if "runs" in scores:
        yield f"{len(scores['runs'])} runs: {', '.join(scores['runs'])}"
        yield from (f"  {name:40}{scores['mean'][name]:.4f} ± {scores['std'][name]:.4f}" for name in scores["mean"])
    elif "variants" in scores:
        yield from background_lines(scores)
    elif "modes" in scores:
        yield from zero_shot_lines(scores)
    else:
        yield from summary_lines(scores)


def artifact_of(scores: dict[str, Any], asked: Asked, out: Path) -> str:
    """Any result as Markdown: its single figures in a table, and where the reports are."""
    columns: tuple[str, ...]
    rows: dict[str, tuple[Any, ...]]
    if "runs" in scores:
        columns, rows = ("mean", "std"), {name: (scores["mean"][name], scores["std"][name]) for name in scores["mean"]}
    elif "variants" in scores:
        columns, rows = ("mean_auc", "mA"), {name: (row["mean_auc"], row["mA"]) for name, row in scores["variants"].items()}
    elif "modes" in scores:
        columns = ("mean_auc", "mA_best", "mA_fixed")
        rows = {mode: tuple(row.get(name) for name in columns) for mode, row in scores["modes"].items()}
    else:
        columns, rows = ("score",), {name: (value,) for name, value in scores.items() if isinstance(value, int | float)}
    table = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    table += [f"| {name} | " + " | ".join("-" if value is None else f"{value:.4g}" for value in row) + " |" for name, row in rows.items()]
    return "\n".join([f"{asked.kind} on {asked.dataset}; reports in {out}", "", *table])


def _figures(scores: dict[str, Any]) -> dict[str, float]:
    """Single numbers by name; what is not defined in a run has no mean."""
    told = {name: value for name, value in scores.items() if isinstance(value, float)}
    told |= {f"images: {name}": value for name, value in scores["instances"].items() if isinstance(value, float)}
    return told | {f"mA: {name}": row["mA"] for name, row in scores["attributes"].items() if row["mA"] is not None}
