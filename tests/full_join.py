"""The accounting of every file by a join of all listings and all shards: the reference that the ledger, which
works on changes only, is compared with.

A row of an image is current when its key (uri, size, version) stands in the newest listing that knows the
uri. So a changed file (new key) and a vanished file (no key) need no bookkeeping of their own, and a killed
run leaves nothing to repair. Everything here is vectorised with pyarrow; memory grows with the number of
files (about 200 bytes each), not with their pixels.
"""

from collections.abc import Collection
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.status import FAILED, Status
from par_core.store.layout import Store
from par_core.store.listings import listed_entries, listing_files
from par_core.store.missing_sources import missing_sources
from par_core.store.schemas import IMAGES, KEY, UNREADABLE_TIME

__all__ = ["current_images", "file_counts", "image_states", "known_images", "missing_files"]

_READ: Final = pa.array([Status.OK.value, Status.NO_PEOPLE.value])


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


def missing_files(store: Store) -> set[str]:
    """Return the files that a missing source holds, unless a newer listing holds them."""
    holder: dict[str, str] = {}
    for file in sorted(listing_files(store), key=lambda file: (file.listed_at(), file.path)):
        holder |= dict.fromkeys(file.entries()["uri"].to_pylist(), file.digest)
    missing = missing_sources(store)
    return {uri for uri, digest in holder.items() if digest in missing}


def image_states(known: pa.Table, listed: pa.Table, missing: Collection[str] = ()) -> pa.Table:
    """Return one row for each different image that was read, with the place where it is now, if any.

    Returns:
        Columns image_id, uri (the first of ``uris``), uris (by name, those in ``missing`` last), source_state
        (``present``, ``replaced``: another file is at that place now, or ``vanished``), shard (the first that
        holds it), captured_at, width, height, status; by image_id.
    """
    read = known.filter(pc.is_in(known["status"], value_set=_READ))
    present = read.join(
        listed.select(KEY).append_column("here", pa.array([True] * len(listed), pa.bool_())),
        keys=KEY,
        join_type="left outer",
    )
    uri_is_listed = pc.is_in(present["uri"], value_set=listed["uri"].combine_chunks())
    rank = pc.if_else(pc.is_valid(present["here"]), 0, pc.if_else(uri_is_listed, 1, 2))
    away = pc.is_in(present["uri"], value_set=pa.array(sorted(missing), pa.string()))
    ranked = present.append_column("rank", rank).append_column("away", away.cast(pa.int8()))
    ranked = ranked.sort_by([(name, "ascending") for name in ("image_id", "rank", "away", "uri")])
    best = _first_of_each(ranked, ["image_id"])
    kept = ranked.join(
        best.select(["image_id", "rank"]), keys=["image_id", "rank"], join_type="inner"
    ).sort_by([(name, "ascending") for name in ("image_id", "away", "uri")])
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


def file_counts(store: Store, segment_config: str) -> dict[str, object]:
    """Count the listed files by what became of them; names as in ``Accounting``."""
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
    return {
        "listed": len(listed),
        "indexed": kinds.get(Status.OK, 0),
        "no_people": kinds.get(Status.NO_PEOPLE, 0),
        "failed": sum(failures.values()),
        "duplicates": len(read) - len(different),
        "forgotten": masked + by_status.get(Status.FORGOTTEN, 0),
        "pending": len(listed) - len(current) - masked,
        "people": pc.sum(different["n_people"]).as_py() or 0,
        "too_small": pc.sum(different["n_too_small"]).as_py() or 0,
        "unreadable_times": pc.sum(pc.equal(different["message"], UNREADABLE_TIME)).as_py() or 0,
        "vanished": len(unlisted["uri"].unique()),
        "failures": failures,
    }


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
