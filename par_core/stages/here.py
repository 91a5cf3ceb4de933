"""All stages of indexing in this process, one shard after the other: for programs and notebooks.
``flows.index`` does the same with many workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from par_core.config import RunConfig
from par_core.stages.commit import commit_store
from par_core.stages.plan import Plan, plan_index
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.stages.status import store_status
from par_core.store.accounting import Accounting
from par_core.store.commits import CommitRecord
from par_core.store.layout import Store

__all__ = ["IndexSummary", "index_here"]


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """Result of an index run.

    Attributes:
        plan: Work of the run.
        commit: Commit at its end.
        accounting: Number of listed files by what became of them.
    """

    plan: Plan
    commit: CommitRecord
    accounting: Accounting

    def __repr__(self) -> str:
        return f"<IndexSummary: {self.accounting}; {self.accounting.people_sentence}>"


def index_here(
    store: Store,
    sources: Sequence[str],
    config: RunConfig,
    *,
    retry_failed: bool = False,
    accept_empty: bool = False,
) -> IndexSummary:
    """Make sources searchable. If an error ends the run, finished shards are committed, and the next run goes
    on from there.

    Args:
        store: The store.
        sources: Folders, archives, lists of paths and URLs.
        config: The settings; ``machine`` decides the device and the size of shards and batches.
        retry_failed: Also take up files that failed before.
        accept_empty: Whether the files of a source that holds none any more count as vanished.

    Raises:
        BadConfigError: A source, a setting or the weights of a model are wrong.
        StoreError: Another process is writing to the store.
        TransientError: Storage or memory trouble that may pass.
    """
    with store.exclusive():
        run = Run.of(store, config)
        plan = plan_index(run, sources, workers=1, retry_failed=retry_failed, accept_empty=accept_empty)
        try:
            for shard in plan.shards:
                process_shard(run, shard.shard_id)
        finally:
            commit = commit_store(run)
        return IndexSummary(plan, commit, store_status(store).accounting)
