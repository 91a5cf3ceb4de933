"""The report on faces: the paper's Table 2, coverage, heights, ages, and people with their faces."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.atomic import write_atomic
from par_core.config import ArchiveConfig
from par_core.datasets.folders import name_of
from par_core.evaluate.faces.run import FaceRun
from par_core.evaluate.faces.scores import EVERYBODY
from par_core.metrics.bootstrap import Interval
from par_core.reports.document import Bar, Figure, Report, Section, Table
from par_core.reports.face_sheet import face_sheets
from par_core.reports.render import as_html, as_markdown
from par_core.reports.wording import ends, how_intervals, number, signed, with_ends

__all__ = ["write_faces"]

_CONVENTIONS: Final = (
    (
        "A face belongs to a person if its centre lies in the upper 35 % of the person's picture and it is"
        " lower than 0.4 of it; of several, the largest."
    ),
    (
        "Women are the positive class; samples are women. A person without a face is not called a woman, and"
        " is in no group of ages."
    ),
    (
        "mA is (true positive rate + true negative rate) / 2. The mA of the paper's Table 2 for ages is plain"
        " accuracy, which is near 1 for any rare group that is never predicted; both are here."
    ),
    "An age counts in whole years. The paper's groups leave out 16; here it is in the first.",
    ("PAR's own answer is that of its describer at its threshold, from the cut-out of the whole person."),
)
_COLUMNS: Final = ("answers of", "samples", "people", "precision", "recall", "F1", "mA", "accuracy", "AUC")


def write_faces(out: Path, run: FaceRun, scores: Mapping[str, Any], config: ArchiveConfig) -> None:
    """Write ``report.html``, ``report.md``, ``faces.parquet`` (a row a person), and ``report.json`` last."""
    about = scores["about"]
    conventions = (*_CONVENTIONS, how_intervals(run.judged.groups))
    sections = tuple(
        section
        for section in (
            _gender(run),
            _differences(run),
            _agreement(run),
            _heights(run, "heights", "By height of the person"),
            _heights(run, "shrunk", "The same people, shrunk"),
            _orientation(run),
            _ages(run),
            _spread(run),
            Section("People and their faces", _SHEET_NOTE, sheets=face_sheets(run, config)),
        )
        if section is not None
    )
    report = Report(
        f"Faces on {about['dataset']}",
        f"{about['face_engine']}; beside it {about['models']}",
        _headlines(run),
        sections,
        conventions,
        about,
    )
    sink = pa.BufferOutputStream()
    pq.write_table(_table(run), sink, compression="zstd")
    write_atomic(out / "faces.parquet", sink.getvalue().to_pybytes())
    write_atomic(out / "report.html", as_html(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.md", as_markdown(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(scores, indent=1) + "\n").encode())


_SHEET_NOTE: Final = (
    "The face is framed, and shown larger at the feet. A solid frame around the picture is a right answer, a"
    " broken one a wrong answer."
)


def _table(run: FaceRun) -> pa.Table:
    names = pa.array([name_of(person.image) for person in run.people], pa.string())
    table = run.readings.table().add_column(0, "image", names)
    known = {"woman_label": run.judged.woman, "par_woman": run.judged.par}
    for name, column in known.items():
        if column is not None:
            table = table.append_column(name, pa.array(column, pa.float32(), from_pandas=True))
    return table


def _headlines(run: FaceRun) -> tuple[Figure, ...]:
    wanted = {
        "coverage": "have a face",
        "faces, everybody: mA": "mA, everybody",
        "faces, of people with one: mA": "mA, with a face",
        "PAR, of people with a face: mA": "mA of PAR, with a face",
        "with a face, from behind": "backs with a face",
    }
    figures = [
        Figure(shown, number(run.intervals[name].estimate), ends(run.intervals[name]))
        for name, shown in wanted.items()
        if name in run.intervals
    ]
    return (
        *figures,
        Figure("people", number(run.scores["people"])),
        Figure("errors", number(run.scores["errors"])),
    )


def _gender(run: FaceRun) -> Section:
    if "gender" not in run.scores:
        return Section("Gender", "The data set does not say who is a woman.")
    rows, bars = [], []
    for name, row in run.scores["gender"].items():
        rates = (number(row[metric]) for metric in ("precision", "recall", "f1"))
        ma = run.intervals[f"{name}: mA"]
        rest = (number(row[key]) if key in row else "" for key in ("accuracy", "auc"))
        rows.append((name, number(row["samples"]), number(row["people"]), *rates, with_ends(ma), *rest))
        bars.append(Bar.of(ma))
    wrong = number(run.scores["gender"][EVERYBODY]["mA_no_answer_wrong"])
    note = (
        "As in the paper's Table 2. Bars are mA; they begin at chance. If a person without a face counts as"
        f" an error, mA of faces is {wrong}."
    )
    return Section("Gender", note, table=Table(_COLUMNS, tuple(rows), tuple(bars), 0.5, (0.0, 1.0)))


def _differences(run: FaceRun) -> Section | None:
    found = {name: each for name, each in run.intervals.items() if name.startswith("faces less PAR")}
    if not found:
        return None
    rows = tuple((name, signed(each.estimate) + _star(each), ends(each)) for name, each in found.items())
    note = "Paired: every resample holds the same people for both. A star marks an interval without 0."
    return Section("Faces against PAR", note, table=Table(("figure", "difference", "interval"), rows))


def _star(interval: Interval) -> str:
    return " *" if interval.low > 0 or interval.high < 0 else ""


def _agreement(run: FaceRun) -> Section | None:
    figures = run.scores.get("agreement")
    if figures is None:
        return None
    note = (
        f"Of {figures['people']:,} people with a face, the face says woman for"
        f" {figures['faces_say_woman']:.1%}, PAR for {figures['par_says_woman']:.1%}; they say the same for"
        f" {figures['same']:.1%}."
    )
    return Section("Do faces and PAR agree?", note)


def _heights(run: FaceRun, which: str, title: str) -> Section | None:
    rows, bars = [], []
    for row in run.scores[which]:
        height = number(row["height"]) if which == "shrunk" else f"{row['low']:.0f} to {row['high']:.0f}"
        coverage, face = Interval(**row["coverage"]), row["median_face"]
        judged = [with_ends(Interval(**row["mA"])), number(row["recall"]["estimate"])] if "mA" in row else []
        size = "–" if math.isnan(face) else f"{face:.0f} px"
        changed = [number(row[key]) for key in ("says_woman", "same_as_unshrunk") if key in row]
        rows.append((f"{height} px", number(row["people"]), with_ends(coverage), size, *changed, *judged))
        bars.append(Bar.of(coverage))
    if not rows:
        return None
    columns: tuple[str, ...] = ("height", "people", "have a face", "height of faces")
    columns += ("called women", "answer as unshrunk") if which == "shrunk" else ()
    columns += ("mA, with a face", "recall of women") if run.judged.woman is not None else ()
    note = "Bars are the share with a face. The height of faces is the median."
    return Section(title, note, table=Table(columns, tuple(rows), tuple(bars)))


def _orientation(run: FaceRun) -> Section | None:
    rows = run.scores.get("orientation")
    if not rows:
        return None
    note = "A face on the back of a head is an error of the detector."
    cells = tuple(
        (name, number(row["people"]), with_ends(run.intervals[f"with a face, {name}"]))
        for name, row in rows.items()
    )
    bars = tuple(Bar.of(run.intervals[f"with a face, {name}"]) for name in rows)
    return Section("Faces on backs", note, table=Table(("seen", "people", "have a face"), cells, bars))


def _ages(run: FaceRun) -> Section | None:
    if not run.scores["ages"]:
        return None
    rows = []
    for name, row in run.scores["ages"].items():
        for which, shown in (("everybody", "everybody"), ("with_face", "with a face")):
            figures = row[which]
            both = (with_ends(run.intervals[f"{name}, {which}: {metric}"]) for metric in ("mA", "accuracy"))
            rates = (number(figures[metric]) for metric in ("precision", "recall", "f1"))
            rows.append((f"{name}, {shown}", number(row["samples"]), *rates, *both))
    columns = ("ages", "samples", "precision", "recall", "F1", "mA, balanced", "accuracy")
    return Section("Ages", table=Table(columns, tuple(rows)))


def _spread(run: FaceRun) -> Section | None:
    spread = run.scores["age_spread"]
    if not spread:
        return None
    note = (
        f"What the faces say: median {spread['median']:.0f} years, and four in five people between"
        f" {spread['p10']:.0f} and {spread['p90']:.0f}."
    )
    rows = tuple((name, number(count)) for name, count in spread["groups"].items())
    return Section("Ages that the faces show", note, table=Table(("years", "people"), rows))
