"""What the boxes and masks of an image say of its people, without a model: who counts, how good each
cut-out is, and which answers the frame rules out. Computed when people are found, and again by relabel.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from par_core.attributes.out_of_frame import out_of_frame
from par_core.people.cutout_quality import cutout_scores
from par_core.people.second_cuts import second_cuts
from par_core.status import Status
from par_core.types import MaskRLE, PersonInstances

__all__ = ["labelled", "with_cutout_scores", "within_frame"]

_SIDES: Final = ("x1", "y1", "x2", "y2")


def labelled(people: Iterable[Mapping[str, Any]], min_height_px: int) -> list[dict[str, Any]]:
    """Return rows of people with the status that their boxes and masks give them: ``too_small`` by the height
    of the box, ``second_cut`` by the masks of the others in the image, else ``ok``.

    Args:
        people: Rows of the schema PEOPLE, all people of each image; the status may be missing.
        min_height_px: Least height of a box in pixels.

    Returns:
        The rows, in their order.
    """
    rows = [dict(person) for person in people]
    for inside in _by_image(rows).values():
        usable = []
        for row in inside:
            high = row["y2"] - row["y1"] >= min_height_px
            row["status"] = (Status.OK if high else Status.TOO_SMALL).value
            usable += [row] if high else []
        for row, is_second in zip(usable, second_cuts(_instances(usable)).tolist(), strict=True):
            if is_second:
                row["status"] = Status.SECOND_CUT.value
    return rows


def with_cutout_scores(descriptions: pa.Table, people: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return a table of descriptions with the column ``cutout``: the score of each cut-out that is described,
    null for the others.

    Args:
        descriptions: A shard's people as ``descriptions_schema`` has them.
        people: Rows of the same people, schema PEOPLE.
    """
    ids, statuses, sharpness = (
        descriptions[name].to_pylist() for name in ("person_id", "status", "sharpness")
    )
    is_described = {one for one, status in zip(ids, statuses, strict=True) if status == Status.OK}
    measured = dict(zip(ids, sharpness, strict=True))
    scores: dict[str, float] = {}
    for inside in _by_image(people).values():
        names = [row["person_id"] for row in inside]
        if is_described.intersection(names):
            known = np.array([_or_nan(measured[name]) for name in names], np.float64)
            scores |= dict(zip(names, cutout_scores(_instances(inside), known).tolist(), strict=True))
    column = pa.array([scores[one] if one in is_described else None for one in ids], pa.float32())
    place = descriptions.schema.get_field_index("cutout")
    return descriptions.set_column(place, descriptions.schema.field(place), column)


def within_frame(
    descriptions: pa.Table, people: Sequence[Mapping[str, Any]], attributes: Sequence[str]
) -> pa.Table:
    """Return a table of descriptions without the answers about parts that the frame of the photograph cuts
    away: null instead.

    Args:
        descriptions: A shard's people as ``descriptions_schema`` has them.
        people: Rows of the same people, schema PEOPLE.
        attributes: Names of the attribute columns.
    """
    measures = (*_SIDES, "mask_area", "mask_height")
    by_id = {row["person_id"]: [row[name] for name in measures] for row in people}
    known = np.array([by_id[one] for one in descriptions["person_id"].to_pylist()], np.float64).reshape(-1, 6)
    hidden = out_of_frame(known[:, :4], known[:, 4], known[:, 5], attributes)
    for name, is_hidden in zip(attributes, hidden.T, strict=True):
        if is_hidden.any():
            place = descriptions.schema.get_field_index(name)
            field = descriptions.schema.field(place)
            answers = pc.if_else(pa.array(is_hidden), pa.scalar(None, field.type), descriptions[name])
            descriptions = descriptions.set_column(place, field, answers)
    return descriptions


def _by_image(rows: Sequence[Any]) -> dict[str, list[Any]]:
    images: dict[str, list[Any]] = {}
    for row in rows:
        images.setdefault(row["image_id"], []).append(row)
    return images


def _instances(rows: Sequence[Mapping[str, Any]]) -> PersonInstances:
    boxes = [[row[name] for name in _SIDES] for row in rows]
    return PersonInstances(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([row["score"] for row in rows], np.float32),
        tuple(
            MaskRLE(row["mask_height"], row["mask_width"], row["mask_counts"].encode("ascii")) for row in rows
        ),
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
