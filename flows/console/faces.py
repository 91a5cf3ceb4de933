"""Results of ``par evaluate faces`` as lines for a terminal."""

from collections.abc import Iterator
from typing import Any

from flows.console.tables import figure, table

__all__ = ["face_lines"]


def face_lines(scores: dict[str, Any]) -> Iterator[str]:
    """Yield the lines: coverage, gender as in the paper's Table 2, ages, heights, backs."""
    about = scores["about"]
    yield f"faces on {about['dataset']} ({about['root']}), {about['face_engine']}; PAR: {about['models']}"
    coverage = scores["intervals"]["coverage"]
    yield f"  {scores['with_face']:,} of {scores['people']:,} people have a face: {_with_ends(coverage)}"
    for count, what in (
        (scores["whole_picture_answers"], "answers from the whole picture, since there was no face"),
        (scores["errors"], "pictures on which the engine failed"),
    ):
        if count:
            yield f"  {count:,} {what}"
    yield from table(scores.get("gender", {}))
    if "gender" not in scores:
        yield "  the data set does not say who is a woman"
    for name, interval in scores["intervals"].items():
        if name.startswith("faces less PAR") and interval["low"] is not None:
            yield f"  {name}: {_with_ends(interval)}"
    agreement = scores.get("agreement")
    if agreement:
        yield (
            f"  of people with a face, the face says woman for {agreement['faces_say_woman']:.1%}, PAR for"
            f" {agreement['par_says_woman']:.1%}; the same for {agreement['same']:.1%}"
        )
    for name, row in scores.get("orientation", {}).items():
        yield f"  {name}: {row['people']:,} people, {row['with_face']:.1%} with a face"
    yield from _heights(scores)
    yield from table(
        {
            f"{name}, {which}": {"samples": row["samples"], **row[which]}
            for name, row in scores["ages"].items()
            for which in ("everybody", "with_face")
        }
    )
    spread = scores["age_spread"]
    if spread:
        yield (
            f"  ages by faces: median {spread['median']:.0f}, four in five from {spread['p10']:.0f} to"
            f" {spread['p90']:.0f} years"
        )


def _heights(scores: dict[str, Any]) -> Iterator[str]:
    rows = {f"{row['low']:.0f} to {row['high']:.0f} px": row for row in scores["heights"]}
    rows |= {f"shrunk to {row['height']} px": row for row in scores["shrunk"]}
    yield from table(
        {
            name: {
                "people": row["people"],
                **{key: row[key]["estimate"] for key in ("coverage", "mA", "accuracy") if key in row},
                "face px": row["median_face"],
                **{key: row[key] for key in ("says_woman", "same_as_unshrunk") if key in row},
            }
            for name, row in rows.items()
        }
    )


def _with_ends(interval: dict[str, float | None]) -> str:
    ends = (
        f" ({figure(interval['low'])} to {figure(interval['high'])})" if interval["low"] is not None else ""
    )
    return figure(interval["estimate"]) + ends
