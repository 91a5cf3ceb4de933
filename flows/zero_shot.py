"""Attributes by words alone, for the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.evaluation import Asked, judge
from flows.score_table import table
from par_core.config import RunConfig
from par_core.evaluate.observation import CarryOut
from par_core.evaluate.observing import observe_here

__all__ = ["ask_in_words", "zero_shot_lines"]


def ask_in_words(asked: Asked, config: RunConfig, out: Path | None = None, *, carry_out: CarryOut = observe_here) -> dict[str, Any]:
    """Ask for every attribute of a data set by a single prompt, by an ensemble and by a contrasting pair.

    Returns:
        The scores and ``about``; NaN becomes None.

    Raises:
        BadConfigError: No such data set, or the folder does not hold it.
    """
    from par_core.evaluate.report.zero_shot import write_zero_shot
    from par_core.evaluate.zero_shot_run import evaluate_zero_shot

    _, scores = judge(asked, config, out, carry_out, evaluate_zero_shot)
    if out is not None:
        write_zero_shot(out, scores)
    return scores


def zero_shot_lines(scores: dict[str, Any]) -> Iterator[str]:
    """Means of every mode, then every attribute by the contrasting pair at 0.5, as the paper's Table 4, beside the other modes."""
    told, chosen = scores["about"], scores["validation"]
    yield f"zero-shot on {told['dataset']} ({told['root']}), {told['models']}, {scores['images']} images, {scores['found']} people found"
    yield from table(scores["modes"])
    yield "  the pair at the threshold 0.5:"
    yield from table({name: {key: value for key, value in row["pair"]["fixed"].items() if key != "threshold"} for name, row in scores["attributes"].items()})
    yield "  mA of each way at the threshold chosen for it:"
    yield from table({name: {mode: row[mode]["best"]["mA"] for mode in scores["modes"]} for name, row in scores["attributes"].items()})
    for name, words in scores["not_answered"].items():
        yield f"  {name}: not answered, the text tower never saw {', '.join(words)}"
    if scores["too_few"]:
        yield f"  fewer than five people have or lack: {', '.join(scores['too_few'])}"
    yield f"  thresholds were chosen for mA on {chosen['people']} other people ({chosen['how']})"
