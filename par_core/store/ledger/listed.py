"""Which files the newest listings hold: changes of listings, applied to the ledger.

Of several listings that hold a uri, the newest decides, and of those of one moment the last by digest. The
table ``files`` names that listing; the others
are in ``also_listed``, which is empty unless sources overlap.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.status import Status
from par_core.store.ledger.accounting import counted
from par_core.store.ledger.database import Kind, Ledger
from par_core.store.listings import ListingFile, listing_files
from par_core.store.missing_sources import missing_sources
from par_core.store.schemas import KEY

__all__ = ["catch_up_listings", "change_listing", "follow_missing"]

_ROWS: Final = 50_000  # at a time


def catch_up_listings(ledger: Ledger) -> None:
    """Apply every listing that was written or deleted since the ledger last saw it: after a kill, an erasure,
    or in a new ledger. Nothing is read of a listing that did not change.
    """
    known: dict[str, str] = dict(ledger.rows("SELECT digest, stamp FROM sources"))
    files = {file.digest: file for file in listing_files(ledger.store)}
    changed = [file for digest, file in files.items() if known.get(digest) != file.stamp]
    for file in sorted(changed, key=_rank):
        table = pq.read_table(file.path, columns=[*KEY, "status"], partitioning=None)
        change_listing(ledger, file, table)
    for digest in known.keys() - files.keys():
        with ledger.transaction():
            source = _source(ledger, digest)
            held = _held_by(ledger, source)
            _apply(ledger, source, "", held.slice(0, 0), held)
            ledger.execute("DELETE FROM sources WHERE id = ?", (source,))
    follow_missing(ledger)


def follow_missing(ledger: Ledger) -> None:
    """Apply which sources are missing since the ledger last saw it. Images that another place holds, too, are
    shown elsewhere then; to find them, all files are looked at. In a ledger that is being filled, every image
    is dirty in the end.
    """
    missing = missing_sources(ledger.store)
    for source, digest, before in list(ledger.rows("SELECT id, digest, missing FROM sources")):
        if bool(before) == (digest in missing):
            continue
        with ledger.transaction():
            ledger.execute("UPDATE sources SET missing = ? WHERE id = ?", (digest in missing, source))
            if not ledger.filling:
                ledger.execute(
                    "INSERT OR IGNORE INTO dirty SELECT f.image_id FROM files f WHERE f.source = ?"
                    " AND f.kind = 1 AND EXISTS (SELECT 1 FROM files g WHERE g.image_id = f.image_id"
                    " AND g.uri <> f.uri AND g.source IS NOT NULL)",
                    (source,),
                )


def change_listing(ledger: Ledger, file: ListingFile, now: pa.Table, before: pa.Table | None = None) -> int:
    """Apply the difference between two listings of a source, in one transaction.

    Args:
        ledger: The ledger.
        file: The file of the new listing.
        now: The new listing; columns uri, size, version, status.
        before: The listing that the ledger has seen last; None takes it from the ledger, which reads all of
            it.

    Returns:
        Number of files that this listing held before and that no listing holds now.
    """
    with ledger.transaction():
        source = _source(ledger, file.digest)
        listed_at = _rank(file)
        seen = _held_by(ledger, source) if before is None else _relevant(before)
        vanished = _apply(ledger, source, listed_at, *_difference(_relevant(now), seen))
        ledger.execute(
            "UPDATE sources SET listed_at = ?, stamp = ? WHERE id = ?", (listed_at, file.stamp, source)
        )
    return vanished


def _rank(file: ListingFile) -> str:
    """Return a text that is greater for newer listings, and different for any two."""
    return f"{file.listed_at()} {file.digest}"


def _difference(now: pa.Table, before: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows that were added and those that were removed, each by uri."""
    if now.equals(before):
        return now.slice(0, 0), now.slice(0, 0)
    if not len(before) or not len(now):
        return now, before
    added = now.join(before, keys=now.schema.names, join_type="left anti")
    removed = before.join(now, keys=now.schema.names, join_type="left anti")
    return added.sort_by("uri"), removed.sort_by("uri")


def _relevant(listing: pa.Table) -> pa.Table:
    return listing.select(KEY).append_column("forgotten", pc.equal(listing["status"], Status.FORGOTTEN.value))


def _apply(ledger: Ledger, source: int, listed_at: str, added: pa.Table, removed: pa.Table) -> int:
    if ledger.filling and ledger.value("SELECT 1 FROM files LIMIT 1") is None:
        _add_first(ledger, source, added)
        return 0
    for part in _parts(removed):
        _fill(ledger, part)
        with counted(ledger):
            _remove(ledger, source)
    for part in _parts(added):
        _fill(ledger, part)
        with counted(ledger):
            _add(ledger, source, listed_at)
    for part in _parts(_overruled(ledger, source, listed_at)):
        _fill(ledger, part)
        with counted(ledger):
            ledger.execute(
                "DELETE FROM also_listed WHERE source = ? AND uri IN (SELECT uri FROM incoming)", (source,)
            )
            _add(ledger, source, listed_at)
    gone = (
        "SELECT count(*) FROM json_each(?) j WHERE NOT EXISTS"
        " (SELECT 1 FROM files f WHERE f.uri = j.value AND f.source IS NOT NULL)"
    )
    return sum(int(ledger.value(gone, (json.dumps(part["uri"].to_pylist()),))) for part in _parts(removed))


def _overruled(ledger: Ledger, source: int, listed_at: str) -> pa.Table:
    """Return the files of a listing about which an older listing has decided: it was the newer one before."""
    rows = ledger.rows(
        "SELECT a.uri, a.size, a.version, a.forgotten FROM also_listed a CROSS JOIN files f ON f.uri = a.uri"
        " CROSS JOIN sources s ON s.id = f.source WHERE a.source = ? AND s.listed_at <= ? ORDER BY a.uri",
        (source, listed_at),
    )
    return _table(rows)


def _remove(ledger: Ledger, source: int) -> None:
    """Take the incoming files out of a listing; of the other listings that hold one, the newest decides."""
    ledger.execute(
        "DELETE FROM also_listed WHERE source = ? AND uri IN (SELECT uri FROM incoming)", (source,)
    )
    ledger.execute(
        "UPDATE files SET source = NULL WHERE source = ? AND (uri, size, version) IN"
        " (SELECT uri, size, version FROM incoming)",
        (source,),
    )
    others = list(
        ledger.rows(
            "SELECT a.uri, a.size, a.version, a.source, a.forgotten, max(s.listed_at) FROM incoming i"
            " CROSS JOIN also_listed a ON a.uri = i.uri CROSS JOIN sources s ON s.id = a.source"
            " WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.uri = i.uri AND f.source IS NOT NULL)"
            " GROUP BY a.uri"
        )
    )
    for uri, size, version, other, forgotten, _ in others:
        kind = (Kind.FORGOTTEN, Status.FORGOTTEN.value) if forgotten else (Kind.PENDING, None)
        ledger.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, 0, ?, NULL, NULL, 0, 0, 0)"
            " ON CONFLICT (uri, size, version) DO UPDATE SET source = excluded.source",
            (uri, size, version, other, *kind),
        )
        ledger.execute("DELETE FROM also_listed WHERE source = ? AND uri = ?", (other, uri))
    ledger.execute(
        "DELETE FROM files WHERE source IS NULL AND attempt = 0 AND (uri, size, version) IN"
        " (SELECT uri, size, version FROM incoming)"
    )


def _add(ledger: Ledger, source: int, listed_at: str) -> None:
    """Add the incoming files to a listing; it decides about them unless a newer listing holds them."""
    ledger.execute(
        "INSERT OR REPLACE INTO also_listed SELECT ?, i.uri, i.size, i.version, i.kind = 3 FROM incoming i"
        " CROSS JOIN files f ON f.uri = i.uri CROSS JOIN sources s ON s.id = f.source"
        " WHERE f.source <> ? AND s.listed_at > ?",
        (source, source, listed_at),
    )
    ledger.execute(
        "INSERT OR REPLACE INTO also_listed SELECT f.source, f.uri, f.size, f.version,"
        " f.kind = 3 AND f.attempt = 0 FROM incoming i"
        " CROSS JOIN files f ON f.uri = i.uri CROSS JOIN sources s ON s.id = f.source"
        " WHERE f.source <> ? AND s.listed_at <= ?",
        (source, listed_at),
    )
    ledger.execute(
        "UPDATE files SET source = NULL WHERE source IS NOT NULL AND uri IN (SELECT uri FROM incoming i"
        " WHERE NOT EXISTS (SELECT 1 FROM also_listed a WHERE a.uri = i.uri AND a.source = ?))",
        (source,),
    )
    ledger.execute(
        "INSERT INTO files SELECT i.uri, i.size, i.version, ?, i.kind, 0, i.status, NULL, NULL, 0, 0, 0"
        " FROM incoming i"
        " WHERE NOT EXISTS (SELECT 1 FROM also_listed a WHERE a.uri = i.uri AND a.source = ?)"
        " ON CONFLICT (uri, size, version) DO UPDATE SET source = excluded.source",
        (source, source),
    )
    ledger.execute(
        "DELETE FROM files WHERE source IS NULL AND attempt = 0 AND uri IN (SELECT uri FROM incoming)"
    )


def _add_first(ledger: Ledger, source: int, rows: pa.Table) -> None:
    """Add the files of the first listing to an empty ledger: nothing else is listed."""
    for part in _parts(rows):
        ledger.execute_many(
            f"INSERT OR IGNORE INTO files VALUES (?, ?, ?, {source}, ?, 0, ?, NULL, NULL, 0, 0, 0)",  # noqa: S608
            _values(part),
        )


def _values(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield uri, size, version, kind and status of the rows of a listing."""
    forgotten = rows["forgotten"]
    kinds = pc.if_else(forgotten, Kind.FORGOTTEN, Kind.PENDING)
    statuses = pc.if_else(forgotten, Status.FORGOTTEN.value, pa.scalar(None, pa.string()))
    columns = [*(rows[name] for name in KEY), kinds, statuses]
    return zip(*(column.to_pylist() for column in columns), strict=True)


def _fill(ledger: Ledger, rows: pa.Table) -> None:
    """Put rows of a listing into ``incoming``, and their names into ``touched``."""
    ledger.execute("DELETE FROM incoming")
    ledger.execute_many(
        "INSERT INTO incoming (uri, size, version, kind, status) VALUES (?, ?, ?, ?, ?)", _values(rows)
    )
    if ledger.filling:
        return
    ledger.execute("INSERT OR IGNORE INTO touched SELECT uri FROM incoming")
    ledger.execute(
        "INSERT OR IGNORE INTO dirty SELECT f.image_id FROM incoming i CROSS JOIN files f ON f.uri = i.uri"
        " WHERE f.kind = 1"
    )


def _source(ledger: Ledger, digest: str) -> int:
    ledger.execute("INSERT OR IGNORE INTO sources (digest, listed_at, stamp) VALUES (?, '', '')", (digest,))
    return int(ledger.value("SELECT id FROM sources WHERE digest = ?", (digest,)))


def _held_by(ledger: Ledger, source: int) -> pa.Table:
    """Return the files of a source as the ledger has seen them last, by uri: reads the whole ledger."""
    return _table(
        ledger.rows(
            "SELECT uri, size, version, kind = 3 AND attempt = 0 FROM files WHERE source = ? UNION ALL"
            " SELECT uri, size, version, forgotten FROM also_listed WHERE source = ? ORDER BY uri",
            (source, source),
        )
    )


def _table(rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    """Return rows of uri, size, version and whether they are masked as a table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(_SEEN)
    names = [name for name, _ in _SEEN]
    kinds = (str, int, str, bool)
    arrays = [
        pa.array(list(map(kind, column)), field)
        for column, kind, (_, field) in zip(columns, kinds, _SEEN, strict=True)
    ]
    return pa.table(arrays, names=names)


_SEEN: Final = (
    ("uri", pa.string()),
    ("size", pa.int64()),
    ("version", pa.string()),
    ("forgotten", pa.bool_()),
)


def _parts(rows: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, len(rows), _ROWS):
        yield rows.slice(start, _ROWS)
