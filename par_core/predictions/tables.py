"""Tables of predictions: one row a picture and variant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from par_core.types import BoxesXYXY, Descriptions, MaskRLE, PersonInstances

__all__ = ["PredictedPeople", "outlines_in", "outlines_table", "people_in", "people_table"]

_FLOATS = pa.list_(pa.float32())
_PEOPLE = [
    ("picture", pa.string()),
    ("variant", pa.int32()),
    ("box", _FLOATS),
    ("embedding", _FLOATS),
    ("probabilities", _FLOATS),
    ("upper_color", pa.string()),
    ("lower_color", pa.string()),
]
_OUTLINES = pa.schema(
    [
        pa.field("picture", pa.string(), nullable=False),
        pa.field("variant", pa.int32(), nullable=False),
        pa.field("boxes", _FLOATS, nullable=False),  # x1 y1 x2 y2 of one after the other, pixels
        pa.field("scores", _FLOATS, nullable=False),
        pa.field("height", pa.int32(), nullable=False),  # of the masks, pixels
        pa.field("width", pa.int32(), nullable=False),
        pa.field("masks", pa.list_(pa.string()), nullable=False),  # COCO's compressed counts
    ]
)


@dataclass(frozen=True, slots=True)
class PredictedPeople:
    """Predictions for the largest person of each picture, or the whole picture where no person was detected.

    Attributes:
        descriptions: Embeddings and probabilities of n people.
        boxes: x1 y1 x2 y2 of each person, pixels; NaN where no person was detected.
        attributes: Names of the columns of the probabilities.
        thresholds: Probability from which a person counts as having each attribute.
        colours: Colour terms at ``upper`` and ``lower``, None where too little shows; empty where they were
            not computed.
    """

    descriptions: Descriptions
    boxes: BoxesXYXY
    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]
    colours: Mapping[str, Sequence[str | None]] = field(default_factory=dict)

    @property
    def detected(self) -> int:
        """Number of pictures in which a person was detected."""
        return int((~np.isnan(self.boxes[:, 0])).sum())


def people_table(
    rows: Sequence[dict[str, Any]], attributes: Sequence[str], thresholds: Sequence[float]
) -> pa.Table:
    """Make a table of rows with ``picture``, ``variant``, ``box`` (None where no person was detected),
    ``embedding``, ``probabilities`` (NaN: cannot tell) and colours.
    """
    metadata = {"attributes": json.dumps(list(attributes)), "thresholds": json.dumps(list(thresholds))}
    return pa.Table.from_pylist(list(rows), schema=pa.schema(_PEOPLE, metadata=metadata))


def people_in(table: pa.Table) -> PredictedPeople:
    """Read a table that ``people_table`` made."""
    attributes, thresholds = (
        tuple(json.loads(table.schema.metadata[name])) for name in (b"attributes", b"thresholds")
    )
    no_box = [float("nan")] * 4
    boxes = np.array(
        [no_box if box is None else box for box in table["box"].to_pylist()], np.float32
    ).reshape(-1, 4)
    embeddings, probabilities = (
        np.array(table[name].to_pylist(), np.float32) for name in ("embedding", "probabilities")
    )
    colours = {place: table[f"{place}_color"].to_pylist() for place in ("upper", "lower")}
    return PredictedPeople(
        Descriptions(embeddings, probabilities.reshape(len(table), len(attributes))),
        boxes,
        attributes,
        thresholds,
        colours,
    )


def outlines_table(
    pictures: Sequence[str],
    variants: Sequence[int],
    people: Sequence[PersonInstances],
    sizes: Sequence[tuple[int, int]],
) -> pa.Table:
    """Make a table with one row a picture and variant.

    Args:
        pictures: Names of the pictures.
        variants: Numbers of the variants.
        people: Detected people of each row.
        sizes: Height and width of each picture, pixels.
    """
    rows = [
        {
            "picture": picture,
            "variant": variant,
            "boxes": instances.boxes.ravel().tolist(),
            "scores": instances.scores.tolist(),
            "height": height,
            "width": width,
            "masks": [mask.counts.decode("ascii") for mask in instances.masks],
        }
        for picture, variant, instances, (height, width) in zip(
            pictures, variants, people, sizes, strict=True
        )
    ]
    return pa.Table.from_pylist(rows, schema=_OUTLINES)


def outlines_in(table: pa.Table) -> list[PersonInstances]:
    """Read a table that ``outlines_table`` made."""
    return [
        PersonInstances(
            boxes=np.array(row["boxes"], np.float32).reshape(-1, 4),
            scores=np.array(row["scores"], np.float32),
            masks=tuple(
                MaskRLE(row["height"], row["width"], counts.encode("ascii")) for counts in row["masks"]
            ),
        )
        for row in table.to_pylist()
    ]
