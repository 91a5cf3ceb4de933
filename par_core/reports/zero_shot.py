"""The report on attributes by words alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.reports.document import Report, Section, Table
from par_core.reports.render import as_html, as_markdown
from par_core.reports.wording import number, spoken

__all__ = ["write_zero_shot"]

_CONVENTIONS: Final = (
    (
        "single: cosine to one prompt; ensemble: to the mean of all templates; pair: softmax over a prompt"
        " and its opposite."
    ),
    (
        "At 0.5: seen is what the pair gives more than 0.5. Chosen: the threshold with the highest mA on"
        " people who are not judged here."
    ),
    (
        "mA of an attribute is (true positive rate + true negative rate) / 2; means are over all attributes"
        " that are scored."
    ),
)


def write_zero_shot(out: Path, scores: Mapping[str, Any]) -> None:
    """Write ``report.html``, ``report.md``, and ``report.json`` last.

    Args:
        out: The folder; made if it is not there.
        scores: With ``about``, as JSON can hold them.
    """
    about, chosen = scores["about"], scores["validation"]
    means = [
        (mode, *(number(row.get(name)) for name in ("mean_auc", "mA_best", "mA_fixed")))
        for mode, row in scores["modes"].items()
    ]
    note = (
        f"Thresholds were chosen on {chosen['people']} people: {chosen['how']}. {scores['images']} others are"
        " judged."
    )
    sections = (
        Section(
            "Three ways to ask",
            note,
            table=Table(("mode", "mean AUC", "mA, chosen", "mA, at 0.5"), tuple(means)),
        ),
        Section("Every attribute", _left_out(scores), table=_attributes(scores)),
    )
    report = Report(f"Zero-shot on {about['dataset']}", about["models"], (), sections, _CONVENTIONS, about)
    write_atomic(out / "report.html", as_html(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.md", as_markdown(report).encode("utf-8", "backslashreplace"))
    write_atomic(out / "report.json", (json.dumps(scores, indent=1) + "\n").encode())


def _left_out(scores: Mapping[str, Any]) -> str:
    unknown = ", ".join(
        f"{spoken(name)} ({' '.join(words)})" for name, words in scores["not_answered"].items()
    )
    few = ", ".join(map(spoken, scores["too_few"]))
    sentences = [f"Not answered, for words that the text tower never saw: {unknown}."] if unknown else []
    return " ".join([*sentences, *([f"Fewer than five people have or lack: {few}."] if few else [])])


def _attributes(scores: Mapping[str, Any]) -> Table:
    modes = tuple(scores["modes"])
    rates = ("mA", "precision", "recall", "f1")
    columns = (
        "attribute",
        "asked",
        "people",
        *(f"AUC, {mode}" for mode in modes),
        *(f"mA, {mode}, chosen" for mode in modes),
    )
    rows = tuple(
        (
            spoken(name),
            " / ".join(row["prompts"]),
            number(row["n"]),
            *(number(row[mode]["auc"]) for mode in modes),
            *(number(row[mode]["best"]["mA"]) for mode in modes),
            *(number(row["pair"]["fixed"][rate]) for rate in rates),
        )
        for name, row in scores["attributes"].items()
    )
    return Table((*columns, *(f"{rate}, pair at 0.5" for rate in rates)), rows)
