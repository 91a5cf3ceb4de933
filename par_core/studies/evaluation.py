"""Evaluations for the command line and for deployments: one JSON object with the scores, the data and the
models.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from par_core.config import RunConfig
from par_core.datasets.attribute_sets import ATTRIBUTE_SETS
from par_core.datasets.captioned import CAPTIONED_SETS
from par_core.datasets.labelled_set import Split
from par_core.errors import BadConfigError
from par_core.models.fingerprints import fingerprints
from par_core.models.hardware import processor_name
from par_core.models.profiles import describe_models
from par_core.predictions.cache import Compute, PredictionCache
from par_core.predictions.compute import compute_here

if TYPE_CHECKING:
    from par_core.evaluate.attributes import AttributeRun
    from par_core.evaluate.person_search import PersonSearchRun
    from par_core.evaluate.retrieval import RetrievalRun
    from par_core.evaluate.segmentation import SegmentationRun
    from par_core.metrics.bootstrap import Interval
from par_core.version import installed_versions

__all__ = [
    "KINDS",
    "EvaluationRequest",
    "FaceEngine",
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
    "segmentation": ("pennfudan", "coco", "ccp", "made"),
    "attributes": tuple(ATTRIBUTE_SETS),
    "retrieval": ("ccp", "mit", *CAPTIONED_SETS),
    "background": tuple(ATTRIBUTE_SETS),
    "zero-shot": tuple(ATTRIBUTE_SETS),
    "faces": tuple(ATTRIBUTE_SETS),
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
class FaceEngine:
    """Engine that reads faces.

    Attributes:
        name: ``face-api`` or ``deepface``.
        detector: One of the engine's detectors; None for its first: ``short-range``, or ``opencv``.
        weights_dir: Folder of its weights; None for PAR's cache.
        python: For ``deepface``: Python of an environment that has the package.
        allow_downloads: For ``deepface``: let the package fetch missing weights.
        heights: Heights in pixels to which people are shrunk and read again.
    """

    name: str = "face-api"
    detector: str | None = None
    weights_dir: Path | None = None
    python: Path | None = None
    allow_downloads: bool = False
    heights: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """Evaluation to run.

    Attributes:
        kind: A key of ``KINDS``.
        dataset: One of its data sets.
        root: The data set's folder, or the folder that holds it.
        split: An official split by its number, or ``zs``.
        part: ``train``, ``val`` or ``test``; None for ``test`` where there is one, else everybody.
        faces: Engine that reads faces, for the kind ``faces``.
    """

    kind: str
    dataset: str
    root: Path
    split: Split = 0
    part: str | None = None
    faces: FaceEngine = FaceEngine()


def evaluate(
    request: EvaluationRequest,
    config: RunConfig,
    out: Path | None = None,
    *,
    compute: Compute = compute_here,
) -> dict[str, Any]:
    """Run one evaluation.

    Args:
        request: Evaluation to run.
        config: Names the models.
        out: Folder of the report, if one is wanted, and of the predictions, which the same command reads
            again.
        compute: Function that computes missing predictions.

    Returns:
        The scores, then ``intervals`` of some, then ``about``: what was measured, with which models and
            versions. NaN becomes None, as JSON has none.

    Raises:
        BadConfigError: No such data set for this kind, or the folder does not hold it.
    """
    require(request)
    from par_core.reports.folder import write_report

    fingerprints(config)  # says before the work starts which weights are missing
    with workplace(out, config) as folder:
        run = _run(request, config, PredictionCache(folder, compute))
        scores, ranges = with_intervals(run, about(request, run.data_digest, config))
        if out is not None:
            write_report(out, run, scores, ranges, config.archive)
    return scores


def with_intervals(
    run: "AttributeRun | PersonSearchRun | RetrievalRun | SegmentationRun", about: dict[str, Any]
) -> tuple[dict[str, Any], "Mapping[str, Interval]"]:
    """Return the scores of a run with ``intervals`` and ``about`` as JSON has them, and the intervals
    themselves.
    """
    from par_core.evaluate.comparison import intervals

    by_name = intervals(run.items)
    ranges = {name: asdict(interval) for name, interval in by_name.items()}
    return plain({**run.scores, "intervals": ranges, "about": about}), by_name


def run_evaluation(
    request: EvaluationRequest, config: RunConfig, out: Path | None, compute: Compute, by: Callable[..., R]
) -> tuple[R, dict[str, Any]]:
    """Run the models on the people of a data set and score them.

    Args:
        request: Evaluation to run.
        config: Names the models.
        out: Folder of the results, or None.
        compute: Function that computes missing predictions.
        by: Evaluation; takes data set, root, configuration and cache, and ``split`` and ``part`` by name.

    Returns:
        What ``by`` returns, and its scores with ``about`` as JSON has them.

    Raises:
        BadConfigError: No such data set for this kind, or the folder does not hold it.
    """
    require(request)
    with workplace(out, config) as folder:
        run = by(
            request.dataset,
            request.root,
            config,
            PredictionCache(folder, compute),
            split=request.split,
            part=request.part,
        )
    return run, plain({**run.scores, "about": about(request, run.data_digest, config)})


def require(request: EvaluationRequest) -> None:
    """Raise an error for an evaluation that does not exist.

    Raises:
        BadConfigError: Names what there is.
    """
    if request.kind not in KINDS:
        raise BadConfigError(f"no evaluation {request.kind!r}; there are: {', '.join(KINDS)}")
    if request.dataset not in KINDS[request.kind]:
        raise BadConfigError(
            f"{request.kind} cannot be evaluated on {request.dataset!r}, only on:"
            f" {', '.join(KINDS[request.kind])}"
        )
    if request.dataset in CAPTIONED_SETS:
        if request.split != 0:
            raise BadConfigError(
                f"{request.dataset} has one split; leave --split out, and choose with --part"
            )
    elif request.kind in ("segmentation", "retrieval") and (request.split != 0 or request.part is not None):
        raise BadConfigError(f"{request.kind} is evaluated on everybody; leave --split and --part out")


def about(request: EvaluationRequest, data_digest: str, config: RunConfig) -> dict[str, Any]:
    """Return the data that was measured, and :func:`made_with`."""
    from par_core.evaluate.comparison import SEED

    part = (
        {} if request.split == 0 and request.part is None else {"split": request.split, "part": request.part}
    )
    data = {
        "kind": request.kind,
        "dataset": request.dataset,
        "root": str(request.root),
        **part,
        "seed": SEED,
        "data_digest": data_digest,
    }
    return {**data, **made_with(config)}


def made_with(config: RunConfig) -> dict[str, Any]:
    """Return the date, the command, and the models and versions that decide the scores.

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
    """Return the date, the command, the machine and the versions of packages."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["par", *sys.argv[1:]]),
        "machine": processor_name(),
        "versions": {"python": platform.python_version(), **installed_versions(_PACKAGES)},
    }


@contextmanager
def workplace(out: Path | None, config: RunConfig) -> Iterator[Path]:
    """Yield the folder of the results, or a temporary one that is deleted after the block.

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
    request: EvaluationRequest, config: RunConfig, cache: PredictionCache
) -> "AttributeRun | PersonSearchRun | RetrievalRun | SegmentationRun":
    from par_core.evaluate.attributes import evaluate_attributes
    from par_core.evaluate.person_search import evaluate_person_search
    from par_core.evaluate.retrieval import evaluate_retrieval
    from par_core.evaluate.segmentation import evaluate_segmentation

    match request.kind, request.dataset:
        case "segmentation", ("pennfudan" | "coco" | "ccp" | "made") as outlined:
            return evaluate_segmentation(outlined, request.root, config, cache)
        case "attributes", dataset:
            return evaluate_attributes(
                dataset, request.root, config, cache, split=request.split, part=request.part
            )
        case "retrieval", ("ccp" | "mit") as labelled:
            return evaluate_retrieval(labelled, request.root, config, cache)
        case "retrieval", captioned:
            return evaluate_person_search(captioned, request.root, config, cache, part=request.part)
    raise BadConfigError(f"no evaluation of {request.kind} on {request.dataset}")


def plain(value: Any) -> Any:
    """Return the same value with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
