"""plan: list the archive, compare it with the store, and cut the files left to do into shards."""

import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry, list_source
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.stages.attempts import forget_attempts
from par_core.stages.migration import migrate_ids
from par_core.stages.provenance import needs_relabel
from par_core.stages.run import Run
from par_core.status import FAILED
from par_core.store.layout import Store
from par_core.store.ledger import KEY, known_images
from par_core.store.listings import entries_of, entries_table, listed_entries, save_listing
from par_core.store.plan_file import PlanFile, PlannedShard, planned_work
from par_core.store.plan_writer import write_plan
from par_core.store.schemas import WORK, as_entries

__all__ = ["Plan", "PlannedShard", "plan_index", "plan_shard", "read_work"]

_SHARDS_PER_WORKER = 4  # so that workers end at about the same time
_SMALLEST_SHARD = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """Work of a run.

    Attributes:
        shards: Shards to work on, in the order of the archive; read from the plan file as they are asked for.
        listed: Number of files that the sources hold now.
        unchanged: Number of these that are known and are not worked on again.
        new: Number of these that are new or changed.
        retried: Number of these that failed before and are tried again.
        vanished: Number of files that these sources held before and do not hold now.
        skipped: Number of files passed over in these sources, by reason.
        empty: Sources without a single file: perhaps a wrong folder, or a disk that is not mounted.
        interrupted: Whether a run before this one was killed while workers were at shards.
    """

    shards: PlanFile
    listed: int
    unchanged: int
    new: int
    retried: int
    vanished: int
    skipped: Mapping[str, int]
    empty: tuple[str, ...]
    interrupted: bool = False

    @property
    def n_images(self) -> int:
        """Files in all shards."""
        return self.shards.n_images


def plan_index(run: Run, sources: Sequence[str], *, workers: int, retry_failed: bool = False) -> Plan:
    """Return the work of a run, and write its shards down.

    Args:
        run: The run; its store's listings of the sources are replaced.
        sources: Folders, archives, lists of paths and URLs, as ``list_source`` takes them.
        workers: Number of workers that share the work; shards are made small enough for all of them.
        retry_failed: Also try again what failed before, in either stage.

    Raises:
        BadConfigError: A source is missing.
    """
    store, ids = run.store, run.ids
    migrate_ids(store)
    before = listed_entries(store)
    listings = [list_source(source) for source in sources]
    now = datetime.now(UTC).isoformat()
    for listing in listings:
        save_listing(store, listing, now)
    after, known = listed_entries(store), known_images(store, ids.segment)
    listed_uris = pa.array([entry.uri for listing in listings for entry in listing.entries], pa.string())
    listed = after.filter(pc.is_in(after["uri"], value_set=listed_uris))
    todo = _missing(listed, known)
    again = _failed(listed, known) if retry_failed else todo.slice(0, 0)
    size = _shard_size(len(todo) + len(again), workers, run.config.machine.shard_size)
    if retry_failed:
        _forget_failed_descriptions(store, ids.describe)
    _clean(store)
    with write_plan(store) as writer:
        for work in itertools.chain(_cut(todo, size), _cut(again, size)):
            writer.add(_shard_id(work), work)
        for shard_id, n_images in _unfinished(run):
            writer.add_segmented(shard_id, n_images)
    skipped: dict[str, int] = {}
    for listing in listings:
        for reason, count in listing.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    return Plan(
        shards=PlanFile.of(store),
        listed=len(listed),
        unchanged=len(listed) - len(todo) - len(again),
        new=len(todo),
        retried=len(again),
        vanished=len(set(before["uri"].to_pylist()) - set(after["uri"].to_pylist())),
        skipped=skipped,
        empty=tuple(listing.source for listing in listings if not listing.entries),
        interrupted=forget_attempts(store),
    )


def plan_shard(
    store: Store, entries: Sequence[Entry], attempt: int, *, segmented: bool = False
) -> PlannedShard:
    """Write a shard that replaces a part of a planned one, into a file of its own.

    Args:
        store: The store.
        entries: Its entries, all of the same attempt.
        attempt: Number of the attempt at them, 1 for the first.
        segmented: Whether only the descriptions are missing.
    """
    work = _with_attempt(entries_table(entries), attempt)
    shard_id = _shard_id(work)
    sink = pa.BufferOutputStream()
    pq.write_table(work, sink, compression="zstd")
    write_atomic(store.work_path(shard_id), sink.getvalue().to_pybytes())
    return PlannedShard(shard_id, len(work), segmented)


def read_work(store: Store, shard_id: str) -> tuple[list[Entry], int]:
    """Return the entries of a shard, and the number of the attempt at them, 1 for the first.

    Args:
        store: The store.
        shard_id: Id of a shard of the plan that is not segmented, or of one that replaces a part of it.

    Raises:
        StoreError: No such shard is planned, or the plan is damaged.
    """
    replacement = store.work_path(shard_id)
    table = (
        pq.read_table(replacement, partitioning=None)
        if replacement.exists()
        else planned_work(store, shard_id)
    )
    if table is None or not len(table):
        raise StoreError(f"the plan in {store.root} has no entries of shard {shard_id}; run par index again")
    return entries_of(as_entries(table)), table["attempt"][0].as_py()


def _missing(listed: pa.Table, known: pa.Table) -> pa.Table:
    left = listed.join(known.select(KEY), keys=KEY, join_type="left anti").sort_by("uri")
    return _with_attempt(left, 1)


def _failed(listed: pa.Table, known: pa.Table) -> pa.Table:
    failed = known.filter(pc.is_in(known["status"], value_set=pa.array(sorted(FAILED)))).select(
        [*KEY, "attempt"]
    )
    again = listed.join(failed, keys=KEY, join_type="inner").sort_by(
        [("attempt", "ascending"), ("uri", "ascending")]
    )
    return again.set_column(
        again.schema.get_field_index("attempt"), "attempt", pc.add(again["attempt"], pa.scalar(1, pa.int32()))
    )


def _shard_size(n_files: int, workers: int, largest: int) -> int:
    share = -(-n_files // (workers * _SHARDS_PER_WORKER))
    return min(largest, max(_SMALLEST_SHARD, share))


def _with_attempt(entries: pa.Table, attempt: int) -> pa.Table:
    return entries.append_column(WORK.field("attempt"), pa.array([attempt] * len(entries), pa.int32())).cast(
        WORK
    )


def _cut(todo: pa.Table, size: int) -> Iterator[pa.Table]:
    """Yield shards of at most ``size`` rows; all rows of a shard are of the same attempt."""
    for attempt in todo["attempt"].unique().to_pylist():
        part = todo.filter(pc.equal(todo["attempt"], attempt))
        for start in range(0, len(part), size):
            yield part.slice(start, size).cast(WORK)


def _shard_id(work: pa.Table) -> str:
    columns = (work[name].to_pylist() for name in ("uri", "size", "version", "attempt"))
    return digest_of(
        *(
            f"{uri}\n{size}\n{version}\n{attempt}"
            for uri, size, version, attempt in zip(*columns, strict=True)
        )
    )


def _unfinished(run: Run) -> Iterator[tuple[str, int]]:
    """Yield id and number of images of each shard that is segmented and is to be described or relabelled."""
    described = {
        folder.shard_id: manifest.info
        for folder, manifest in run.store.complete_shards("describe", run.ids.describe)
    }
    for folder, manifest in run.store.complete_shards("segment", run.ids.segment):
        about = described.get(folder.shard_id)
        if about is None or needs_relabel(manifest.info, about, run.config):
            yield folder.shard_id, manifest.info["entries"]


def _forget_failed_descriptions(store: Store, describe_config: str) -> None:
    for folder, manifest in store.complete_shards("describe", describe_config):
        if any(manifest.counts.get(status, 0) for status in FAILED):
            (folder.path / "manifest.json").unlink()


def _clean(store: Store) -> None:
    """Remove the leftovers of killed or stopped runs: the halves of their shards, and folders without a
    manifest.
    """
    for path in (store.root / "work").glob("*.parquet"):
        path.unlink()
    for folder in store.incomplete_shards():
        shutil.rmtree(folder)
    store.remove_partials()
