"""One person as the index knows it, and the fields of people made from rows of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

__all__ = ["Person", "column_of_numbers", "person_fields"]

_AS_STORED: Final = (
    "person_id",
    "image_id",
    "uri",
    "source_state",
    "image_width",
    "image_height",
    "height_px",
    "score",
    "shard",
    "upper_color",
    "upper_color_share",
    "lower_color",
    "lower_color_share",
    "captured_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of the index.

    Attributes:
        person_id: Identity of the person's appearance.
        image_id: Identity of the image.
        uri: Place of the image, now or before it vanished.
        uris: All places of the image.
        source_state: ``present``, ``replaced`` or ``vanished``.
        image_width: Width of the upright image in pixels.
        image_height: Height of the upright image in pixels.
        box: x1, y1, x2, y2 in pixels of the upright image.
        height_px: Height of the box in pixels.
        score: Score of the segmenter, in [0, 1].
        cutout: How good the cut-out is, in [0, 1]; None where the index does not say.
        shard: The shard that holds the person's mask.
        attributes: Probability of each attribute by name.
        seen: The attributes whose probability reaches the threshold chosen for them, most likely first.
        upper_color: Colour term of the upper body, or None.
        upper_color_share: Share of the upper body that has this colour, in [0, 1], or None.
        lower_color: Colour term of the lower body, or None.
        lower_color_share: Share of the lower body that has this colour, in [0, 1], or None.
        captured_at: Time on the camera's clock, or None.
    """

    person_id: str
    image_id: str
    uri: str
    uris: tuple[str, ...]
    source_state: str
    image_width: int
    image_height: int
    box: tuple[float, float, float, float]
    height_px: float
    score: float
    cutout: float | None
    shard: str
    attributes: Mapping[str, float]
    seen: tuple[str, ...]
    upper_color: str | None
    upper_color_share: float | None
    lower_color: str | None
    lower_color_share: float | None
    captured_at: datetime | None


def person_fields(
    table: pa.Table, attributes: Sequence[str], thresholds: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return the fields of the people of rows of the index.

    Args:
        table: The rows; the vector is not needed.
        attributes: Names of the attribute columns.
        thresholds: The probability from which each attribute counts as seen; 0.5 where none is named.
    """
    stored = {name: _values(table[name]) for name in _AS_STORED}
    stored["uris"] = [tuple(uris) for uris in table["uris"].to_pylist()]
    stored["box"] = list(zip(*(_values(table[name]) for name in ("x1", "y1", "x2", "y2")), strict=True))
    stored["cutout"] = _values(table["cutout"]) if "cutout" in table.column_names else [None] * len(table)
    stored["attributes"], stored["seen"] = _attributes(table, attributes, thresholds)
    return [dict(zip(stored, row, strict=True)) for row in zip(*stored.values(), strict=True)]


def _attributes(
    table: pa.Table, names: Sequence[str], thresholds: Mapping[str, float]
) -> tuple[list[dict[str, float]], list[tuple[str, ...]]]:
    """Return the known probabilities of each row by attribute, and the attributes that count as seen."""
    if not names:
        return [{} for _ in range(len(table))], [()] * len(table)
    probabilities = np.stack([column_of_numbers(table[name]) for name in names], axis=1)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    reached = probabilities >= np.array([thresholds.get(name, 0.5) for name in names])
    sure = np.take_along_axis(reached, order, axis=1)
    seen = [
        tuple(names[place] for place, is_seen in zip(places, row, strict=True) if is_seen)
        for places, row in zip(order.tolist(), sure.tolist(), strict=True)
    ]
    rows = [dict(zip(names, row, strict=True)) for row in probabilities.tolist()]
    if np.isnan(probabilities).any():
        rows = [{name: p for name, p in row.items() if p == p} for row in rows]  # NaN differs from itself
    return rows, seen


def column_of_numbers(column: pa.ChunkedArray) -> Float64[np.ndarray, " n"]:
    """Return the numbers of a column, NaN where there is none."""
    numbers = column.combine_chunks()
    if numbers.null_count:
        numbers = numbers.cast(pa.float64()).fill_null(np.nan)
    return np.asarray(numbers, np.float64)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column as Python has them, None where there is none."""
    if pa.types.is_floating(column.type) and not column.null_count:
        values: list[Any] = column.to_numpy().tolist()
        return values
    return column.to_pylist()
