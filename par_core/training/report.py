"""What a training run leaves for people: the curve as a picture, scores as JSON, and a model card."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from par_core.errors import BadConfigError
from par_core.metrics.attributes import convention
from par_core.training.loop import LOG

__all__ = ["read_log", "write_report"]

_PACKAGES: Final = ("torch", "torchvision", "timm", "open_clip_torch", "numpy")
_NOT_CURVES: Final = frozenset({"step", "of", "seconds", "rate"})


def write_report(out: Path, report: Mapping[str, Any]) -> None:
    """Write ``report.json``, ``curve.png`` and ``card.md`` into the folder of a run."""
    versions = {name: version(name) for name in _PACKAGES}
    report = {
        **report,
        "versions": versions,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    lines = read_log(out)
    draw_curve(lines, out / "curve.png", f"{report['what']} on {report['dataset']}, seed {report['seed']}")
    (out / "card.md").write_text(_card(report, lines))


def read_log(out: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, each step once: steps after a kill were done again."""
    file = out / LOG
    logged = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    return [line for _, line in sorted({int(line["step"]): line for line in logged}.items())]


def draw_curve(lines: list[dict[str, Any]], file: Path, title: str) -> None:
    """Losses above, scores below, over steps.

    Raises:
        BadConfigError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise BadConfigError(
            "the training curve needs matplotlib: pip install 'par-search[train]'"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    scored = [line for line in lines if "score" in line]
    scores = sorted(
        {name for line in scored for name in line if name == "score" or line["score"] is not None}
        & _score_names(lines)
    )
    losses = sorted({name for line in lines for name in line} - _NOT_CURVES - _score_names(lines))
    figure, axes = pyplot.subplots(
        2 if scores else 1,
        1,
        figsize=(8, 6 if scores else 3.5),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for name in losses:
        points = [(line["step"], line[name]) for line in lines if name in line]
        axes[0, 0].plot(*zip(*points, strict=True), label=name, linewidth=1)
    axes[0, 0].set(ylabel="loss", title=title)
    axes[0, 0].legend(fontsize=8)
    for name in scores:
        points = [(line["step"], line[name]) for line in scored if name in line]
        axes[1, 0].plot(*zip(*points, strict=True), label=name, marker="o", markersize=3)
    if scores:
        axes[1, 0].set(ylabel="on people held out")
        axes[1, 0].legend(fontsize=8)
    axes[-1, 0].set(xlabel="step")
    for axis in axes[:, 0]:
        axis.grid(alpha=0.3)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _score_names(lines: list[dict[str, Any]]) -> set[str]:
    """What only lines with a score tell."""
    plain = {name for line in lines if "score" not in line for name in line}
    return {name for line in lines if "score" in line for name in line} - plain


def _card(report: Mapping[str, Any], lines: list[dict[str, Any]]) -> str:
    scores = (
        "\n".join(f"| {name} | {value:.4f} |" for name, value in report["scores"].items())
        or "| none taken | |"
    )
    if report["what"] == "attributes":
        scores += "\n\n" + convention(
            "its probability exceeds 0.5, or reaches its own threshold in the figures named so"
        )
    schedule = report["recipe"]["schedule"]
    sizes = ", ".join(f"{count} {name}" for name, count in report["sizes"].items())
    hours = (lines[-1]["seconds"] / 3600) if lines else 0.0
    fold = (
        report["fold"]
        if report["fold"] is not None
        else "none; the official split, or a share drawn by the seed"
    )
    recipe = (
        f"{report['steps_done']} of at most {schedule['steps']} steps, AdamW {schedule['rate']:g} with"
        f" cosine, moving average {schedule['average']}, seed {report['seed']}, {report['processes']}"
        f" process(es); the weights are those of step {report['step_of_weights']}. The last stretch took"
        f" {hours:.2f} hours."
    )
    return f"""# {report["what"]}, trained on {report["dataset"]}

Written by PAR from the run itself; add what only you know: where the data came from, its licence, who may
use the model and for what.

**Data.** {report["dataset"]}: {sizes}. Fold: {fold}.

**Recipe.** {recipe} `report.json` has all settings and versions.

**Scores** on {report["scored_on"]}:

| | |
|---|---|
{scores}

![training curve](curve.png)

**Limits.** As good as its data, and no better on others: check it on your own archive with `par evaluate`.
Not for identification, and not for decisions about people.
"""
