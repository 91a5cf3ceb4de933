"""Write the status of a store down, from the counters of its ledger."""

from dataclasses import replace

from par_core.stages.migration import migrate_ids
from par_core.store.commits import CommitRecord, last_commit
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.accounting import accounting
from par_core.store.listings import skipped_counts
from par_core.store.status_file import EMPTY, StatusReport, save_status, written_status
from par_core.store.suppression import load_suppression_list

__all__ = ["first_status", "write_status"]


def write_status(ledger: Ledger, commit: CommitRecord | None, *, index_changed: bool = True) -> StatusReport:
    """Write the status of a store down, from counters alone.

    Args:
        ledger: The ledger.
        commit: The last commit, or None before the first.
        index_changed: Whether to look at the index; otherwise its numbers stay as they were.
    """
    store = ledger.store
    total, described, recognised = next(
        ledger.rows("SELECT count(*), coalesce(sum(described), 0), coalesce(sum(recognised), 0) FROM shards")
    )
    report = replace(
        _with_index(store) if index_changed else written_status(store) or EMPTY,
        accounting=accounting(ledger, len(load_suppression_list(store).people)),
        skipped=skipped_counts(store),
        commit=commit,
        shards_segmented=total,
        shards_described=described,
        recognised=recognised,
    )
    save_status(store, report)
    return report


def _with_index(store: Store) -> StatusReport:
    index = PeopleIndex.open(store.index_path)
    if index is None:
        return EMPTY
    return replace(
        EMPTY,
        rows=len(index),
        version=index.version,
        live_version=index.history.live_version,
        unindexed_rows=index.unindexed_rows(),
        vector_index=index.vector_index(),
    )


def first_status(store: Store) -> StatusReport:
    """Give a store of version 0.1 its ledger and its status. It must have a commit.

    Raises:
        StoreError: The store is being written to, or damaged.
    """
    with store.exclusive():
        migrate_ids(store)
        commit = last_commit(store)
        assert commit is not None  # no command deletes one
        with open_ledger(store, commit.segment_config, commit.describe_config) as ledger:
            return write_status(ledger, commit)
