"""Listings: the files of each source when it was last listed, one Parquet file a source."""

import contextlib
import functools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing, Place
from par_core.archive.canonical import canonical
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.schemas import ENTRIES, as_entries, require_schema
from par_core.store.suppression import SuppressionList, load_suppression_list

__all__ = [
    "ListingFile",
    "SavedListing",
    "drop_other_names",
    "entries_of",
    "entries_table",
    "forget_in_listings",
    "has_emptied",
    "listed_entries",
    "listing_files",
    "save_listing",
    "skipped_counts",
    "still_listed",
]

_KNOWN_LISTINGS: Final = 16_384  # of which source and time are kept: a plan asks for them several times


@dataclass(frozen=True, slots=True)
class ListingFile:
    """The file of one listing.

    Attributes:
        path: The file.
        stamp: Text that changes whenever the file is written.
    """

    path: Path
    stamp: str

    @classmethod
    def at(cls, path: Path) -> "ListingFile":
        """Return the listing in a file that exists."""
        status = path.stat()
        return cls(path, f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}")

    @property
    def digest(self) -> str:
        """Digest of the source."""
        return self.path.stem

    def listed_at(self) -> str:
        """Return the ISO time (UTC) of the listing; of two listings that know a uri, the newer one decides.

        Raises:
            StoreError: The file is damaged.
        """
        return str(_listing_info(self.path)["listed_at"])

    def source(self) -> str:
        """Return the name of the source: an absolute path, a URL, or a digest if it was forgotten.

        Raises:
            StoreError: The file is damaged.
        """
        return str(_listing_info(self.path)["source"])

    def entries(self) -> pa.Table:
        """Return the entries, as the schema ENTRIES has them.

        Raises:
            StoreError: The file is damaged.
        """
        return _read(self.path)


@dataclass(frozen=True, slots=True)
class SavedListing:
    """A listing that took the place of another one.

    Attributes:
        file: The file.
        before: Entries of the listing before, empty for the first. Schema ENTRIES.
        now: Its entries. Schema ENTRIES.
    """

    file: ListingFile
    before: pa.Table
    now: pa.Table


def listing_files(store: Store) -> list[ListingFile]:
    """Return the listings of all sources; opens none of them."""
    return [ListingFile.at(path) for path in sorted((store.root / "listings").glob("*.parquet"))]


def entries_table(entries: Iterable[Entry]) -> pa.Table:
    """Return entries as a table of the schema ENTRIES, in the same order."""
    rows = list(entries)
    columns = {
        name: [getattr(entry, name) for entry in rows] for name in ("uri", "size", "version", "message")
    }
    places = {
        name: [getattr(entry.place, name, None) for entry in rows]
        for name in ("offset", "stored_size", "compression")
    }
    return as_entries(pa.table({**columns, **places, "status": [entry.status.value for entry in rows]}))


def entries_of(table: pa.Table) -> list[Entry]:
    """Return the rows of a table of the schema ENTRIES as entries; the inverse of ``entries_table``."""
    return [_entry(**row) for row in table.select(ENTRIES.names).to_pylist()]


def _entry(
    uri: str,
    size: int,
    version: str,
    status: str,
    message: str,
    offset: int | None,
    stored_size: int | None,
    compression: str | None,
) -> Entry:
    place = None
    if offset is not None and stored_size is not None and compression is not None:
        place = Place(offset, stored_size, compression)
    return Entry(uri, size, version, Status(status), message, place)


def save_listing(store: Store, listing: Listing, listed_at: str) -> SavedListing:
    """Replace the listing of a source by a new one; forgotten files are kept as digests only.

    Args:
        store: The store.
        listing: The new listing.
        listed_at: ISO time with zone (UTC); of two listings that know a uri, the newer one decides.
    """
    table = entries_table(listing.entries)
    require_schema(table, ENTRIES, f"listing of {listing.source}")
    suppression_list = load_suppression_list(store)
    kept = suppression_list.mask(table)
    source = _name_kept(listing.source, table, kept, suppression_list)
    path = store.listing_path(digest_of(source))
    before = _read(path) if path.is_file() else ENTRIES.empty_table()
    _write(path, kept, {"source": source, "listed_at": listed_at, "skipped": dict(listing.skipped)})
    return SavedListing(ListingFile.at(path), before, kept)


def has_emptied(store: Store, listing: Listing) -> bool:
    """Whether a source held files when it was last listed, and holds none of any kind now: a disk that is not
    mounted looks so.

    Args:
        store: The store.
        listing: The new listing, not saved.
    """
    if any(entry.status is not Status.VANISHED for entry in listing.entries):
        return False
    masked = load_suppression_list(store).masked(listing.source)
    paths = [store.listing_path(digest_of(source)) for source in (listing.source, masked)]
    there = pc.field("status") != Status.VANISHED
    return any(
        len(pq.read_table(path, columns=["uri"], filters=there, partitioning=None))
        for path in paths
        if path.is_file()
    )


def drop_other_names(store: Store, saved: Mapping[str, SavedListing]) -> None:
    """Delete the listings that local sources have under another name: an earlier version of PAR kept ``..``
    and links in the paths of archives and lists.

    Args:
        store: The store.
        saved: New listings by canonical source.
    """
    for other in listing_files(store):
        name = other.source()
        new = saved.get(canonical(name)) if name.startswith("/") else None
        if new is not None and new.file.path != other.path:
            other.path.unlink()


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
        info = _listing_info(path)
        if wanted is not None and not suppression_list.has_place(info["source"]):
            if not names:  # people alone are forgotten
                continue
            uris = pq.read_table(path, columns=["uri"], partitioning=None)["uri"]
            if not pc.any(pc.is_in(uris, value_set=wanted)).as_py():
                continue
        table = _read(path)
        if wanted is None:
            kept = suppression_list.mask(table)
        else:
            named = pc.is_in(table["uri"], value_set=wanted)
            masked = suppression_list.mask(table.filter(named))
            kept = pa.concat_tables([table.filter(pc.invert(named)), masked]).sort_by("uri")
        source = _name_kept(info["source"], table, kept, suppression_list)
        if source == info["source"] and kept.equals(table):
            continue
        written = store.listing_path(digest_of(source))
        _write(written, kept, {**info, "source": source})
        if written != path:
            path.unlink()


def _name_kept(source: str, table: pa.Table, kept: pa.Table, suppression_list: SuppressionList) -> str:
    """Return the name under which a source is kept: one that was forgotten, or is itself a forgotten file, is
    masked.
    """
    is_gone = suppression_list.has_place(source) or (
        pc.is_in(pa.scalar(source), value_set=table["uri"].combine_chunks()).as_py()
        and not pc.is_in(pa.scalar(source), value_set=kept["uri"].combine_chunks()).as_py()
    )
    return suppression_list.masked(source) if is_gone else source


def _write(path: Path, entries: pa.Table, about: Mapping[str, Any]) -> None:
    metadata = {**(ENTRIES.metadata or {}), b"par.listing": json.dumps(about).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(entries.replace_schema_metadata(metadata), sink, compression="zstd")
    write_atomic(path, sink.getvalue().to_pybytes())


def listed_entries(store: Store) -> pa.Table:
    """Return the files that the archive holds now: one row a uri, from the newest listing that knows it.
    Columns of ENTRIES, by uri.
    """
    tables = sorted(
        (_listing_info(path)["listed_at"], path) for path in (store.root / "listings").glob("*.parquet")
    )
    merged = ENTRIES.empty_table()
    for _, path in tables:
        newer = _read(path)
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


def _read(path: Path) -> pa.Table:
    with _damage_named(path):
        return as_entries(pq.read_table(path, partitioning=None))


def _listing_info(path: Path) -> Mapping[str, Any]:
    with _damage_named(path):
        return _info_of(ListingFile.at(path))


@functools.lru_cache(maxsize=_KNOWN_LISTINGS)
def _info_of(file: ListingFile) -> Mapping[str, Any]:
    return dict(json.loads(pq.read_schema(file.path).metadata[b"par.listing"]))


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}); delete it and run par index on that source again"
        ) from error
