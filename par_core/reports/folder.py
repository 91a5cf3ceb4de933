"""The folder of a report: ``report.html``, ``report.md``, ``report.json``, ``items.parquet`` for comparisons;
of attributes ``quality.json``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.archive.brisque_model import installed_model
from par_core.atomic import write_atomic
from par_core.config import ArchiveConfig
from par_core.evaluate.attributes import AttributeRun
from par_core.evaluate.items import ACCURACIES
from par_core.evaluate.person_search import PersonSearchRun
from par_core.evaluate.quality_bands import bands_object, measure_people, quality_bands
from par_core.evaluate.retrieval import RetrievalRun
from par_core.evaluate.segmentation import SegmentationRun
from par_core.metrics.bootstrap import Interval
from par_core.reports import attributes, person_search, retrieval, segmentation
from par_core.reports.document import Figure, Report
from par_core.reports.quality import quality_sections
from par_core.reports.render import as_html, as_markdown
from par_core.reports.wording import ends, how_intervals, number, spoken

__all__ = ["write_report"]

_HEADLINES: Final = (  # the figures at the top, where a run has them
    *("mean_auc", "mA", *(f"accuracy: {name}" for name in ACCURACIES), "mean_ece", "mean_ece_by_chance"),
    *("mean_ap_over_prevalence", "pairs_recall_at_10_over_chance"),
    *("r_at_1", "r_at_5", "r_at_10", "map", "minp"),
    *("mask_ap50", "mask_ap75", "precision", "recall", "quality", "false_people_per_empty_image"),
    *("images", "people", "found"),
)

Run = AttributeRun | PersonSearchRun | RetrievalRun | SegmentationRun


def write_report(
    out: Path, run: Run, scores: Mapping[str, Any], intervals: Mapping[str, Interval], config: ArchiveConfig
) -> None:
    """Write the files; ``report.json`` last.

    Args:
        out: The folder; made if it is not there.
        run: What the evaluation saw.
        scores: Its figures with ``intervals`` and ``about``, as JSON can hold them.
        intervals: The figures with intervals.
        config: The limits on what is read of pictures.
    """
    about = scores["about"]
    match run:
        case AttributeRun():
            measured = measure_people(
                [person.image for person in run.people], run.boxes, config, installed_model(), run.quality
            )
            bands = {
                measure: quality_bands(run.items, values, about["seed"])
                for measure, values in measured.items()
            }
            write_atomic(out / "quality.json", (json.dumps(bands_object(bands), indent=1) + "\n").encode())
            every, *others = attributes.attribute_sections(run, intervals, config)
            sections, conventions = (every, *quality_sections(bands), *others), attributes.CONVENTIONS
        case RetrievalRun():
            sections, conventions = (
                retrieval.retrieval_sections(run, intervals, config),
                retrieval.CONVENTIONS,
            )
        case PersonSearchRun():
            sections, conventions = (
                person_search.person_search_sections(run, intervals, config),
                person_search.CONVENTIONS,
            )
        case SegmentationRun():
            sections, conventions = segmentation.segmentation_sections(run), segmentation.CONVENTIONS
    title = f"{about['kind'].capitalize()} on {about['dataset']}"
    sentences = (*conventions, how_intervals(run.items.groups))
    report = Report(title, about["models"], _headlines(scores, intervals), sections, sentences, about)
    sink = pa.BufferOutputStream()
    pq.write_table(run.items.table(), sink, compression="zstd")
    write_atomic(out / "items.parquet", sink.getvalue().to_pybytes())
    write_atomic(out / "report.html", as_html(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.md", as_markdown(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(scores, indent=1) + "\n").encode())


def _headlines(scores: Mapping[str, Any], intervals: Mapping[str, Interval]) -> tuple[Figure, ...]:
    figures = {}
    for name in _HEADLINES:
        if name in intervals:
            figures[name] = Figure(spoken(name), number(intervals[name].estimate), ends(intervals[name]))
        elif scores.get(name) is not None:
            figures[name] = Figure(spoken(name), number(scores[name]))
    return tuple(figures.values())
