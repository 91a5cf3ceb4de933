"""Attributes by words alone, for the command line."""

from pathlib import Path
from typing import Any

from par_core.config import RunConfig
from par_core.predictions.cache import Compute
from par_core.predictions.compute import compute_here
from par_core.studies.evaluation import EvaluationRequest, run_evaluation

__all__ = ["ask_in_words"]


def ask_in_words(
    request: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Score every attribute of a data set by a single prompt, by an ensemble and by a contrasting pair.

    Returns:
        The scores and ``about``; NaN becomes None.

    Raises:
        BadConfigError: No such data set, or the folder does not hold it.
    """
    from par_core.evaluate.zero_shot import evaluate_zero_shot
    from par_core.reports.zero_shot import write_zero_shot

    _, scores = run_evaluation(request, config, out, compute, evaluate_zero_shot)
    if out is not None:
        write_zero_shot(out, scores)
    return scores
