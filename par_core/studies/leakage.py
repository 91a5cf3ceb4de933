"""Leakage between train and test for the command line: a page, pairs as CSV, figures as JSON, and what is
left after cleaning.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.config import RunConfig
from par_core.datasets.attribute_sets import AttributeSet, read_attribute_set
from par_core.datasets.crops import crop_people
from par_core.datasets.folders import name_of
from par_core.datasets.labelled_set import Split
from par_core.errors import BadConfigError
from par_core.evaluate.leakage.pictures import Part, folder_part, set_parts
from par_core.evaluate.leakage.scores import CleanedScore, cleaned_object, cleaned_scores
from par_core.evaluate.leakage.search import Limits, find_leakage, leakage_figures, write_cleaned, write_pairs
from par_core.evaluate.saved_run import read_run
from par_core.predictions.cache import Compute, PredictionCache
from par_core.predictions.compute import compute_here
from par_core.reports.leakage import leakage_page
from par_core.reports.render import as_html
from par_core.studies.evaluation import made_with, plain
from par_core.version import __version__

__all__ = ["LeakageRequest", "report_leakage"]

_KEPT: Final = "looked-at"
_CROPS: Final = "crops"


@dataclass(frozen=True, slots=True)
class LeakageRequest:
    """Parts to compare, and where the results go.

    Attributes:
        folders: Train and test; or none, and a data set.
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        split: An official split by its number, or ``zs``.
        out: Folder of the results.
        limits: What counts as a counterpart.
        scores: The folder of a report on the test part, or None.
        top: Number of pairs of each kind the page shows.
    """

    folders: tuple[Path, ...]
    dataset: str | None
    root: Path | None
    split: Split
    out: Path
    limits: Limits
    scores: Path | None
    top: int


def report_leakage(
    request: LeakageRequest, config: RunConfig, compute: Compute = compute_here
) -> dict[str, Any]:
    """Compare the parts, and write ``report.html``, ``pairs.csv``, ``cleaned-train`` and ``cleaned-test``
    (.csv, for folders .txt), and last ``report.json``.

    Returns:
        Content of ``report.json``.

    Raises:
        BadConfigError: Neither a data set nor two folders are named, or both; they cannot be read, or weights
            are missing.
    """
    out = request.out
    if out.exists() and not out.is_dir():
        raise BadConfigError(f"--out {out} is a file, not a folder")
    run = None if request.scores is None else read_run(request.scores)
    about = made_with(config)
    train, test, data = _parts(request)
    counterparts = find_leakage(train, test, request.limits, config, PredictionCache(out / _KEPT, compute))
    figures = leakage_figures(counterparts)
    compared: list[CleanedScore] = []
    scores: dict[str, Any] = {}
    if run is not None:
        leaked = {name_of(test.names[i]) for i in counterparts.leaked.nonzero()[0].tolist()}
        compared, kept = cleaned_scores(run, {name_of(name) for name in test.names}, leaked)
        scores = {"scores": cleaned_object(compared, run, kept)}
    parts_name = request.dataset or f"{request.folders[0]} and {request.folders[1]}"
    about |= {
        "dataset": parts_name,
        "root": str(request.root or ""),
        "split": str(request.split),
        "max_bits": request.limits.max_bits,
        "par": __version__,
    }
    report: dict[str, Any] = plain({**figures, **scores, "about": about})
    page = leakage_page(
        f"Leakage from train to test: {parts_name}",
        counterparts,
        figures,
        compared,
        request.top,
        about,
        config.archive,
    )
    write_pairs(out / "pairs.csv", counterparts)
    write_cleaned(out, counterparts, data)
    write_atomic(out / "report.html", as_html(page).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(report, indent=1) + "\n").encode())
    return report


def _parts(request: LeakageRequest) -> tuple[Part, Part, AttributeSet | None]:
    if (
        len(request.folders) not in (0, 2)
        or bool(request.folders) == (request.dataset is not None)
        or (request.dataset is None) != (request.root is None)
    ):
        raise BadConfigError(
            "name two folders (par leakage TRAIN TEST --out DIR) or a data set (par leakage --dataset NAME"
            " --root DIR --out DIR)"
        )
    if request.dataset is None or request.root is None:
        first, second = request.folders
        return folder_part(first), folder_part(second), None
    data = read_attribute_set(request.dataset, request.root, request.split)
    return *set_parts(data, crop_people(data, request.out / _CROPS)), data
