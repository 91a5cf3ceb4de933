"""Compare a ledger with one that was built from all listings and shards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from par_core.store.ledger.database import Ledger

__all__ = ["differences"]

# what a ledger says of each file: whether a listing holds it, and what became of it
_FILES: Final = (
    "SELECT uri, size, version, source IS NOT NULL, kind, attempt, status, image_id, shard, n_people,"
    " n_too_small, time_unread FROM {}.files"
)
_SUPERSEDED: Final = "SELECT uri, size, version, shard, image_id FROM {}.superseded"
_SHARDS: Final = "SELECT shard, entries, recognised, described, digest FROM {}.shards"
_SOURCES: Final = "SELECT digest, missing FROM {}.sources"
_FAILURES: Final = "SELECT shard, image_id, status, n FROM {}.person_failures"

_TABLES: Final = (
    ("files", _FILES),
    ("superseded attempts", _SUPERSEDED),
    ("sources", _SOURCES),
    ("shards", _SHARDS),
    ("failed people", _FAILURES),
)


def differences(ledger: Ledger, other: Path) -> Iterator[str]:
    """Yield a sentence for each table that differs.

    Args:
        ledger: The ledger.
        other: File of the ledger to compare it with.
    """
    ledger.execute("ATTACH ? AS other", (str(other),))
    try:
        for name, rows in _TABLES:
            mine, theirs = rows.format("main"), rows.format("other")
            more = ledger.value(f"SELECT count(*) FROM ({mine} EXCEPT {theirs})")  # noqa: S608 - texts above
            fewer = ledger.value(f"SELECT count(*) FROM ({theirs} EXCEPT {mine})")  # noqa: S608
            if more or fewer:
                yield (
                    f"of its {name}, {more} rows do not follow from listings and shards, and {fewer} that do"
                    " are missing"
                )
    finally:
        ledger.execute("DETACH other")
