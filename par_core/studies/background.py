"""The ablation of the background for the command line."""

from pathlib import Path
from typing import Any

from par_core.config import RunConfig
from par_core.predictions.cache import Compute
from par_core.predictions.compute import compute_here
from par_core.studies.evaluation import EvaluationRequest, run_evaluation

__all__ = ["compare_backgrounds"]


def compare_backgrounds(
    request: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Score attributes with the background eliminated, blurred and kept.

    Returns:
        ``variants``, ``changes`` and ``about``; NaN becomes None.

    Raises:
        BadConfigError: No such data set, or the folder does not hold it.
    """
    from par_core.evaluate.background import evaluate_background
    from par_core.reports.background import write_background

    run, scores = run_evaluation(request, config, out, compute, evaluate_background)
    if out is not None:
        write_background(out, run, scores)
    return scores
