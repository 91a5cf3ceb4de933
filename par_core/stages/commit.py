"""commit: bring the index in line with the finished shards, and publish it. The single writer to LanceDB.

It writes what the ledger says has changed, so that it can be killed anywhere and simply run again; without a
change nothing is written. Searches read the version that is tagged ``live``; the tag moves at the end of a
commit, so nobody ever sees a part of one. In a store with a quality gate, only the gate moves it.
"""

import shutil
from collections.abc import Iterable

from par_core.errors import BadConfigError, StoreError
from par_core.stages.migration import migrate_ids
from par_core.stages.names import ConfigIds
from par_core.stages.reconcile import Changes, note_index, opened_index, reconcile
from par_core.stages.run import Run
from par_core.stages.write_status import write_status
from par_core.store.commits import CommitRecord, last_commit, save_commit
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import Ledger, open_ledger, remove_ledgers
from par_core.store.ledger.finished import described_with
from par_core.store.ledger.pending import is_complete

__all__ = ["commit_store", "rebuild_index", "rewrite_index"]


def commit_store(run: Run, shards: Iterable[str] | None = None, *, publish: bool = True) -> CommitRecord:
    """Bring the index in line with the finished shards of a run's configuration.

    Args:
        run: The run.
        shards: Ids of the shards that may have been finished since the last commit; None: all planned ones.
        publish: Whether searches may read the new version at once; False if a gate is to decide.

    Returns:
        The record of this commit; the last one again if there was nothing to do.
    """
    new = not run.store.index_path.exists()
    with open_ledger(run.store, run.ids.segment, run.ids.describe, shards, new_index=new) as ledger:
        publish = publish and not run.store.has_gate()
        return _commit(ledger, run.ids, run.config.profile, rebuild=False, publish=publish)


def rebuild_index(store: Store) -> tuple[CommitRecord, int | None]:
    """Rebuild ledger and index from Parquet alone, with the configuration of the last commit. The live
    version stays live while this lasts; in a store with a quality gate also afterwards, if it can be read. An
    index that cannot be opened at all is deleted first.

    Returns:
        The record of this commit, and the version that was live and is lost, or None.

    Raises:
        StoreError: Nothing was ever committed.
    """
    migrate_ids(store)
    last = last_commit(store)
    if last is None:
        raise StoreError(f"{store.root} has no commit to rebuild; run par index first")
    ids = ConfigIds(last.segment_config, last.describe_config)
    lost, unreadable = None, False
    try:
        old = PeopleIndex.open(store.index_path)
        lost = old.history.release_lost_live() if old else None
    except StoreError:  # none of its versions can be read
        shutil.rmtree(store.index_path)
        unreadable = True
    remove_ledgers(store)
    with open_ledger(store, ids.segment, ids.describe, new_index=True) as ledger:
        publish = lost is not None or unreadable or not store.has_gate()
        return _commit(ledger, ids, last.profile, rebuild=True, publish=publish), lost


def rewrite_index(store: Store) -> CommitRecord | None:
    """Rebuild ledger and index from Parquet alone and delete all earlier versions: for erasures. ``live``, if
    set, moves to the new version.

    Returns:
        The record of this commit, or None where nothing was ever committed.
    """
    migrate_ids(store)
    last = last_commit(store)
    remove_ledgers(store)
    if last is None:
        shutil.rmtree(store.index_path, ignore_errors=True)
        return None
    ids = ConfigIds(last.segment_config, last.describe_config)
    with open_ledger(store, ids.segment, ids.describe, new_index=True) as ledger:
        if described_with(ledger) is None:
            shutil.rmtree(store.index_path, ignore_errors=True)
            write_status(ledger, last)
            return last
        return _commit(ledger, ids, last.profile, rebuild=True, publish=True, history=False)


def _commit(
    ledger: Ledger, ids: ConfigIds, profile: str, *, rebuild: bool, publish: bool, history: bool = True
) -> CommitRecord:
    store, last, made_with = ledger.store, last_commit(ledger.store), described_with(ledger)
    changes, rows, version = Changes(), 0, 0
    if made_with is not None:
        info = IndexInfo(
            ids.segment,
            ids.describe,
            made_with.embedding,
            profile,
            made_with.attributes,
            made_with.thresholds,
        )
        index, created = opened_index(ledger, info, made_with, rebuild=rebuild)
        changes = reconcile(ledger, index, ids, made_with, created=created)
        if created or index.needs_optimizing():
            index.optimize()
        if not history:
            index.history.drop()
        note_index(ledger, index)
        rows, version = len(index), index.version
        if publish:
            _publish(ledger, index)
    shards = int(ledger.value("SELECT count(*) FROM shards WHERE described = 1"))
    record = CommitRecord(
        number=last.number + 1 if last else 1,
        version=version,
        rows=rows,
        upserted=changes.upserted,
        deleted=changes.deleted,
        profile=profile,
        segment_config=ids.segment,
        describe_config=ids.describe,
        embedding=made_with.embedding if made_with else "",
        shards=shards,
    )
    if last is not None and not changes and _same(last, record):
        record = last
    else:
        save_commit(store, record)
    write_status(ledger, record)
    return record


def _publish(ledger: Ledger, index: PeopleIndex) -> None:
    """Let searches read the version that was just written.

    An index of another configuration stays live until the new one shows every image of the archive.
    """
    history = index.history
    if history.live_version == index.version:
        return
    try:
        live = PeopleIndex.open(ledger.store.index_path, "live")
    except (StoreError, BadConfigError):  # lost or damaged
        live = None
    if history.live_version is None or live is None or live.info == index.info or is_complete(ledger):
        history.make_live()


def _same(last: CommitRecord, now: CommitRecord) -> bool:
    keys = ("version", "rows", "segment_config", "describe_config", "shards")
    return all(getattr(last, key) == getattr(now, key) for key in keys)
