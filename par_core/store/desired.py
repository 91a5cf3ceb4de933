"""The rows of the index that a shard contributes, made from its Parquet files."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.ledger.changed_images import ImageState
from par_core.store.ledger.database import Ledger
from par_core.store.schemas import as_descriptions

__all__ = ["desired_rows"]


def desired_rows(
    ledger: Ledger, describe_config: str, shard_id: str, images: Sequence[ImageState], schema: pa.Schema
) -> pa.Table:
    """Return the rows of all described people of some images of a shard, with vectors.

    Args:
        ledger: The ledger of the segmentation.
        describe_config: Id of the description.
        shard_id: Id of the shard.
        images: Images that the shard holds.
        schema: Schema of the index; what an earlier version of PAR did not write is null.

    Raises:
        StoreError: A file of the shard is missing or damaged.
    """
    store: Store = ledger.store
    segmented = store.shard("segment", ledger.segment_config, shard_id)
    described = as_descriptions(store.shard("describe", describe_config, shard_id).read("people"))
    wanted = pa.array([image.image_id for image in images], pa.string())
    described = described.filter(
        pc.and_(
            pc.equal(described["status"], Status.OK.value), pc.is_in(described["image_id"], value_set=wanted)
        )
    )
    people = _matching(segmented.read("people"), "person_id", described["person_id"])
    sizes = segmented.read("images", ["image_id", "captured_at", "width", "height"])
    sizes = _matching(sizes, "image_id", described["image_id"])
    place = pc.index_in(described["image_id"], value_set=wanted)
    columns = {name: described[name] for name in described.schema.names if name in schema.names}
    columns |= {name: people[name] for name in ("x1", "y1", "x2", "y2", "score")}
    columns |= {"image_width": sizes["width"], "image_height": sizes["height"]}
    columns |= {
        "captured_at": sizes["captured_at"],
        "height_px": pc.subtract(people["y2"], people["y1"]),
        "shard": pa.array([shard_id] * len(described), pa.string()),
        "uri": pa.array([image.uri for image in images], pa.string()).take(place),
        "uris": pa.array([list(image.uris) for image in images], pa.list_(pa.string())).take(place),
        "source_state": pa.array([image.source_state for image in images], pa.string()).take(place),
        "row_digest": pa.array([image.digest for image in images], pa.string()).take(place),
    }
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _matching(table: pa.Table, key: str, wanted: pa.ChunkedArray) -> pa.Table:
    """Return the rows of a table in the order of the wanted keys; the table must hold all of them."""
    return table.take(pc.index_in(wanted, value_set=table[key].combine_chunks()))
