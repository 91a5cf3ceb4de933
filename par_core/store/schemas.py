"""The tables of the store, as code. Every column's meaning, unit, range and null rule is in
``docs/data-contract.md``.

``ENTRIES``, ``IMAGES`` and ``PEOPLE`` are fixed; the tables of descriptions carry one column an attribute and
a vector of the model's size, so they are made by functions.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa

from par_core.errors import BadInputError

__all__ = [
    "ENTRIES",
    "IMAGES",
    "KEY",
    "LATER_COLUMNS",
    "PEOPLE",
    "WORK",
    "as_descriptions",
    "as_entries",
    "descriptions_schema",
    "index_schema",
    "require_schema",
]


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


#: Columns by which a later run recognises an unchanged file.
KEY: Final = ["uri", "size", "version"]

#: Files of a listing: one row a file or archive member.
ENTRIES: Final = pa.schema(
    [
        _required("uri", pa.string()),
        _required("size", pa.int64()),
        _required("version", pa.string()),
        _required("status", pa.string()),
        _required("message", pa.string()),
        pa.field("offset", pa.int64()),
        pa.field("stored_size", pa.int64()),
        pa.field("compression", pa.string()),
    ],
    metadata={b"par.schema": b"entries/2"},
)

#: Entries of a planned shard, all of the same attempt, with the image that each is expected to be.
WORK: Final = pa.schema(
    [
        *ENTRIES,
        _required("attempt", pa.int32()),
        pa.field("known_image", pa.string()),
        pa.field("known_in", pa.string()),
    ],
    metadata={b"par.schema": b"work/2"},
)

#: Message in the row of an image that was read, but not its time of capture.
UNREADABLE_TIME: Final = "EXIF has a time of capture that cannot be read"

#: Result of every entry of a shard: one row an entry.
IMAGES: Final = pa.schema(
    [
        _required("uri", pa.string()),
        _required("size", pa.int64()),
        _required("version", pa.string()),
        _required("attempt", pa.int32()),
        _required("status", pa.string()),
        _required("message", pa.string()),
        pa.field("image_id", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("format", pa.string()),
        pa.field("captured_at", pa.timestamp("us")),
        _required("n_people", pa.int32()),
        _required("n_too_small", pa.int32()),
    ],
    metadata={b"par.schema": b"images/1"},
)

#: The people of a shard: one row a person of each different image.
PEOPLE: Final = pa.schema(
    [
        _required("person_id", pa.string()),
        _required("image_id", pa.string()),
        _required("status", pa.string()),
        _required("score", pa.float32()),
        _required("x1", pa.float32()),
        _required("y1", pa.float32()),
        _required("x2", pa.float32()),
        _required("y2", pa.float32()),
        _required("mask_height", pa.int32()),
        _required("mask_width", pa.int32()),
        _required("mask_counts", pa.string()),
        _required("mask_area", pa.int64()),
    ],
    metadata={b"par.schema": b"people/1"},
)

_DESCRIBED: Final = [
    pa.field("upper_color", pa.string()),
    pa.field("upper_color_share", pa.float32()),
    pa.field("lower_color", pa.string()),
    pa.field("lower_color_share", pa.float32()),
    pa.field("megapixels", pa.float32()),
    pa.field("glvn", pa.float32()),
    pa.field("sharpness", pa.float32()),
    pa.field("cutout", pa.float32()),
]
#: Columns of descriptions that the first version of PAR did not write.
LATER_COLUMNS: Final = ("sharpness", "cutout")


def as_entries(table: pa.Table) -> pa.Table:
    """Return a stored listing with the columns of ENTRIES. Places of archive members, which listings of
    earlier versions do not have, are null.
    """
    for field in ENTRIES:
        if field.nullable and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(ENTRIES.names).replace_schema_metadata(ENTRIES.metadata).cast(ENTRIES)


def as_descriptions(table: pa.Table) -> pa.Table:
    """Return a stored table of descriptions, or some columns of it, with the columns that earlier versions
    did not have, where they are missing: null.
    """
    for field in _DESCRIBED:
        if field.name in LATER_COLUMNS and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


def descriptions_schema(attributes: Sequence[str], embedding_size: int) -> pa.Schema:
    """Return the schema of the table that ``describe`` writes: one row a person of the shard; all but ids and
    status are null unless ``ok``.
    """
    fields = [
        _required("person_id", pa.string()),
        _required("image_id", pa.string()),
        _required("status", pa.string()),
        *_DESCRIBED,
    ]
    fields += [pa.field(name, pa.float32()) for name in attributes]
    fields += [pa.field("thumbnail", pa.binary()), pa.field("vector", pa.list_(pa.float32(), embedding_size))]
    return _distinct(pa.schema(fields, metadata={b"par.schema": b"descriptions/2"}))


def index_schema(attributes: Sequence[str], embedding_size: int) -> pa.Schema:
    """Return the schema of the LanceDB table ``people``: one row a described person."""
    fields = [
        _required("person_id", pa.string()),
        _required("image_id", pa.string()),
        _required("uri", pa.string()),
        _required("uris", pa.list_(pa.string())),
        _required("source_state", pa.string()),
        _required("shard", pa.string()),
        pa.field("captured_at", pa.timestamp("us")),
        _required("image_width", pa.int32()),
        _required("image_height", pa.int32()),
        *(_required(name, pa.float32()) for name in ("x1", "y1", "x2", "y2", "height_px", "score")),
        *_DESCRIBED,
        *(pa.field(name, pa.float32()) for name in attributes),
        _required("row_digest", pa.string()),
        _required("vector", pa.list_(pa.float32(), embedding_size)),
    ]
    return _distinct(pa.schema(fields, metadata={b"par.schema": b"index/2"}))


def require_schema(table: pa.Table, schema: pa.Schema, where: str) -> None:
    """Check names, types and null rules before a table is written.

    Raises:
        BadInputError: A column is missing, of another type, or null where it must not be; names the columns.
    """
    if table.schema.names != schema.names:
        missing, extra = (
            _difference(schema.names, table.schema.names),
            _difference(table.schema.names, schema.names),
        )
        raise BadInputError(f"{where}: missing columns {missing}, unexpected columns {extra}")
    wrong = [
        f"{f.name}: expected {f.type}, got {table.schema.field(f.name).type}"
        for f in schema
        if table.schema.field(f.name).type != f.type
    ]
    wrong += [
        f"{f.name}: {table[f.name].null_count} nulls"
        for f in schema
        if not f.nullable and table[f.name].null_count
    ]
    if wrong:
        raise BadInputError(f"{where}: {'; '.join(wrong[:5])}")


def _difference(left: Iterable[str], right: Iterable[str]) -> list[str]:
    others = set(right)
    return [name for name in left if name not in others][:5]


def _distinct(schema: pa.Schema) -> pa.Schema:
    twice = {name for name in schema.names if schema.names.count(name) > 1}
    if twice:
        raise BadInputError(f"attribute names that are columns of the store already: {sorted(twice)}")
    return schema
