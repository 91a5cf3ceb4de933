"""The rows of the index that a shard contributes, made from its Parquet files."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.ledger.changed_images import ImageState
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
    from_description = [name for name in schema.names if name not in {*_BOX, *_SIZES, *_MADE}]
    folder = store.shard("describe", describe_config, shard_id)
    described = folder.read("people", [*from_description, "status"], may_lack=LATER_COLUMNS)
    described = as_descriptions(described)
    wanted = pa.array([image.image_id for image in images], pa.string())
    described = described.filter(
        pc.and_(
            pc.equal(described["status"], Status.OK.value), pc.is_in(described["image_id"], value_set=wanted)
        )
    )
    people = _matching(segmented.read("people", ["person_id", *_BOX]), "person_id", described["person_id"])
    sizes = segmented.read("images", ["image_id", *_SIZES.values()])
    sizes = _matching(sizes, "image_id", described["image_id"])
    place = pc.index_in(described["image_id"], value_set=wanted)
    columns = {name: described[name] for name in from_description}
    columns |= {name: people[name] for name in _BOX}
    columns |= {name: sizes[stored] for name, stored in _SIZES.items()}
    columns |= {
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
