"""What the ledger says of files that a run would list. Nothing is changed, and a lock lasts no longer than a
query.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from par_core.store.ledger.database import Kind, Ledger
from par_core.store.ledger.finished import description_of
from par_core.store.schemas import KEY

__all__ = ["known_states", "to_describe"]

_ROWS: Final = 50_000  # at a time
_NAMES: Final = {
    Kind.PENDING: "pending",
    Kind.READ: "read",
    Kind.FAILED: "failed",
    Kind.FORGOTTEN: "forgotten",
}
_STATES: Final = """
    SELECT f.kind,
        EXISTS (SELECT 1 FROM files g WHERE g.uri = i.uri AND g.source IS NOT NULL),
        EXISTS (SELECT 1 FROM files h INDEXED BY files_by_version CROSS JOIN shards s ON s.shard = h.shard
            WHERE h.version = i.version AND h.size = i.size AND h.kind = 1 AND s.described = 1)
    FROM incoming i LEFT JOIN files f ON f.uri = i.uri AND f.size = i.size AND f.version = i.version
    ORDER BY i.rowid"""


def known_states(ledger: Ledger, files: pa.Table) -> Iterator[tuple[str, bool]]:
    """Yield for each file what is known of it, and whether it has size and version of a picture whose results
    are known.

    Args:
        ledger: The ledger, open for reading.
        files: Columns uri, size, version.

    Yields:
        ``new``, ``changed`` (another size or version of the name is listed), ``pending``, ``read``,
        ``failed`` or ``forgotten``; and whether the bytes are likely known.
    """
    for start in range(0, len(files), _ROWS):
        part = files.slice(start, _ROWS)
        ledger.execute("DELETE FROM incoming")  # a temporary table, not one of the file
        ledger.execute_many(
            "INSERT INTO incoming (uri, size, version) VALUES (?, ?, ?)",
            zip(*(part[name].to_pylist() for name in KEY), strict=True),
        )
        for kind, listed, recognised in list(ledger.rows(_STATES)):
            if kind is not None:
                yield _NAMES[kind], bool(recognised)
            else:
                yield "changed" if listed else "new", bool(recognised)


def to_describe(ledger: Ledger, describe_config: str) -> int:
    """Return the number of images in shards that are segmented and have no description of a configuration."""
    if description_of(ledger) == describe_config:
        query = "SELECT coalesce(sum(entries), 0) FROM shards WHERE described = 0"
    else:
        query = "SELECT coalesce(sum(entries), 0) FROM shards"
    return int(ledger.value(query))
