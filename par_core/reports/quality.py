"""The part of a report on attributes that tells where the model breaks down."""

from collections.abc import Mapping, Sequence
from typing import Final

from par_core.evaluate.quality_bands import MEASURES, Band
from par_core.reports.document import Bar, Section, Table
from par_core.reports.plots import by_rank
from par_core.reports.wording import with_ends

__all__ = ["quality_sections"]

_SPOKEN: Final = {
    "height_px": ("height in pixels", "Height of the person's box."),
    "glvn": ("GLVN", "Normalised grey-level variance inside the box: high is sharp and rich in contrast."),
    "brisque": ("BRISQUE", "Mittal et al. 2012, of the pixels inside the box: low is natural."),
}
_NOTE: Final = "People are put in order and cut into parts of equal size; bars begin at 0.5, which is chance."


def quality_sections(bands: Mapping[str, Sequence[Band]]) -> tuple[Section, ...]:
    """A plot and a table for each measure that has bands; one sentence where none has."""
    sections = tuple(_section(measure, bands[measure]) for measure in MEASURES if bands.get(measure))
    return sections or (
        Section(
            "Scores by quality",
            "There are too few people to tell scores by quality: it takes at least 40 of known quality.",
        ),
    )


def _section(measure: str, bands: Sequence[Band]) -> Section:
    name, meaning = _SPOKEN[measure]
    rows = tuple(
        (
            f"{_short(band.low)} to {_short(band.high)}",
            with_ends(band.ma),
            with_ends(band.accuracy),
            f"{band.people:,}",
        )
        for band in bands
    )
    bars = tuple(Bar.of(band.ma) for band in bands)
    lowest = min([0.5, *(bar.low for bar in bars if bar.low == bar.low)])
    table = Table((name, "mA", "accuracy", "people"), rows, bars, 0.5, (lowest, 1.0))
    plot = by_rank(f"mA by {name}", f"part of the people by {name}", "mA", [band.ma for band in bands])
    return Section(f"Scores by {name}", f"{meaning} {_NOTE}", plot=plot, table=table)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
