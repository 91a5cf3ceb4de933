"""Every attempt at a file: the one that counts, and those that it has superseded."""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from par_core.store.ledger.database import Ledger

__all__ = ["ATTEMPTS", "attempts_at", "known_uris"]

#: Columns of a table of attempts; shard is the id of the shard.
ATTEMPTS: Final = pa.schema(
    [(name, pa.int64() if name == "size" else pa.string()) for name in ("uri", "size", "version", "image_id")]
    + [("shard", pa.string())]
)
_COLUMNS: Final = "t.uri, t.size, t.version, t.image_id, t.shard"


def attempts_at(ledger: Ledger, image_ids: Iterable[str]) -> pa.Table:
    """Return every attempt that has read one of some images, and every other attempt at a file of the same
    name. Schema ATTEMPTS, in no particular order.
    """
    images = [bytes.fromhex(image_id) for image_id in image_ids]
    names = {
        uri
        for image in images
        for table in ("files", "superseded")
        for (uri,) in ledger.rows(f"SELECT uri FROM {table} WHERE image_id = ?", (image,))  # noqa: S608
    }
    rows = [
        (uri, size, version, image and image.hex(), shard.hex())
        for name in sorted(names)
        for table in ("files", "superseded")
        for uri, size, version, image, shard in ledger.rows(
            f"SELECT {_COLUMNS} FROM {table} t WHERE t.uri = ? AND t.shard IS NOT NULL",  # noqa: S608
            (name,),
        )
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(ATTEMPTS)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, ATTEMPTS, strict=True)], ATTEMPTS
    )


def known_uris(ledger: Ledger) -> pa.Array:
    """Return the names of all files, listed or not, each once for each of its versions: reads the whole
    ledger.
    """
    return pa.array((uri for (uri,) in ledger.rows("SELECT uri FROM files ORDER BY uri")), pa.string())
