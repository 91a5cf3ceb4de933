"""The rows of made people, as ``people.parquet`` keeps them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from par_core.datasets.merged_labels import NAMES

__all__ = ["MADE_PEOPLE", "MadePerson", "people_of", "table_of"]

#: Schema of ``people.parquet``; docs/made.md describes the columns.
MADE_PEOPLE: Final = pa.schema(
    [
        pa.field("picture", pa.string(), nullable=False),
        pa.field("map", pa.string()),
        pa.field("scene_picture", pa.string()),
        pa.field("instance", pa.int32()),
        pa.field("box", pa.list_(pa.float32(), 4)),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("of", pa.string(), nullable=False),
        pa.field("sources", pa.list_(pa.string()), nullable=False),
        pa.field("files", pa.list_(pa.string()), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("labels", pa.map_(pa.string(), pa.float32()), nullable=False),
        pa.field("changed", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("colours", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("upper", pa.string()),
        pa.field("lower", pa.string()),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("parameters", pa.string(), nullable=False),
    ],
    metadata={b"par.schema": b"made_people/1"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePerson:
    """A person in a made picture.

    Attributes:
        picture: File of the picture of this person alone, relative to the folder.
        map: File of the map of its pixels, of the same size: 0 for others, 1 + the place in ``NAMES`` of the
            attribute that a pixel shows, 255 for the rest of the person; None where that is not known.
        scene_picture: File of the whole picture, where ``picture`` is a part of one.
        instance: Number of the person in the scene's mask.
        box: x1, y1, x2, y2 of ``picture`` in the scene, pixels.
        kind: How it was made.
        of: Id of the image of the person it was made from; "" where it was made from nobody.
        sources: Ids of the images of all people of whom pixels are in the picture, ``of`` first.
        files: Their files, relative to the folder of the data set.
        scene: Id of the image of the scene; "" where there is none.
        labels: 1 or 0 by attribute; what is not known is missing.
        changed: What differs from the source: from and to, by attribute.
        colours: Colour terms of the garments whose colour is known, by attribute.
        upper: Colour term of the largest garment of the upper body, if known.
        lower: Colour term of the largest garment of the lower body, if known.
        seed: Seed of the run.
        parameters: Everything else that decided the pixels, as JSON can hold it.
    """

    picture: str
    kind: str
    of: str
    sources: tuple[str, ...]
    files: tuple[str, ...]
    labels: Mapping[str, float]
    seed: int
    map: str | None = None
    scene_picture: str | None = None
    instance: int | None = None
    box: tuple[float, float, float, float] | None = None
    scene: str = ""
    changed: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    upper: str | None = None
    lower: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def labels_in(self, names: tuple[str, ...] = NAMES) -> tuple[float, ...]:
        """Labels in an order of attributes; NaN for what is not known."""
        return tuple(float(self.labels.get(name, float("nan"))) for name in names)


def table_of(people: list[MadePerson]) -> pa.Table:
    """The table of some rows; schema MADE_PEOPLE."""
    rows = []
    for person in people:
        row = {name: getattr(person, name) for name in MADE_PEOPLE.names}
        for name in ("labels", "changed", "colours"):
            row[name] = sorted(row[name].items())
        row["sources"], row["files"] = list(person.sources), list(person.files)
        row["box"] = list(person.box) if person.box else None
        row["parameters"] = json.dumps(person.parameters, sort_keys=True)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=MADE_PEOPLE)


def people_of(table: pa.Table) -> list[MadePerson]:
    """The rows of a table of schema MADE_PEOPLE."""
    people = []
    for row in table.to_pylist():
        for name in ("labels", "changed", "colours"):
            row[name] = dict(row[name])
        row["sources"], row["files"] = tuple(row["sources"]), tuple(row["files"])
        row["box"] = tuple(row["box"]) if row["box"] else None
        row["parameters"] = json.loads(row["parameters"])
        people.append(MadePerson(**row))
    return people
