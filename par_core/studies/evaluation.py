"""Evaluations for the command line and for deployments: as one JSON object that says what was measured with
what.
"""

import math
import platform
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from par_core.config import RunConfig
from par_core.datasets.attribute_sets import ATTRIBUTE_SETS
from par_core.datasets.labelled_set import Split
from par_core.errors import BadConfigError
from par_core.models.hardware import processor_name
from par_core.models.profiles import describe_models, fingerprints
from par_core.predictions.cache import CarryOut, Observer
from par_core.predictions.compute import observe_here

if TYPE_CHECKING:
    from par_core.evaluate.attributes import AttributeRun
    from par_core.evaluate.retrieval import RetrievalRun
    from par_core.evaluate.segmentation import SegmentationRun
    from par_core.metrics.bootstrap import Interval

__all__ = [
    "KINDS",
    "EvaluationRequest",
    "about",
    "evaluate",
    "machine_and_versions",
    "made_with",
    "plain",
    "run_evaluation",
    "with_intervals",
]

#: What can be evaluated, on which data sets.
KINDS: Final = {
    "segmentation": ("pennfudan", "coco", "ccp"),
    "attributes": tuple(ATTRIBUTE_SETS),
    "retrieval": ("ccp", "mit"),
    "background": tuple(ATTRIBUTE_SETS),
    "zero-shot": tuple(ATTRIBUTE_SETS),
}

_PACKAGES: Final = ("torch", "torchvision", "openvino", "open_clip_torch", "timm", "numpy", "scipy")


@runtime_checkable
class _Scored(Protocol):
    @property
    def scores(self) -> dict[str, Any]: ...
    @property
    def data_digest(self) -> str: ...


R = TypeVar("R", bound=_Scored)


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is to be evaluated.

    Attributes:
        kind: A key of ``KINDS``.
        dataset: One of its data sets.
        root: The data set's folder, or the folder that holds it.
        split: An official split by its number, or ``zs``.
        part: ``train``, ``val`` or ``test``; None for ``test`` where there is one, else everybody.
    """

    kind: str
    dataset: str
    root: Path
    split: Split = 0
    part: str | None = None


def evaluate(
    asked: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    carry_out: CarryOut = observe_here,
) -> dict[str, Any]:
    """Run one evaluation.

    Args:
        asked: What is to be evaluated.
        config: Names the models.
        out: Folder for the report, if one is wanted, and for what the models saw: the same command finds it
            again.
        carry_out: How the models look at the pictures.

    Returns:
        The scores, then ``intervals`` of some, then ``about``: what was measured, with which models and
            versions. NaN becomes None, as JSON has none.

    Raises:
        BadConfigError: No such data set for this kind, or the folder does not hold it.
    """
    require(asked)
    from par_core.reports.folder import write_report

    fingerprints(config)  # says before the work starts which weights are missing
    with workplace(out, config) as folder:
        run = _run(asked, config, Observer(folder, carry_out))
        scores, told = with_intervals(run, about(asked, run.data_digest, config))
        if out is not None:
            write_report(out, run, scores, told, config.archive)
    return scores


def with_intervals(
    run: "AttributeRun | RetrievalRun | SegmentationRun", about: dict[str, Any]
) -> tuple[dict[str, Any], "Mapping[str, Interval]"]:
    """The scores of a run with ``intervals`` and ``about`` as JSON has them, and the intervals themselves."""
    from par_core.evaluate.comparison import intervals

    told = intervals(run.items)
    ranges = {name: asdict(each) for name, each in told.items()}
    return plain({**run.scores, "intervals": ranges, "about": about}), told


def run_evaluation(
    asked: EvaluationRequest, config: RunConfig, out: Path | None, carry_out: CarryOut, by: Callable[..., R]
) -> tuple[R, dict[str, Any]]:
    """Look at the people of a data set and score them.

    Args:
        asked: What is to be evaluated.
        config: Names the models.
        out: Folder of the results, or None.
        carry_out: How the models look at the pictures.
        by: Takes data set, root, configuration and observer, and ``split`` and ``part`` by name.

    Returns:
        What ``by`` returns, and its scores with ``about`` as JSON has them.

    Raises:
        BadConfigError: No such data set for this kind, or the folder does not hold it.
    """
    require(asked)
    with workplace(out, config) as folder:
        run = by(
            asked.dataset, asked.root, config, Observer(folder, carry_out), split=asked.split, part=asked.part
        )
    return run, plain({**run.scores, "about": about(asked, run.data_digest, config)})


def require(asked: EvaluationRequest) -> None:
    """Raise for what cannot be evaluated.

    Raises:
        BadConfigError: Names what there is.
    """
    if asked.kind not in KINDS:
        raise BadConfigError(f"no evaluation {asked.kind!r}; there are: {', '.join(KINDS)}")
    if asked.dataset not in KINDS[asked.kind]:
        raise BadConfigError(
            f"{asked.kind} cannot be evaluated on {asked.dataset!r}, only on: {', '.join(KINDS[asked.kind])}"
        )
    if asked.kind in ("segmentation", "retrieval") and (asked.split != 0 or asked.part is not None):
        raise BadConfigError(f"{asked.kind} is evaluated on everybody; leave --split and --part out")


def about(asked: EvaluationRequest, data_digest: str, config: RunConfig) -> dict[str, Any]:
    """What was measured on which data, and what :func:`made_with` tells."""
    from par_core.evaluate.comparison import SEED

    part = {} if asked.split == 0 and asked.part is None else {"split": asked.split, "part": asked.part}
    data = {
        "kind": asked.kind,
        "dataset": asked.dataset,
        "root": str(asked.root),
        **part,
        "seed": SEED,
        "data_digest": data_digest,
    }
    return {**data, **made_with(config)}


def made_with(config: RunConfig) -> dict[str, Any]:
    """The date, the command, and the models and versions that decide what comes out.

    Raises:
        WeightsError: Weights are missing; names the file and where to put it.
    """
    prints = fingerprints(config)
    return {
        **machine_and_versions(),
        "models": describe_models(config),
        "fingerprints": {
            "segmenter": prints.segmenter,
            "describer": prints.describer,
            "embedding": prints.embedding,
        },
    }


def machine_and_versions() -> dict[str, Any]:
    """The date, the command, the machine and the versions of what runs here."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["par", *sys.argv[1:]]),
        "machine": processor_name(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }


@contextmanager
def workplace(out: Path | None, config: RunConfig) -> Iterator[Path]:
    """The folder of the results, or one that is gone after the block.

    Raises:
        BadConfigError: ``out`` is a file, or workers on other machines have no folder to write to.
    """
    if out is None:
        if config.machine.scheduler is not None:
            raise BadConfigError(
                "workers of a scheduler need a folder that all of them see: name one with --out"
            )
        with tempfile.TemporaryDirectory(prefix="par-evaluate-") as folder:
            yield Path(folder)
        return
    if out.exists() and not out.is_dir():
        raise BadConfigError(f"--out {out} is a file, not a folder")
    yield out


def _run(
    asked: EvaluationRequest, config: RunConfig, observer: Observer
) -> "AttributeRun | RetrievalRun | SegmentationRun":
    from par_core.evaluate.attributes import evaluate_attributes
    from par_core.evaluate.retrieval import evaluate_retrieval
    from par_core.evaluate.segmentation import evaluate_segmentation

    match asked.kind, asked.dataset:
        case "segmentation", ("pennfudan" | "coco" | "ccp") as outlined:
            return evaluate_segmentation(outlined, asked.root, config, observer)
        case "attributes", dataset:
            return evaluate_attributes(
                dataset, asked.root, config, observer, split=asked.split, part=asked.part
            )
        case "retrieval", ("ccp" | "mit") as labelled:
            return evaluate_retrieval(labelled, asked.root, config, observer)
    raise BadConfigError(f"no evaluation of {asked.kind} on {asked.dataset}")


def plain(value: Any) -> Any:
    """The same with None for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
