"""The rows of the index that shards contribute, made from their Parquet files."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from par_core.status import Status
from par_core.store.ledger.changed_images import ChangedShard
from par_core.store.ledger.database import Ledger
from par_core.store.schemas import LATER_COLUMNS, as_descriptions

__all__ = ["desired_rows"]

_BOX: Final = ["x1", "y1", "x2", "y2", "score"]  # from the segmentation
_SIZES: Final = {"image_width": "width", "image_height": "height", "captured_at": "captured_at"}
_MADE: Final = [
    "height_px",
    "shard",
    "uri",
    "uris",
    "source_state",
    "row_digest",
]  # from what is known of both


def desired_rows(
    ledger: Ledger, describe_config: str, shards: Sequence[ChangedShard], schema: pa.Schema
) -> pa.Table:
    """Return the rows of all described people of some images, with vectors.

    Args:
        ledger: The ledger of the segmentation.
        describe_config: Id of the description.
        shards: Images by the shard that describes them; each image once.
        schema: Schema of the index; what an earlier version of PAR did not write is null.

    Raises:
        StoreError: A file of a shard is missing or damaged.
    """
    if not shards:
        return schema.empty_table()
    from_description = [name for name in schema.names if name not in {*_BOX, *_SIZES, *_MADE}]
    tables = [_people(ledger, describe_config, shard.shard_id, from_description) for shard in shards]
    images = [image for shard in shards for image in shard.images]
    image_shard = np.repeat(np.arange(len(shards)), [len(shard.images) for shard in shards])
    # columns that shards of an earlier version lack come last
    people = pa.concat_tables(tables, promote_options="default").combine_chunks()
    place = pc.index_in(
        people["image_id"], value_set=pa.array([image.image_id for image in images], pa.string())
    )
    found = place.fill_null(-1).to_numpy()
    kept = np.flatnonzero((found >= 0) & pc.equal(people["status"], Status.OK.value).to_numpy())
    # an image may be in other shards too
    row_shard = np.repeat(np.arange(len(shards)), list(map(len, tables)))
    kept = kept[image_shard[found[kept]] == row_shard[kept]]
    people, found = people.take(kept), found[kept]
    columns = {name: people[name] for name in schema.names if name not in _MADE}
    columns |= {
        "height_px": pc.subtract(people["y2"], people["y1"]),
        "shard": pa.array([shard.shard_id for shard in shards], pa.string()).take(image_shard[found]),
        "uri": pa.array([image.uri for image in images], pa.string()).take(found),
        "uris": pa.array([image.uris for image in images], pa.list_(pa.string())).take(found),
        "source_state": pa.array([image.source_state for image in images], pa.string()).take(found),
        "row_digest": pa.array([image.digest for image in images], pa.string()).take(found),
    }
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _people(ledger: Ledger, describe_config: str, shard_id: str, from_description: Sequence[str]) -> pa.Table:
    """Return all people of a shard, with their status, boxes, and the sizes of their images."""
    segmented = ledger.store.shard("segment", ledger.segment_config, shard_id)
    folder = ledger.store.shard("describe", describe_config, shard_id)
    people = as_descriptions(folder.read("people", [*from_description, "status"], may_lack=LATER_COLUMNS))
    boxes = _matching(segmented.read("people", ["person_id", *_BOX]), "person_id", people["person_id"])
    sizes = segmented.read("images", ["image_id", *_SIZES.values()])
    sizes = _matching(sizes, "image_id", people["image_id"])
    names = [*people.column_names, *_BOX, *_SIZES]
    columns = [*people.columns, *boxes.columns[1:], *sizes.columns[1:]]
    return pa.table(columns, names=names)


def _matching(table: pa.Table, key: str, wanted: pa.ChunkedArray) -> pa.Table:
    """Return the rows of a table in the order of the wanted keys; the table must hold all of them."""
    return table.take(pc.index_in(wanted, value_set=table[key].combine_chunks()))
