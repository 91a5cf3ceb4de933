"""Open the ledger in line with the store: built where it is missing, and with everything that a killed run
left.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from par_core.atomic import write_aside
from par_core.store.layout import Store
from par_core.store.ledger.accounting import is_uncounted, leave_uncounted, recount
from par_core.store.ledger.changed_images import everything_changed
from par_core.store.ledger.database import Ledger
from par_core.store.ledger.finished import (
    begin_description,
    follow_description,
    record_all_shards,
    record_shards,
)
from par_core.store.ledger.listed import catch_up_listings
from par_core.store.plan_file import PlanFile

__all__ = ["build_ledger", "open_ledger", "remove_ledgers"]


@contextlib.contextmanager
def open_ledger(
    store: Store,
    segment_config: str,
    describe_config: str,
    shards: Iterable[str] | None = None,
    *,
    new_index: bool = False,
) -> Iterator[Ledger]:
    """Open the ledger of a segmentation to write to it, for the length of a block. Only for the writer that
    holds the store.

    A ledger that is missing is built from all listings and shards. Else only listings that changed are read,
    and shards that may have been finished since.

    Args:
        store: The store.
        segment_config: Id of the segmentation.
        describe_config: Id of the description.
        shards: Ids of the shards to record; None: all that the last run had planned, since it may have
            finished them before it was killed.
        new_index: Whether the block fills a new index with everything, which counts it and notes what is
            changed: a ledger that is built is left without both, until then or until it is opened again.

    Raises:
        StoreError: The ledger, a listing or a shard is damaged; says what to do.
    """
    path = store.ledger_path(segment_config)
    new = not path.exists()
    if new:
        with write_aside(path) as aside:
            build_ledger(store, segment_config, describe_config, aside, counted=not new_index)
    with Ledger.open(store, segment_config) as ledger:
        if not new:
            if is_uncounted(ledger):
                _count(ledger)
            follow_description(ledger, describe_config)
            catch_up_listings(ledger)
            record_shards(ledger, _planned(ledger) if shards is None else shards, describe_config)
        yield ledger


def build_ledger(
    store: Store, segment_config: str, describe_config: str, path: Path, *, counted: bool = True
) -> None:
    """Write a new ledger from all listings and shards into a file that does not exist.

    Rows are put in first, nearly in the order of the table, and counted and sorted by image afterwards: the
    time is linear in the number of files.

    Args:
        store: The store.
        segment_config: Id of the segmentation.
        describe_config: Id of the description.
        path: The new file.
        counted: Whether to count everything, and to make every image dirty.
    """
    with Ledger.create(store, segment_config, path) as ledger:
        begin_description(ledger, describe_config)
        catch_up_listings(ledger)
        record_all_shards(ledger, describe_config)
        with ledger.transaction():
            ledger.filled()
            leave_uncounted(ledger)
        if counted:
            _count(ledger)


def _count(ledger: Ledger) -> None:
    with ledger.transaction():
        everything_changed(ledger)
        recount(ledger)


def _planned(ledger: Ledger) -> Iterator[str]:
    """Yield the ids of all shards that the last run had planned, and of those that replaced a part of one."""
    for shard in PlanFile.open(ledger.store) or ():
        yield shard.shard_id
    for path in sorted((ledger.store.root / "work").glob("*.parquet")):
        yield path.stem


def remove_ledgers(store: Store) -> None:
    """Delete the ledgers of all segmentations; the next writer of each builds it again."""
    folder = store.root / "ledger"
    # the journal last: without it, SQLite would take the half of a transaction in the file for the whole
    for pattern in ("*.db", "*.db-journal"):
        for file in folder.glob(pattern):
            file.unlink(missing_ok=True)
