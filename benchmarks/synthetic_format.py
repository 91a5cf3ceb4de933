"""Store format 1 as release 0.1 writes it: schemas and shard folders.

Written out here, and not taken from ``par_core``, so that a build which has changed the format is measured on
a store that it has to migrate, and so that all builds are measured on the same bytes.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["CREATED_BY", "DESCRIBED", "ENTRIES", "IMAGES", "PEOPLE", "by_status", "write_folder"]

CREATED_BY: Final = "par 0.1.0"


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


ENTRIES: Final = pa.schema(
    [
        _required("uri", pa.string()),
        _required("size", pa.int64()),
        _required("version", pa.string()),
        _required("status", pa.string()),
        _required("message", pa.string()),
    ]
)
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
PEOPLE: Final = pa.schema(
    [
        _required("person_id", pa.string()),
        _required("image_id", pa.string()),
        _required("status", pa.string()),
        *(_required(name, pa.float32()) for name in ("score", "x1", "y1", "x2", "y2")),
        _required("mask_height", pa.int32()),
        _required("mask_width", pa.int32()),
        _required("mask_counts", pa.string()),
        _required("mask_area", pa.int64()),
    ],
    metadata={b"par.schema": b"people/1"},
)
DESCRIBED: Final = pa.schema(
    [
        _required("person_id", pa.string()),
        _required("image_id", pa.string()),
        _required("status", pa.string()),
        pa.field("upper_color", pa.string()),
        pa.field("upper_color_share", pa.float32()),
        pa.field("lower_color", pa.string()),
        pa.field("lower_color_share", pa.float32()),
        pa.field("megapixels", pa.float32()),
        pa.field("glvn", pa.float32()),
        pa.field("bright", pa.float32()),
        pa.field("tall", pa.float32()),
        pa.field("thumbnail", pa.binary()),
    ],
    metadata={b"par.schema": b"descriptions/1"},
)


def write_folder(
    folder: Path, tables: dict[str, pa.Table], counts: dict[str, int], info: dict[str, object]
) -> None:
    """Write a complete shard, as ``ShardFolder.write`` does but without syncing each file to disk."""
    folder.mkdir(parents=True)
    files = {}
    for name, table in tables.items():
        strings = [field.name for field in table.schema if pa.types.is_string(field.type)]
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", use_dictionary=strings, row_group_size=65_536)
        content = sink.getvalue().to_pybytes()
        (folder / f"{name}.parquet").write_bytes(content)
        files[f"{name}.parquet"] = hashlib.sha256(content).hexdigest()
    manifest = {"files": files, "counts": counts, "info": {"created_by": CREATED_BY, **info}}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))


def by_status(table: pa.Table) -> dict[str, int]:
    """Return the number of rows by status."""
    return {item["values"]: item["counts"] for item in table["status"].value_counts().to_pylist()}
