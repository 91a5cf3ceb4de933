"""The report on made data: the verdict, every arm with its intervals, distances, and a contact sheet."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from par_core.atomic import write_atomic
from par_core.evaluate.made.arms import REAL
from par_core.evaluate.made.comparison import DECIDING, HEADLINES, Comparison, Difference
from par_core.reports.document import Bar, Figure, Picture, Report, Section, Sheet, Table
from par_core.reports.render import as_html, as_markdown
from par_core.reports.thumbnails import jpeg_of_height
from par_core.reports.wording import number, signed

__all__ = ["Shown", "write_made"]

_HEIGHT_PX: Final = 220
_CONVENTIONS: Final = (
    "Every arm at one number of people has the same real people, the same heads (logistic regression on"
    " frozen features), the same budget of steps, and weights that add up to the number of real people.",
    "Gains are against the arm 'real'. Over seeds: 95 % t-intervals of the paired difference, each seed with"
    " other people to learn from. Over people: 95 % percentile bootstraps of the mean gain over test people,"
    " who are real, the same for all, and were not made into anything that is learned from.",
    f"The verdict is about the arm '{DECIDING}', which was decided beforehand: 'helps' or 'hurts' where both"
    " intervals leave 0 out on that side.",
    "With all people every seed learns from the same people: the interval over seeds is a point.",
    "Made people are learned from only where everybody of whom they have pixels is among the people of the"
    " arm; a network that made them has learned from more of the training people.",
    "The colours of labels and the acceptance of recoloured copies come from one naming of colours.",
)


class Shown:
    """A made picture beside its source, for the contact sheet.

    Args:
        made: File of the made picture.
        source: File of the picture it was made from.
        caption: What is changed, and how well it is told.
    """

    def __init__(self, made: Path, source: Path, caption: str) -> None:
        self.made, self.source, self.caption = made, source, caption

    def picture(self) -> Picture:
        """Source and copy side by side."""
        sides = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in (self.source, self.made)]
        resized = [
            cv2.resize(
                side,
                (max(1, round(side.shape[1] * _HEIGHT_PX / side.shape[0])), _HEIGHT_PX),
                interpolation=cv2.INTER_AREA,
            )
            for side in sides
        ]
        both = np.ascontiguousarray(np.hstack(resized), np.uint8)
        return Picture(jpeg_of_height(both, _HEIGHT_PX, 80), self.caption, self.made.name)


def write_made(
    out: Path,
    scores: Mapping[str, Any],
    comparisons: Mapping[str, Comparison],
    sheets: Mapping[str, Sequence[Shown]],
) -> None:
    """Write ``report.html``, ``report.md``, and ``report.json`` last.

    Args:
        out: The folder.
        scores: Everything, as JSON can hold it.
        comparisons: The arms, by network.
        sheets: Pictures for the contact sheets, by title.
    """
    about = scores["about"]
    figures = (
        Figure("made people", str(scores["people"]["made"])),
        Figure("real people to learn from", str(scores["people"]["train"])),
        Figure("test people", str(scores["people"]["test"])),
        Figure("tries kept", _share(scores["made"]["kept"], scores["made"]["tried"])),
        Figure(
            "describer agrees with the source", number(scores["fidelity"]["describer_agrees_with_source"])
        ),
    )
    verdicts = tuple(Section(f"Verdict: {name}", line) for name, line in scores["verdict"].items())
    arms = tuple(
        _headlines(name, n, rows)
        for name, comparison in comparisons.items()
        for n, rows in comparison.items()
    )
    shown = Section(
        "Pictures",
        "The source is on the left, the made picture on the right.",
        sheets=tuple(
            Sheet(title, "", tuple(each.picture() for each in chosen), wide=True)
            for title, chosen in sheets.items()
        ),
    )
    everything = tuple(
        _all(name, n, rows) for name, comparison in comparisons.items() for n, rows in comparison.items()
    )
    sections = (*verdicts, *arms, _distances(scores["distances"]), shown, *everything)
    report = Report(
        f"Made data ({scores['made']['kind']}) on {about['dataset']}",
        about["models"],
        figures,
        sections,
        _CONVENTIONS,
        about,
    )
    write_atomic(out / "report.html", as_html(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.md", as_markdown(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(scores, indent=1) + "\n").encode())


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _headlines(name: str, n: int, arms: Mapping[str, Mapping[str, Difference]]) -> Section:
    rows, bars = [], []
    for figure in HEADLINES:
        base = arms[REAL][figure].value
        scale = base or float("nan")
        rows.append((f"{figure}: {REAL}", number(base), "", "", ""))
        bars.append(Bar(0.0, float("nan"), float("nan")))
        for arm, figures in arms.items():
            if arm != REAL:
                each = figures[figure]
                ends = _ends(each.over_seeds), _ends(each.over_people)
                rows.append((arm, number(each.value), signed(each.gain), *ends))
                low, high = each.over_people
                bars.append(Bar(*(value / scale for value in (each.gain, low, high))))
    reach = max((abs(bar.value) for bar in bars if bar.value == bar.value), default=0.0) * 1.5 or 1.0
    columns = ("figure and arm", "value", "gain", "over seeds", "over people")
    table = Table(columns, tuple(rows), tuple(bars), 0.0, (-reach, reach))
    note = f"Bars: the gain as a share of the value of '{REAL}', with the interval over people."
    return Section(f"{name}: {n} real people", note, table=table)


def _all(name: str, n: int, arms: Mapping[str, Mapping[str, Difference]]) -> Section:
    rows = tuple(
        (figure, *(number(figures[figure].value) for figures in arms.values())) for figure in arms[REAL]
    )
    return Section(f"Every figure: {name}, {n} real people", table=Table(("figure", *arms), rows))


def _distances(distances: Mapping[str, Mapping[str, Any]]) -> Section:
    rows = tuple(
        (name, f"{row['kid_x1000']:.1f} ± {row['kid_x1000_deviation']:.1f}", f"{row['frechet']:.1f}")
        for name, row in distances.items()
    )
    return Section(
        "How near to real pictures",
        "In ImageNet features of the cut-outs: KID times 1000, and the Frechet distance on principal"
        " components. Real against real is the zero.",
        table=Table(("pictures", "KID x 1000", "Frechet"), rows),
    )


def _ends(ends: tuple[float, float]) -> str:
    return "" if ends[0] != ends[0] else f"{signed(ends[0])} to {signed(ends[1])}"
