"""The accounting of every file: listings joined with the image rows of all complete shards.

A row of an image is current when its key (uri, size, version) stands in the newest listing that knows the
uri. So a changed file (new key) and a vanished file (no key) need no bookkeeping of their own, and a killed
run leaves nothing to repair. Everything here is vectorised with pyarrow; memory grows with the number of
files (about 200 bytes each), not with their pixels.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing
from par_core.atomic import write_atomic
from par_core.ids import digest_of
from par_core.status import FAILED, Status
from par_core.store.layout import Store
from par_core.store.schemas import ENTRIES, IMAGES, require_schema
from par_core.store.suppression import load_suppression_list

__all__ = [
    "Accounting",
    "accounting",
    "current_images",
    "entries_table",
    "forget_in_listings",
    "image_states",
    "known_images",
    "listed_entries",
    "save_listing",
    "skipped_counts",
    "still_listed",
]

KEY: Final = ["uri", "size", "version"]
_READ: Final = pa.array([Status.OK.value, Status.NO_PEOPLE.value])


@dataclass(frozen=True, slots=True)
class Accounting:
    """The equation that must hold: listed = indexed + no_people + failed + duplicates + forgotten + pending.

    Attributes:
        listed: Files and archive members that the newest listings hold.
        indexed: Different images with at least one person of usable size.
        no_people: Different images without such a person.
        failed: Files with a failure status.
        duplicates: Further files with the bytes of an image that is counted already.
        forgotten: Files that were erased on purpose and are still in the archive.
        pending: Files not worked on yet, because a run was stopped.
        people: People of usable size in the indexed images.
        too_small: People below the configured size.
        vanished: Files known from before that the newest listings no longer hold (not part of the equation).
        failures: Failed files by status.
    """

    listed: int
    indexed: int
    no_people: int
    failed: int
    duplicates: int
    forgotten: int
    pending: int
    people: int
    too_small: int
    vanished: int
    failures: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether both sides are equal."""
        return (
            self.listed
            == self.indexed + self.no_people + self.failed + self.duplicates + self.forgotten + self.pending
        )

    def __str__(self) -> str:
        parts = [
            f"{self.indexed} indexed",
            f"{self.no_people} without people",
            f"{self.failed} failed",
            f"{self.duplicates} duplicates",
        ]
        parts += [f"{self.forgotten} forgotten"] if self.forgotten else []
        parts += [f"{self.pending} pending"] if self.pending else []
        return f"{self.listed} files listed = {' + '.join(parts)}"


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
    _write_listing(
        store, table, {"source": listing.source, "listed_at": listed_at, "skipped": dict(listing.skipped)}
    )


def forget_in_listings(store: Store) -> int:
    """Mask the files of all listings that are on the suppression list of the store.

    Returns:
        Number of files that were not masked before.
    """
    masked = 0
    for path in sorted((store.root / "listings").glob("*.parquet")):
        table = pq.read_table(path, partitioning=None).replace_schema_metadata(ENTRIES.metadata).cast(ENTRIES)
        before = pc.sum(pc.equal(table["status"], Status.FORGOTTEN.value)).as_py() or 0
        written, after = _write_listing(store, table, _listing_info(path))
        if written != path:
            path.unlink()
        masked += after - before
    return masked


def _write_listing(store: Store, table: pa.Table, about: Mapping[str, Any]) -> tuple[Path, int]:
    """Write a listing with forgotten files masked; returns its path and the number of masked files."""
    suppression_list = load_suppression_list(store)
    kept = suppression_list.mask(table)
    masked = pc.sum(pc.equal(kept["status"], Status.FORGOTTEN.value)).as_py() or 0
    source = about["source"]
    if suppression_list.has_place(source) or (
        source in set(table["uri"].to_pylist()) - set(kept["uri"].to_pylist())
    ):
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
    return path, masked


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


def known_images(store: Store, segment_config: str, among: Collection[str] | None = None) -> pa.Table:
    """Return the last attempt at every (uri, size, version) ever worked on under a configuration. Columns of
    IMAGES and ``shard``.

    A file may stand in two shards: a worker that was cut off has finished a shard whose halves were given to
    others. It counts once.

    Args:
        store: The store.
        segment_config: Id of the segmentation.
        among: Ids of the shards to look at; None takes all that are complete.
    """
    tables = []
    for folder, _ in store.complete_shards("segment", segment_config):
        if among is not None and folder.shard_id not in among:
            continue
        table = folder.read("images")
        tables.append(table.append_column("shard", pa.array([folder.shard_id] * len(table), pa.string())))
    everything = (
        pa.concat_tables(tables)
        if tables
        else IMAGES.empty_table().append_column("shard", pa.array([], pa.string()))
    )
    ordered = everything.sort_by(
        [
            ("uri", "ascending"),
            ("size", "ascending"),
            ("version", "ascending"),
            ("attempt", "descending"),
            ("shard", "ascending"),
        ]
    )
    return _first_of_each(ordered, KEY)


def current_images(known: pa.Table, listed: pa.Table) -> pa.Table:
    """Return the known images whose file is still listed, unchanged."""
    return known.join(listed.select(KEY), keys=KEY, join_type="inner").sort_by("uri")


def image_states(known: pa.Table, listed: pa.Table) -> pa.Table:
    """Return one row for each different image that was read, with the place where it is now, if any.

    Returns:
        Columns image_id, uri (the first by name), uris, source_state (``present``, ``replaced``: another file
        is at that place now, or ``vanished``), shard (the first that holds it), captured_at, width, height,
        status; by image_id.
    """
    read = known.filter(pc.is_in(known["status"], value_set=_READ))
    present = read.join(
        listed.select(KEY).append_column("here", pa.array([True] * len(listed), pa.bool_())),
        keys=KEY,
        join_type="left outer",
    )
    uri_is_listed = pc.is_in(present["uri"], value_set=listed["uri"].combine_chunks())
    rank = pc.if_else(pc.is_valid(present["here"]), 0, pc.if_else(uri_is_listed, 1, 2))
    ranked = present.append_column("rank", rank).sort_by(
        [("image_id", "ascending"), ("rank", "ascending"), ("uri", "ascending")]
    )
    best = _first_of_each(ranked, ["image_id"])
    kept = ranked.join(
        best.select(["image_id", "rank"]), keys=["image_id", "rank"], join_type="inner"
    ).sort_by([("image_id", "ascending"), ("uri", "ascending")])
    uris = (
        kept.select(["image_id", "uri"])
        .group_by("image_id", use_threads=False)
        .aggregate([("uri", "list")])
        .sort_by("image_id")
    )
    shards = read.group_by("image_id", use_threads=False).aggregate([("shard", "min")]).sort_by("image_id")
    states = pc.take(pa.array(["present", "replaced", "vanished"]), best["rank"])
    chosen = best.select(["image_id", "uri", "captured_at", "width", "height", "status"])
    for name, column in (
        ("uris", uris["uri_list"]),
        ("source_state", states),
        ("shard", shards["shard_min"]),
    ):
        chosen = chosen.append_column(name, column)
    return chosen


def accounting(store: Store, segment_config: str) -> Accounting:
    """Count the listed files by what became of them."""
    listed, known = listed_entries(store), known_images(store, segment_config)
    current = current_images(known, listed)
    masked = _counts(listed["status"]).get(Status.FORGOTTEN, 0)
    by_status = _counts(current["status"])
    failures = {status: count for status, count in by_status.items() if status in FAILED}
    read = current.filter(pc.is_in(current["status"], value_set=_READ))
    different = _first_of_each(read.sort_by([("image_id", "ascending"), ("uri", "ascending")]), ["image_id"])
    kinds = _counts(different["status"])
    uris_now = pa.array(listed["uri"].unique())
    unlisted = known.filter(pc.invert(pc.is_in(known["uri"], value_set=uris_now)))
    return Accounting(
        listed=len(listed),
        indexed=kinds.get(Status.OK, 0),
        no_people=kinds.get(Status.NO_PEOPLE, 0),
        failed=sum(failures.values()),
        duplicates=len(read) - len(different),
        forgotten=masked + by_status.get(Status.FORGOTTEN, 0),
        pending=len(listed) - len(current) - masked,
        people=pc.sum(different["n_people"]).as_py() or 0,
        too_small=pc.sum(different["n_too_small"]).as_py() or 0,
        vanished=len(unlisted["uri"].unique()),
        failures=failures,
    )


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in column.value_counts().to_pylist()}


def _first_of_each(ordered: pa.Table, keys: list[str]) -> pa.Table:
    """Return the first row of each run of equal keys of a table that is sorted by them."""
    if len(ordered) < 2:
        return ordered
    changed = pa.array([False] * (len(ordered) - 1))
    for key in keys:
        column = ordered[key].combine_chunks()
        changed = pc.or_(changed, pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)))
    return ordered.filter(pa.concat_arrays([pa.array([True]), changed]))


def _listing_info(path: Path) -> dict[str, Any]:
    return dict(json.loads(pq.read_schema(path).metadata[b"par.listing"]))
