"""The ablation of the background for the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.evaluation import Asked, judge
from par_core.config import RunConfig
from par_core.evaluate.observation import CarryOut
from par_core.evaluate.observing import observe_here

__all__ = ["background_lines", "compare_backgrounds"]


def compare_backgrounds(asked: Asked, config: RunConfig, out: Path | None = None, *, carry_out: CarryOut = observe_here) -> dict[str, Any]:
    """Score attributes with the background eliminated, blurred and kept.

    Returns:
        ``variants``, ``changes`` and ``about``; NaN becomes None.

    Raises:
        BadConfigError: No such data set, or the folder does not hold it.
    """
    from par_core.evaluate.background_run import evaluate_background
    from par_core.evaluate.report.background import write_background

    run, scores = judge(asked, config, out, carry_out, evaluate_background)
    if out is not None:
        write_background(out, run, scores)
    return scores


def background_lines(scores: dict[str, Any]) -> Iterator[str]:
    """The figures by default, and what every variant changes; a star marks an interval without 0."""
    told = scores["about"]
    yield f"background on {told['dataset']} ({told['root']}), {told['models']}, {scores['images']} images, {scores['found']} people found"
    for variant, row in scores["variants"].items():
        figures = {name: row[name] for name in ("mean_auc", "mA") if row[name] is not None}
        yield f"  {variant:32}" + "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
    for variant, changes in scores["changes"].items():
        yield f"{variant}, against the default:"
        for name, each in changes.items():
            if each["low"] is None:
                continue
            mark = "*" if each["low"] > 0 or each["high"] < 0 else " "
            yield f"  {name:32}{each['estimate']:+.3f} {mark} ({each['low']:+.3f} to {each['high']:+.3f})"
