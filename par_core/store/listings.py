"""Listings: the files of each source when it was last listed, one Parquet file a source."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing
from par_core.archive.canonical import canonical
from par_core.atomic import write_atomic
from par_core.ids import digest_of
from par_core.store.layout import Store
from par_core.store.schemas import ENTRIES, require_schema
from par_core.store.suppression import load_suppression_list

__all__ = [
    "entries_table",
    "forget_in_listings",
    "listed_entries",
    "save_listing",
    "skipped_counts",
    "still_listed",
]


def entries_table(entries: Iterable[Entry]) -> pa.Table:
    """Return entries as a table of the schema ENTRIES, in the same order."""
    rows = list(entries)
    columns = {
        name: [getattr(entry, name) for entry in rows] for name in ("uri", "size", "version", "message")
    }
    return (
        pa.table({**columns, "status": [entry.status.value for entry in rows]})
        .select(ENTRIES.names)
        .cast(ENTRIES)
    )


def save_listing(store: Store, listing: Listing, listed_at: str) -> None:
    """Replace the listing of a source by a new one; forgotten files are kept as digests only.

    Args:
        store: The store.
        listing: The new listing.
        listed_at: ISO time with zone (UTC); of two listings that know a uri, the newer one decides.
    """
    table = entries_table(listing.entries)
    require_schema(table, ENTRIES, f"listing of {listing.source}")
    about = {"source": listing.source, "listed_at": listed_at, "skipped": dict(listing.skipped)}
    written = _write_listing(store, table, about)
    for path in (store.root / "listings").glob("*.parquet"):
        # an earlier version of PAR kept .. and links in the paths of archives and lists
        before = str(_listing_info(path)["source"])
        if path != written and before.startswith("/") and canonical(before) == listing.source:
            path.unlink()


def forget_in_listings(store: Store, names: Collection[str] | None = None) -> None:
    """Mask the files of all listings that are on the suppression list of the store.

    Args:
        store: The store.
        names: Names of the files that were added to the list, so that a listing without them stays as it is;
            None looks at every file.
    """
    suppression_list = load_suppression_list(store)
    wanted = None if names is None else pa.array(sorted(names), pa.string())
    for path in sorted((store.root / "listings").glob("*.parquet")):
        about = _listing_info(path)
        if wanted is not None and not suppression_list.has_place(about["source"]):
            uris = pq.read_table(path, columns=["uri"], partitioning=None)["uri"]
            if not pc.any(pc.is_in(uris, value_set=wanted)).as_py():
                continue
        table = pq.read_table(path, partitioning=None).replace_schema_metadata(ENTRIES.metadata).cast(ENTRIES)
        written = _write_listing(store, table, about, wanted)
        if written != path:
            path.unlink()


def _write_listing(
    store: Store, table: pa.Table, about: Mapping[str, Any], among: pa.Array | None = None
) -> Path:
    """Write a listing with forgotten files masked, which are looked for among some names or, without them,
    among all; returns its path.
    """
    suppression_list = load_suppression_list(store)
    if among is None:
        kept = suppression_list.mask(table)
    else:
        named = pc.is_in(table["uri"], value_set=among)
        kept = pa.concat_tables([table.filter(pc.invert(named)), suppression_list.mask(table.filter(named))])
        kept = kept.sort_by("uri")
    source = about["source"]
    gone = (
        pc.any(pc.equal(table["uri"], source)).as_py() and not pc.any(pc.equal(kept["uri"], source)).as_py()
    )
    if gone or suppression_list.has_place(source):
        source = suppression_list.masked(source)
    info = json.dumps({**about, "source": source}).encode()
    sink = pa.BufferOutputStream()
    pq.write_table(
        kept.replace_schema_metadata({**(ENTRIES.metadata or {}), b"par.listing": info}),
        sink,
        compression="zstd",
    )
    path = store.listing_path(digest_of(source))
    write_atomic(path, sink.getvalue().to_pybytes())
    return path


def listed_entries(store: Store) -> pa.Table:
    """Return the files that the archive holds now: one row a uri, from the newest listing that knows it.
    Columns of ENTRIES, by uri.
    """
    tables = sorted(
        (_listing_info(path)["listed_at"], path) for path in (store.root / "listings").glob("*.parquet")
    )
    merged = ENTRIES.empty_table()
    for _, path in tables:
        newer = pq.read_table(path, partitioning=None).replace_schema_metadata(ENTRIES.metadata).cast(ENTRIES)
        older = merged.filter(pc.invert(pc.is_in(merged["uri"], value_set=newer["uri"].combine_chunks())))
        merged = pa.concat_tables([older, newer])
    return merged.sort_by("uri")


def still_listed(store: Store, uris: Iterable[str]) -> set[str]:
    """Return those of some uris that the newest listings hold."""
    wanted, listed = pc.field("uri").isin(pa.array(uris, pa.string())), set[str]()
    for path in (store.root / "listings").glob("*.parquet"):
        listed.update(
            pq.read_table(path, columns=["uri"], filters=wanted, partitioning=None)["uri"].to_pylist()
        )
    return listed


def skipped_counts(store: Store) -> dict[str, int]:
    """Return the number of files that the newest listings passed over, by reason."""
    total: dict[str, int] = {}
    for path in (store.root / "listings").glob("*.parquet"):
        for reason, count in _listing_info(path)["skipped"].items():
            total[reason] = total.get(reason, 0) + count
    return total


def _listing_info(path: Path) -> dict[str, Any]:
    return dict(json.loads(pq.read_schema(path).metadata[b"par.listing"]))
