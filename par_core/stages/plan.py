"""plan: list the archive, compare it with the store, and cut the files left to do into shards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry, Listing, list_source
from par_core.atomic import write_atomic
from par_core.ids import digest_of
from par_core.stages.attempts import forget_attempts
from par_core.stages.run import Run
from par_core.stages.status import write_status
from par_core.store.commits import last_commit
from par_core.store.layout import Store
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.finished import record_shards
from par_core.store.ledger.listed import change_listing
from par_core.store.ledger.pending import (
    failed_in,
    pending_in,
    shards_with_failed_people,
    undescribed_shards,
)
from par_core.store.listings import entries_of, entries_table, save_listing
from par_core.store.schemas import ENTRIES, as_entries

__all__ = ["Plan", "PlannedShard", "plan_index", "plan_shard", "read_work"]

_SHARDS_PER_WORKER = 4  # so that workers end at about the same time
_SMALLEST_SHARD = 16


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """One unit of work.

    Attributes:
        shard_id: Digest of its entries and their attempt.
        n_images: Number of its entries.
        segmented: Whether only the descriptions are missing.
    """

    shard_id: str
    n_images: int
    segmented: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Work of a run.

    Attributes:
        shards: Shards to work on, in the order of the archive.
        listed: Number of files that the sources hold now.
        unchanged: Number of these that are known and are not worked on again.
        new: Number of these that are new or changed.
        retried: Number of these that failed before and are tried again.
        vanished: Number of files that these sources held before and do not hold now.
        skipped: Number of files passed over in these sources, by reason.
        empty: Sources without a single file: perhaps a wrong folder, or a disk that is not mounted.
        interrupted: Whether a run before this one was killed while workers were at shards.
    """

    shards: tuple[PlannedShard, ...]
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
        return sum(shard.n_images for shard in self.shards)


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
    with open_ledger(store, ids.segment, ids.describe) as ledger:
        listings = [list_source(source) for source in sources]
        listed, digests, vanished = _renew(ledger, listings)
        todo = _with_attempt(listed, pending_in(ledger, digests))
        again = _again(listed, failed_in(ledger, digests)) if retry_failed else todo.slice(0, 0)
        size = _shard_size(len(todo) + len(again), workers, run.config.machine.shard_size)
        shards = [shard for part in (todo, again) for shard in _cut(part, size)]
        planned = [_write_work(store, shard) for shard in shards]
        if retry_failed:
            _forget_failed_descriptions(ledger, ids.describe)
        planned += [
            PlannedShard(shard, entries, segmented=True) for shard, entries in undescribed_shards(ledger)
        ]
        _clean(store, {shard.shard_id for shard in planned})
        write_status(ledger, last_commit(store), index_changed=False)
    skipped: Counter[str] = Counter()
    for listing in listings:
        skipped.update(listing.skipped)
    return Plan(
        shards=tuple(planned),
        listed=len(listed),
        unchanged=len(listed) - len(todo) - len(again),
        new=len(todo),
        retried=len(again),
        vanished=vanished,
        skipped=dict(skipped),
        empty=tuple(listing.source for listing in listings if not listing.entries),
        interrupted=forget_attempts(store),
    )


def _renew(ledger: Ledger, listings: Sequence[Listing]) -> tuple[pa.Table, list[str], int]:
    """Write the listings down and apply them to the ledger.

    Returns:
        The files of all listings, the digests of the sources, and the number of files that no listing holds
        any more.
    """
    now, vanished = datetime.now(UTC).isoformat(), 0
    listed, digests = ENTRIES.empty_table(), []
    for listing in listings:
        saved = save_listing(ledger.store, listing, now)
        vanished += change_listing(ledger, saved.file, saved.now, saved.before)
        digests.append(saved.file.digest)
        known = pc.is_in(listed["uri"], value_set=saved.now["uri"].combine_chunks())
        listed = pa.concat_tables([listed.filter(pc.invert(known)), saved.now])
    return listed, list(dict.fromkeys(digests)), vanished


def plan_shard(
    store: Store, entries: Sequence[Entry], attempt: int, *, segmented: bool = False
) -> PlannedShard:
    """Write down a shard of some entries, all of the same attempt."""
    table = entries_table(entries)
    table = table.append_column("attempt", pa.array([attempt] * len(table), pa.int32()))
    return replace(_write_work(store, table), segmented=segmented)


def read_work(store: Store, shard_id: str) -> tuple[list[Entry], int]:
    """Return the entries of a planned shard, and the number of the attempt at them, 1 for the first."""
    table = pq.read_table(store.work_path(shard_id), partitioning=None)
    return entries_of(as_entries(table)), table["attempt"][0].as_py()


def _with_attempt(listed: pa.Table, pending: pa.Array) -> pa.Table:
    left = listed.filter(pc.is_in(listed["uri"], value_set=pending)).sort_by("uri")
    return left.append_column("attempt", pa.array([1] * len(left), pa.int32()))


def _again(listed: pa.Table, failed: pa.Table) -> pa.Table:
    again = listed.join(failed, keys="uri", join_type="inner").sort_by(
        [("attempt", "ascending"), ("uri", "ascending")]
    )
    return again.set_column(
        again.schema.get_field_index("attempt"), "attempt", pc.add(again["attempt"], pa.scalar(1, pa.int32()))
    )


def _shard_size(n_files: int, workers: int, largest: int) -> int:
    share = -(-n_files // (workers * _SHARDS_PER_WORKER))
    return min(largest, max(_SMALLEST_SHARD, share))


def _cut(todo: pa.Table, size: int) -> list[pa.Table]:
    """Return shards of at most ``size`` rows; all rows of a shard are of the same attempt."""
    attempts = todo["attempt"].unique().to_pylist()
    parts = [todo.filter(pc.equal(todo["attempt"], attempt)) for attempt in attempts]
    return [part.slice(start, size) for part in parts for start in range(0, len(part), size)]


def _write_work(store: Store, shard: pa.Table) -> PlannedShard:
    keys = (f"{row['uri']}\n{row['size']}\n{row['version']}\n{row['attempt']}" for row in shard.to_pylist())
    shard_id = digest_of(*keys)
    sink = pa.BufferOutputStream()
    pq.write_table(shard, sink, compression="zstd")
    write_atomic(store.work_path(shard_id), sink.getvalue().to_pybytes())
    return PlannedShard(shard_id, len(shard), segmented=False)


def _forget_failed_descriptions(ledger: Ledger, describe_config: str) -> None:
    shards = shards_with_failed_people(ledger)
    for shard in shards:
        (ledger.store.shard("describe", describe_config, shard).path / "manifest.json").unlink(
            missing_ok=True
        )
    record_shards(ledger, shards, describe_config)


def _clean(store: Store, planned: set[str]) -> None:
    """Remove the leftovers of killed or stopped runs: work that is done or not planned any more, and partial
    files.
    """
    for path in (store.root / "work").glob("*.parquet"):
        if path.stem not in planned:
            path.unlink()
    store.remove_partials()
