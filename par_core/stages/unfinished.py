"""Files that are still being written: a run leaves them as the last listing has them."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing
from par_core.ids import digest_of
from par_core.store.layout import Store
from par_core.store.listings import entries_of
from par_core.store.schemas import as_entries

__all__ = ["without_unfinished"]


def without_unfinished(store: Store, listing: Listing, is_finished: Callable[[Entry], bool]) -> Listing:
    """Return a listing in which files that are not finished are as they were listed last, or not at all.

    Args:
        store: The store; it is not changed.
        listing: The listing.
        is_finished: Whether the file of an entry is finished.
    """
    writing = {entry.uri for entry in listing.entries if not is_finished(entry)}
    if not writing:
        return listing
    before = _listed_before(store, listing.source, writing)
    entries = [before.get(entry.uri) if entry.uri in writing else entry for entry in listing.entries]
    return replace(listing, entries=tuple(entry for entry in entries if entry is not None))


def _listed_before(store: Store, source: str, uris: set[str]) -> dict[str, Entry]:
    path = store.listing_path(digest_of(source))
    if not path.is_file():
        return {}
    wanted = pa.compute.field("uri").isin(pa.array(sorted(uris), pa.string()))
    rows = as_entries(pq.read_table(path, filters=wanted, partitioning=None))
    return {entry.uri: entry for entry in entries_of(rows)}
