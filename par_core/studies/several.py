"""Which evaluation is run, and several runs of one: trained models side by side, with mean and standard
deviation.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.metrics.runs import summary
from par_core.predictions.cache import Compute
from par_core.predictions.compute import compute_here
from par_core.studies.background import compare_backgrounds
from par_core.studies.evaluation import EvaluationRequest, evaluate
from par_core.studies.faces import read_faces_of
from par_core.studies.zero_shot import ask_in_words

__all__ = ["evaluate_all", "evaluate_one"]


def evaluate_one(
    request: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Run one evaluation of any kind; returns its scores as JSON types.

    Raises:
        BadConfigError: The evaluation does not exist.
    """
    run = {"background": compare_backgrounds, "zero-shot": ask_in_words, "faces": read_faces_of}.get(
        request.kind, evaluate
    )
    return run(request, config, out, compute=compute)


def evaluate_all(
    request: EvaluationRequest,
    settings: Sequence[RunConfig],
    out: Path | None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Run an evaluation with each of several configurations.

    Args:
        request: Evaluation to run.
        settings: One; or several that differ in their folder of weights, whose last part names each run.
        out: Folder of the report, or of one report a run and ``summary.json``.
        compute: Function that computes missing predictions.

    Returns:
        The scores of one run; of several ``runs`` by name with ``about`` and the figures, ``mean`` and
        ``std`` (of the runs as a whole, as in the paper's Table 3).

    Raises:
        BadConfigError: Two folders of weights have the same name, or the evaluation does not exist.
    """
    if len(settings) == 1:
        return evaluate_one(request, settings[0], out, compute=compute)
    names = [config.weights_dir.name if config.weights_dir else "default" for config in settings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadConfigError(
            f"two folders of weights are called {twice!r}; give each run a folder of its own name"
        )
    if request.kind != "attributes":
        raise BadConfigError("several --weights-dir are for attributes")
    runs = {
        name: evaluate_one(request, config, None if out is None else out / name, compute=compute)
        for name, config in zip(names, settings, strict=True)
    }
    figures = {name: _figures(scores) for name, scores in runs.items()}
    report = {
        "runs": {name: {**figures[name], "about": scores["about"]} for name, scores in runs.items()},
        **summary(list(figures.values())),
    }
    if out is not None:
        write_atomic(out / "summary.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def _figures(scores: dict[str, Any]) -> dict[str, float]:
    """Return single numbers by name; what is not defined in a run has no mean."""
    figures = {name: value for name, value in scores.items() if isinstance(value, float)}
    figures |= {
        f"images: {name}": value for name, value in scores["instances"].items() if isinstance(value, float)
    }
    return figures | {
        f"mA: {name}": row["mA"] for name, row in scores["attributes"].items() if row["mA"] is not None
    }
