"""One person as the index knows it, made from a row of the table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

__all__ = ["Person"]

P = TypeVar("P", bound="Person")

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

    @classmethod
    def from_row(
        cls: type[P],
        row: Mapping[str, Any],
        attributes: Iterable[str],
        thresholds: Mapping[str, float],
        **more: Any,
    ) -> P:
        """Return the person of a row of the index.

        Args:
            row: The columns of the row by name; the vector is not needed.
            attributes: Names of the attribute columns.
            thresholds: The probability from which each attribute counts as seen; 0.5 where none is named.
            more: Further fields of a subclass.
        """
        probabilities = {name: row[name] for name in attributes if row[name] is not None}
        seen = [name for name, p in probabilities.items() if p >= thresholds.get(name, 0.5)]
        return cls(
            **{name: row[name] for name in _AS_STORED},
            cutout=row.get("cutout"),
            uris=tuple(row["uris"]),
            box=(row["x1"], row["y1"], row["x2"], row["y2"]),
            attributes=probabilities,
            seen=tuple(sorted(seen, key=probabilities.__getitem__, reverse=True)),
            **more,
        )
