"""Evaluations for the command line: with a progress bar, as one JSON object that says what was measured with what."""

import math
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.console import Console
from rich.progress import track

from par_core.config import RunConfig
from par_core.errors import BadConfigError
from par_core.models.hardware import processor_name
from par_core.models.profiles import describe_models, fingerprints

if TYPE_CHECKING:
    from par_core.evaluate.description_run import AttributeRun, RetrievalRun
    from par_core.evaluate.segmentation_run import SegmentationRun

__all__ = ["KINDS", "evaluate", "follow", "machine_and_versions", "made_with", "plain", "summary_lines"]

#: What can be evaluated, on which data sets.
KINDS: Final = {"segmentation": ("pennfudan", "coco", "ccp"), "attributes": ("ccp", "mit"), "retrieval": ("ccp", "mit")}

_PACKAGES: Final = ("torch", "torchvision", "openvino", "open_clip_torch", "timm", "numpy", "scipy")

T = TypeVar("T")


def evaluate(kind: str, dataset: str, root: Path, config: RunConfig, out: Path | None = None) -> dict[str, Any]:
    """Run one evaluation.

    Args:
        kind: A key of ``KINDS``.
        dataset: One of its data sets.
        root: The data set's folder, or the folder that holds it.
        config: Names the models.
        out: Folder for the report, if one is wanted.

    Returns:
        The scores, then ``intervals`` of some, then ``about``: what was measured, with which models and versions. NaN becomes None, as JSON has none.

    Raises:
        BadConfigError: No such data set for this kind, or the folder does not hold it.
    """
    if kind not in KINDS:
        raise BadConfigError(f"no evaluation {kind!r}; there are: {', '.join(KINDS)}")
    if dataset not in KINDS[kind]:
        raise BadConfigError(f"{kind} cannot be evaluated on {dataset!r}, only on: {', '.join(KINDS[kind])}")
    from par_core.evaluate.comparison import SEED, intervals
    from par_core.evaluate.report.folder import write_report

    fingerprints(config)  # says before the work starts which weights are missing
    run = _run(kind, dataset, root, config)
    told = intervals(run.items)
    about = {"kind": kind, "dataset": dataset, "root": str(root), "seed": SEED, "data_digest": run.data_digest, **made_with(config)}
    ranges = {name: {"estimate": each.estimate, "low": each.low, "high": each.high} for name, each in told.items()}
    scores: dict[str, Any] = plain({**run.scores, "intervals": ranges, "about": about})
    if out is not None:
        write_report(out, run, scores, told, config.archive)
    return scores


def made_with(config: RunConfig) -> dict[str, Any]:
    """The date, the command, and the models and versions that decide what comes out.

    Raises:
        WeightsError: Weights are missing; names the file and where to put it.
    """
    prints = fingerprints(config)
    return {
        **machine_and_versions(),
        "models": describe_models(config),
        "fingerprints": {"segmenter": prints.segmenter, "describer": prints.describer, "embedding": prints.embedding},
    }


def machine_and_versions() -> dict[str, Any]:
    """The date, the command, the machine and the versions of what runs here."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["par", *sys.argv[1:]]),
        "machine": processor_name(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }


def summary_lines(scores: dict[str, Any]) -> Iterator[str]:
    """The scores as a table for people: single figures first, then a line for each attribute or query."""
    about = scores["about"]
    yield f"{about['kind']} on {about['dataset']} ({about['root']}), {about['models']}"
    for name, value in scores.items():
        if not isinstance(value, dict):
            yield f"  {name:32}{_figure(value)}" + _range(scores["intervals"].get(name))
    yield from (f"  {count:,} labels matched with nobody: {status}" for status, count in scores.get("unmatched", {}).items())
    for group in ("attributes", "queries"):
        for name, row in scores.get(group, {}).items():
            yield f"  {name:32}" + "  ".join(f"{key} {_figure(value)}" for key, value in row.items())


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _range(interval: dict[str, float | None] | None) -> str:
    return f" ({_figure(interval['low'])} to {_figure(interval['high'])})" if interval and interval["low"] is not None else ""


def _run(kind: str, dataset: str, root: Path, config: RunConfig) -> "AttributeRun | RetrievalRun | SegmentationRun":
    from par_core.evaluate.description_run import evaluate_attributes, evaluate_retrieval
    from par_core.evaluate.segmentation_run import evaluate_segmentation

    match kind, dataset:
        case "segmentation", ("pennfudan" | "coco" | "ccp") as outlined:
            return evaluate_segmentation(outlined, root, config, follow)
        case "attributes", ("ccp" | "mit") as labelled:
            return evaluate_attributes(labelled, root, config, follow)
        case "retrieval", ("ccp" | "mit") as labelled:
            return evaluate_retrieval(labelled, root, config, follow)
    raise BadConfigError(f"no evaluation of {kind} on {dataset}")


def follow(items: Sequence[T], what: str) -> Iterable[T]:
    """The items, with a progress bar where somebody looks on."""
    console = Console(stderr=True)
    return track(items, what, console=console, disable=not console.is_terminal)


def plain(value: Any) -> Any:
    """The same with None for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
