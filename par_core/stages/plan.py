"""plan: list the archive, compare it with the store, and cut the files left to do into shards."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from par_core.archive import Entry, Listing, container_of, containers_of, is_streamed, list_source
from par_core.atomic import remove_partials
from par_core.stages.attempts import forget_attempts
from par_core.stages.migration import migrate_ids
from par_core.stages.names import ConfigIds
from par_core.stages.run import Run
from par_core.stages.settings_changed import fitting_now, unfinished_shards
from par_core.stages.shard_work import places_table, shard_id_of, work_table
from par_core.stages.unfinished import without_unfinished
from par_core.stages.write_status import write_status
from par_core.store.commits import last_commit
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.finished import undescribe_failed
from par_core.store.ledger.known_content import expected_images, other_places
from par_core.store.ledger.listed import change_listing, follow_missing
from par_core.store.ledger.pending import failed_in, pending_in
from par_core.store.listings import SavedListing, drop_other_names, has_emptied, save_listing
from par_core.store.missing_sources import look_for_sources
from par_core.store.plan_file import PlanFile, PlannedShard
from par_core.store.plan_writer import write_plan
from par_core.store.schemas import ENTRIES

__all__ = ["Plan", "plan_index", "shard_size"]

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
        expected: Number of new and retried files that have size and version of a picture whose results are
            known: if the bytes are the same, no model sees them.
        vanished: Number of files that these sources held before and do not hold now.
        skipped: Number of files passed over in these sources, by reason.
        empty: Sources without a single file: perhaps a wrong folder.
        emptied: Sources that held files before and hold none now: perhaps a disk that is not mounted. They
            are left as they were.
        interrupted: Whether a run before this one was killed while workers were at shards.
    """

    shards: PlanFile
    listed: int
    unchanged: int
    new: int
    retried: int
    expected: int
    vanished: int
    skipped: Mapping[str, int]
    empty: tuple[str, ...]
    emptied: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def n_images(self) -> int:
        """Files in all shards."""
        return self.shards.n_images


def plan_index(
    run: Run,
    sources: Sequence[str],
    *,
    workers: int,
    retry_failed: bool = False,
    accept_empty: bool = False,
    is_finished: Callable[[Entry], bool] | None = None,
) -> Plan:
    """Return the work of a run, and write its shards down.

    Args:
        run: The run; its store's listings of the sources are replaced.
        sources: Folders, archives, lists of paths and URLs, as ``list_source`` takes them.
        workers: Number of workers that share the work; shards are made small enough for all of them.
        retry_failed: Also try again what failed before, in either stage.
        accept_empty: Whether the files of a source that holds none any more count as vanished; else the
            source is left as it was, and ``emptied`` names it.
        is_finished: Whether a file of a listing is whole; others are left as they were listed last. None:
            all are.

    Raises:
        BadConfigError: A source is missing.
    """
    store, ids = run.store, run.ids
    migrate_ids(store)
    with open_ledger(store, ids.segment, ids.describe) as ledger:
        found = [list_source(source, containers=run.config.sources.containers) for source in sources]
        if is_finished is not None:
            found = [without_unfinished(store, one, is_finished) for one in found]
        emptied = [] if accept_empty else [one for one in found if has_emptied(store, one)]
        listings = [one for one in found if one not in emptied]
        listed, digests, vanished = _renew(ledger, listings)
        look_for_sources(store)
        follow_missing(ledger)
        todo = _new(listed, pending_in(ledger, digests))
        failed = failed_in(ledger, digests) if retry_failed else fitting_now(run, ledger, digests)
        again = _again(listed, failed)
        if retry_failed:
            _forget_failed_descriptions(ledger, ids.describe)
        _clean(ledger, ids)
        size, expected = shard_size(len(todo) + len(again), workers, run.config.machine.shard_size), 0
        with write_plan(store) as writer:
            for files in itertools.chain(_cut(todo, size), _cut(again, size)):
                known = expected_images(ledger, files)
                work = work_table(files, files["attempt"], known)
                writer.add(shard_id_of(work), work, stream=_stream(work))
                expected += len(known)
            for shard_id, n_images in unfinished_shards(run, ledger):
                writer.add_segmented(shard_id, n_images, _elsewhere(run, ledger, shard_id))
        write_status(ledger, last_commit(store), index_changed=False)
    skipped: Counter[str] = Counter()
    for listing in listings:
        skipped.update(listing.skipped)
    return Plan(
        shards=PlanFile.of(store),
        listed=len(listed),
        unchanged=len(listed) - len(todo) - len(again),
        new=len(todo),
        retried=len(again),
        expected=expected,
        vanished=vanished,
        skipped=dict(skipped),
        empty=tuple(listing.source for listing in listings if not listing.entries),
        emptied=tuple(listing.source for listing in emptied),
        interrupted=forget_attempts(store),
    )


def _renew(ledger: Ledger, listings: Sequence[Listing]) -> tuple[pa.Table, list[str], int]:
    """Write the listings down and apply them to the ledger.

    Returns:
        The files of all listings, the digests of the sources, and the number of files that no listing holds
        any more.
    """
    now, vanished = datetime.now(UTC).isoformat(), 0
    listed, saved = ENTRIES.empty_table(), dict[str, SavedListing]()
    for listing in listings:
        new = saved[listing.source] = save_listing(ledger.store, listing, now)
        vanished += change_listing(ledger, new.file, new.now, new.before)
        known = pc.is_in(listed["uri"], value_set=new.now["uri"].combine_chunks())
        listed = pa.concat_tables([listed.filter(pc.invert(known)), new.now])
    drop_other_names(ledger.store, saved)
    return listed, [new.file.digest for new in saved.values()], vanished


def _new(listed: pa.Table, pending: pa.Array) -> pa.Table:
    new = _in_order(listed.filter(pc.is_in(listed["uri"], value_set=pending)))
    return new.append_column("attempt", pa.array([1] * len(new), pa.int32()))


def _again(listed: pa.Table, failed: pa.Table) -> pa.Table:
    again = _in_order(listed.join(failed.select(["uri", "attempt"]), keys="uri", join_type="inner"))
    attempts = pc.add(again["attempt"], pa.scalar(1, pa.int32()))
    return again.set_column(again.schema.get_field_index("attempt"), "attempt", attempts)


def _in_order(files: pa.Table) -> pa.Table:
    """Return files by uri, and members of an archive after one another, in the order of its bytes."""
    container = pc.coalesce(containers_of(files["uri"]), files["uri"])
    keys = [("container", "ascending"), ("offset", "ascending"), ("uri", "ascending")]
    return files.append_column("container", container).sort_by(keys).drop_columns("container")


def shard_size(n_files: int, workers: int, largest: int) -> int:
    """Return the number of files a shard, so that each worker gets several, and none is too small."""
    share = -(-n_files // (workers * _SHARDS_PER_WORKER))
    return min(largest, max(_SMALLEST_SHARD, share))


def _cut(todo: pa.Table, size: int) -> Iterator[pa.Table]:
    """Yield shards of at most ``size`` rows, all of the same attempt. Members of a compressed tar are not in
    one shard with anything else: one worker reads all of them, in their order.
    """
    for attempt in todo["attempt"].unique().to_pylist():
        part = todo.filter(pc.equal(todo["attempt"], attempt))
        for start, stop in _parts(containers_of(part["uri"])):
            for first in range(start, stop, size):
                yield part.slice(first, min(size, stop - first))


def _parts(containers: pa.ChunkedArray) -> Iterator[tuple[int, int]]:
    """Yield the rows of each compressed tar, and of everything between two of them."""
    start = end = 0
    runs = pc.run_end_encode(containers.combine_chunks())
    for container, stop in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        begin, end = end, stop
        if container is not None and is_streamed(container):
            yield from [(start, begin)] if begin > start else []
            yield begin, end
            start = end
    if end > start:
        yield start, end


def _elsewhere(run: Run, ledger: Ledger, shard_id: str) -> pa.Table:
    """Return other places of the images of a segmented shard, whose own files may be gone."""
    images = run.store.shard("segment", run.ids.segment, shard_id).read("images", ["uri", "image_id"])
    own = zip(images["uri"].to_pylist(), images["image_id"].to_pylist(), strict=True)
    return places_table(list(other_places(ledger, own)))


def _stream(work: pa.Table) -> str:
    """Return the compressed tar that the entries of a shard are in, or an empty text."""
    container = container_of(work["uri"][0].as_py())
    return container if container is not None and is_streamed(container) else ""


def _forget_failed_descriptions(ledger: Ledger, describe_config: str) -> None:
    for shard in undescribe_failed(ledger):
        (ledger.store.shard("describe", describe_config, shard).path / "manifest.json").unlink(
            missing_ok=True
        )


def _clean(ledger: Ledger, ids: ConfigIds) -> None:
    """Remove the leftovers of killed or stopped runs: the halves of their shards, and partial files; those of
    shards only where a run was not finished, since it reads the names of all shards.
    """
    store = ledger.store
    for path in (store.root / "work").glob("*.parquet"):
        path.unlink()
    store.remove_partials()
    plan: Iterable[PlannedShard] = PlanFile.open(store) or ()
    described = "SELECT described FROM shards WHERE shard = ?"
    if not all(ledger.value(described, (bytes.fromhex(shard.shard_id),)) for shard in plan):
        remove_partials(store.config_folder("segment", ids.segment))
        remove_partials(store.config_folder("describe", ids.describe))
