"""Questions of the planner: which files and shards are left to do."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from par_core.store.ledger.database import Ledger

__all__ = [
    "failed_files",
    "failed_in",
    "is_complete",
    "listed_images",
    "pending_in",
    "shards_with_status",
    "undescribed_shards",
]

_FAILED: Final = pa.schema([("uri", pa.string()), ("attempt", pa.int32()), ("shard", pa.string())])


def pending_in(ledger: Ledger, sources: Sequence[str]) -> pa.Array:
    """Return the uris of the files of some sources, by digest, that were not worked on yet."""
    query = "SELECT uri FROM files WHERE kind = 0 AND source = ?"
    return pa.array(
        [uri for source in _ids(ledger, sources) for (uri,) in ledger.rows(query, (source,))], pa.string()
    )


def failed_in(ledger: Ledger, sources: Sequence[str], status: str | None = None) -> pa.Table:
    """Return the files of some sources, by digest, that failed, or that have one status of failure: columns
    uri, attempt (the last) and shard.
    """
    query = "SELECT uri, attempt, shard FROM files WHERE kind = 2 AND source = ? AND ? IN ('', status)"
    rows = [row for source in _ids(ledger, sources) for row in ledger.rows(query, (source, status or ""))]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    shards = [shard.hex() for shard in columns[2]]
    return pa.table(
        [pa.array(columns[0], pa.string()), pa.array(columns[1], pa.int32()), pa.array(shards, pa.string())],
        schema=_FAILED,
    )


def shards_with_status(ledger: Ledger, status: str) -> list[str]:
    """Return the ids of the shards that hold the last attempt at a listed file with a status of failure."""
    query = "SELECT DISTINCT shard FROM files WHERE kind = 2 AND source IS NOT NULL AND status = ? ORDER BY 1"
    return [shard.hex() for (shard,) in ledger.rows(query, (status,))]


def is_complete(ledger: Ledger) -> bool:
    """Whether every listed file was worked on, and every shard is described."""
    pending = "SELECT 1 FROM files WHERE kind = 0 AND source IS NOT NULL LIMIT 1"
    undescribed = "SELECT 1 FROM shards WHERE described = 0 LIMIT 1"
    return ledger.value(pending) is None and ledger.value(undescribed) is None


def undescribed_shards(ledger: Ledger) -> Iterator[tuple[str, int]]:
    """Yield id and number of entries of every shard that is segmented and not described."""
    for shard, entries in ledger.rows("SELECT shard, entries FROM shards WHERE described = 0 ORDER BY shard"):
        yield shard.hex(), entries


def failed_files(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Yield uri and shard id of every listed file that failed, by shard."""
    query = "SELECT uri, shard FROM files WHERE kind = 2 AND source IS NOT NULL ORDER BY shard, uri"
    for uri, shard in ledger.rows(query):
        yield uri, shard.hex()


def listed_images(ledger: Ledger) -> Iterator[tuple[str, str, str | None]]:
    """Yield uri, status and image id of every listed file that was worked on."""
    query = "SELECT uri, status, image_id FROM files WHERE source IS NOT NULL AND attempt > 0 ORDER BY uri"
    for uri, status, image in ledger.rows(query):
        yield uri, status, image and image.hex()


def _ids(ledger: Ledger, digests: Iterable[str]) -> list[int]:
    found = (ledger.value("SELECT id FROM sources WHERE digest = ?", (digest,)) for digest in digests)
    return [int(source) for source in found if source is not None]
