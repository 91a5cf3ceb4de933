"""commit: bring the index in line with Parquet. The single writer to LanceDB.

It compares the rows that the index should hold with those it holds and writes the difference, so that it can
be killed anywhere and simply run again; without a difference nothing is written.
"""

import json
import shutil
from dataclasses import asdict, dataclass

import pyarrow as pa

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.stages.names import ConfigIds
from par_core.stages.run import Run
from par_core.store.desired import DesiredShard, described_with, desired_rows
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store

__all__ = ["CommitRecord", "commit_store", "last_commit", "rebuild_index", "rewrite_index"]

_ROWS_PER_WRITE = 10_000  # smaller writes leave many fragments behind


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """Record of one commit; kept as ``commits/<number>.json``.

    Attributes:
        number: 1, 2, ...
        version: LanceDB's version of the index after it.
        rows: People in the index after it.
        upserted: Rows inserted or replaced.
        deleted: Rows removed.
        profile: Name of the profile.
        segment_config: Id of the segmentation that the index shows.
        describe_config: Id of the description that the index shows.
        embedding: Fingerprint of the joint image and text model, empty if there was nothing to describe.
        shards: Number of described shards that it was made from.
    """

    number: int
    version: int
    rows: int
    upserted: int
    deleted: int
    profile: str
    segment_config: str
    describe_config: str
    embedding: str
    shards: int


def commit_store(run: Run) -> CommitRecord:
    """Bring the index in line with the complete shards of a run's configuration.

    Returns:
        The record of this commit; the last one again if there was nothing to do.
    """
    return _commit(run.store, run.ids, run.config.profile, rebuild=False)


def rebuild_index(store: Store) -> tuple[CommitRecord, int | None]:
    """Rebuild the index from Parquet alone, with the configuration of the last commit. The live version stays
    live if it can still be read.

    Returns:
        The record of this commit, and the version that was live and is lost, or None.

    Raises:
        StoreError: Nothing was ever committed.
    """
    last = last_commit(store)
    if last is None:
        raise StoreError(f"{store.root} has no commit to rebuild; run par index first")
    record = _commit(store, ConfigIds(last.segment_config, last.describe_config), last.profile, rebuild=True)
    index = PeopleIndex.open(store.index_path)
    return record, index.history.release_lost_live() if index else None


def rewrite_index(store: Store) -> CommitRecord | None:
    """Rebuild the index from Parquet alone and delete all earlier versions: for erasures. ``live``, if set,
    moves to the new version.

    Returns:
        The record of this commit, or None where nothing was ever committed.
    """
    last = last_commit(store)
    if last is None or described_with(store, last.describe_config) is None:
        shutil.rmtree(store.index_path, ignore_errors=True)
        return last
    return _commit(
        store, ConfigIds(last.segment_config, last.describe_config), last.profile, rebuild=True, history=False
    )


def last_commit(store: Store) -> CommitRecord | None:
    """Return the newest commit record, or None."""
    records = store.commits()
    return CommitRecord(**json.loads(records[-1].read_bytes())) if records else None


def _commit(
    store: Store, ids: ConfigIds, profile: str, *, rebuild: bool, history: bool = True
) -> CommitRecord:
    last = last_commit(store)
    made_with = described_with(store, ids.describe)
    shards = list(desired_rows(store, ids.segment, ids.describe))
    upserted = deleted = rows = version = 0
    created = False
    if made_with is not None:
        info = IndexInfo(
            ids.segment,
            ids.describe,
            made_with.embedding,
            profile,
            made_with.attributes,
            made_with.thresholds,
        )
        index = None if rebuild else PeopleIndex.open(store.index_path)
        created = index is None or index.info != info
        if index is None or created:
            index = PeopleIndex.create(store.index_path, made_with.schema, info)
        index.history.remove_unfinished()
        upserted, deleted = _reconcile(index, shards, made_with.schema)
        if upserted or deleted or created:
            index.optimize()
        if not history:
            index.history.drop()
        rows, version = len(index), index.version
    embedding = made_with.embedding if made_with else ""
    number = last.number + 1 if last else 1
    record = CommitRecord(
        number, version, rows, upserted, deleted, profile, ids.segment, ids.describe, embedding, len(shards)
    )
    if last is not None and not (upserted or deleted or created) and _same(last, record):
        return last
    write_atomic(store.root / "commits" / f"{number:06d}.json", json.dumps(asdict(record), indent=1).encode())
    return record


def _same(last: CommitRecord, now: CommitRecord) -> bool:
    keys = ("version", "rows", "segment_config", "describe_config", "shards")
    return all(getattr(last, key) == getattr(now, key) for key in keys)


def _reconcile(index: PeopleIndex, shards: list[DesiredShard], schema: pa.Schema) -> tuple[int, int]:
    present = index.digests()
    upserted = 0
    pending: list[pa.Table] = []
    wanted: set[str] = set()
    for shard in shards:
        wanted |= shard.digests.keys()
        different = {
            identity for identity, digest in shard.digests.items() if present.get(identity) != digest
        }
        if different:
            pending.append(shard.rows(different, schema))
        if sum(map(len, pending)) >= _ROWS_PER_WRITE:
            upserted += _write(index, pending)
    upserted += _write(index, pending)
    surplus = sorted(present.keys() - wanted)
    index.delete(surplus)
    return upserted, len(surplus)


def _write(index: PeopleIndex, pending: list[pa.Table]) -> int:
    if not pending:
        return 0
    rows = pa.concat_tables(pending)
    pending.clear()
    if len(set(rows["person_id"].to_pylist())) != len(rows):
        raise StoreError("the same person twice in one commit")  # LanceDB would insert both
    index.upsert(rows)
    return len(rows)
