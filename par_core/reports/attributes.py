"""The report on attributes: calibration, every attribute with its interval, and the people that the
model was surest about.
"""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Final

import numpy as np

from par_core.config import ArchiveConfig
from par_core.evaluate.attributes import AttributeRun
from par_core.metrics.bootstrap import Interval
from par_core.metrics.calibration import Reliability
from par_core.metrics.label_based import known_items
from par_core.reports.document import Bar, Picture, Section, Sheet, Table
from par_core.reports.plots import reliability_diagram
from par_core.reports.thumbnails import person_crop
from par_core.reports.wording import number, spoken, with_ends

__all__ = ["CONVENTIONS", "attribute_sections"]

CONVENTIONS: Final[tuple[str, ...]] = (
    (
        "An attribute counts as seen where its probability reaches the threshold in the table, which was"
        " chosen on validation people."
    ),
    (
        "mA of an attribute is (true positive rate + true negative rate) / 2; mA and mean AUC are means over"
        " the attributes of clothing where the data set is labelled in PAR's own vocabulary, else over all"
        " attributes that are scored."
    ),
    (
        "A person of whom the model gives no answer, as of shoes that a portrait does not show, counts as not"
        " having the attribute; answered is the share of the people who have an answer."
    ),
    (
        "Unknown labels, and labels that a data set only suggests, are left out; so are attributes that fewer"
        " than five people have or lack."
    ),
)
_EACH: Final = 2  # people of each kind: right and wrong, with the attribute and without


def attribute_sections(
    run: AttributeRun, intervals: Mapping[str, Interval], config: ArchiveConfig
) -> tuple[Section, ...]:
    """Calibration, the table of attributes, and a contact sheet of each."""
    scored = run.scores["attributes"]
    if not scored:
        return (
            Section(
                "Attributes",
                "There is no attribute that both the model knows and the data set labels for at least five"
                " people with it and without.",
            ),
        )
    names = sorted(scored, key=lambda name: -scored[name]["auc"])
    bars = tuple(Bar.of(intervals[f"auc: {name}"]) for name in names)
    columns = (
        "attribute",
        "AUC",
        "mA",
        "precision",
        "recall",
        "F1",
        "accuracy",
        "calibration error",
        "by chance",
        "threshold",
        "prevalence",
        "people",
        "answered",
    )
    keys = (
        *("mA", "precision", "recall", "f1", "accuracy", "ece", "ece_by_chance"),
        *("threshold", "prevalence", "n", "answered"),
    )
    rows = tuple(
        (spoken(name), with_ends(intervals[f"auc: {name}"]), *(number(scored[name][key]) for key in keys))
        for name in names
    )
    note = "Area under the ROC curve with its 95 % interval. Bars begin at 0.5, which is chance."
    pooled = reduce(
        add,
        (
            Reliability.of(*known_items(run.items.labels[:, i], run.items.probabilities[:, i]))
            for i in map(run.items.attributes.index, names)
        ),
    )
    calibration = (
        f"All attributes together, in ten bins; the calibration error is {number(float(pooled.ece))}. On the"
        " diagonal, 70 % of the people with a probability of 0.7 have it. The area of a circle is the number"
        " of answers."
    )
    over_images = ", ".join(
        f"{name} {number(value)}" for name, value in run.scores["instances"].items() if name != "convention"
    )
    unanswered = ", ".join(map(spoken, run.scores["not_answered"]))
    whole = f"Over images: {over_images}. {run.scores['instances']['convention']}" + (
        f" Attributes that the model does not know: {unanswered}." if unanswered else ""
    )
    sheets = tuple(_sheet(run, name, config) for name in names)
    surest = (
        "For each attribute, the people that the model was surest about: rightly (solid frame) and wrongly"
        " (broken frame). Yes or no is the label."
    )
    return (
        Section(
            "Every attribute",
            note,
            table=Table(columns, rows, bars, 0.5, (min(0.5, *(bar.low for bar in bars)), 1.0)),
        ),
        Section("Every image", whole),
        Section("Do probabilities mean what they say?", calibration, plot=reliability_diagram(pooled)),
        Section("Right and wrong", surest, sheets=sheets),
    )


def _sheet(run: AttributeRun, name: str, config: ArchiveConfig) -> Sheet:
    column = run.items.attributes.index(name)
    y, p, threshold = (
        run.items.labels[:, column],
        run.items.probabilities[:, column],
        run.items.thresholds[name],
    )
    pictures = []
    for label, has, predicted in (("yes", 1, True), ("no", 0, False), ("yes", 1, False), ("no", 0, True)):
        rows = np.flatnonzero((y == has) & ((p >= threshold) == predicted))
        for i in rows[np.argsort(-p[rows] if predicted else p[rows], kind="stable")][:_EACH]:
            person = run.people[i]
            if not person.image.is_file():  # in an archive or remote
                continue
            jpeg = person_crop(person.image, run.boxes[i], config)
            pictures.append(
                Picture(jpeg, f"{label}, told {p[i]:.2f}", run.items.names[i], right=bool(has) == predicted)
            )
    auc = run.scores["attributes"][name]["auc"]
    return Sheet(spoken(name), f"AUC {number(auc)}, threshold {number(threshold)}", tuple(pictures))
