"""The accounting of every file: listings joined with the image rows of all complete shards.

A row of an image is current when its key (uri, size, version) stands in the newest listing that knows the
uri. So a changed file (new key) and a vanished file (no key) need no bookkeeping of their own, and a killed
run leaves nothing to repair. Everything here is vectorised with pyarrow; memory grows with the number of
files (about 200 bytes each), not with their pixels.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.status import FAILED, Status
from par_core.store.layout import Store
from par_core.store.listings import listed_entries
from par_core.store.schemas import IMAGES

__all__ = ["KEY", "Accounting", "accounting", "current_images", "image_states", "known_images"]

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
