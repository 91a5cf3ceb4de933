"""commit: bring the index in line with Parquet. The single writer to LanceDB.

It compares the rows that the index should hold with those it holds and writes the difference, so that it can
be killed anywhere and simply run again; without a difference nothing is written.
"""

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

import pyarrow as pa

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.stages.names import ConfigIds
from par_core.stages.run import Run
from par_core.store.desired import DesiredShard, described_with, desired_rows
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store

__all__ = [
    "CommitRecord",
    "commit_store",
    "erase_from_index",
    "last_commit",
    "rebuild_index",
    "rewrite_index",
]

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


def erase_from_index(
    store: Store, images: pa.Array, among: Collection[str], person_ids: Collection[str]
) -> CommitRecord | None:
    """Erase people from the index, and bring the rows of some images in line with Parquet; other rows and
    their files are not read. All earlier versions are deleted; ``live``, if set, moves to the new one.

    Args:
        store: The store.
        images: Ids of the images of which a shard was rewritten.
        among: Ids of the shards that hold these images.
        person_ids: Ids of the people to erase; they are in no shard any more.

    Returns:
        The record of this commit, or None where the index does not show the last commit and must be
        rewritten.

    Raises:
        StoreError: LanceDB has kept deleted rows.
    """
    last, index = last_commit(store), PeopleIndex.open(store.index_path)
    made_with = None if last is None else described_with(store, last.describe_config)
    if last is None or index is None or made_with is None or index.version != last.version:
        return None
    index.history.remove_unfinished()
    present = index.digests(images.to_pylist())
    rows, wanted = [made_with.schema.empty_table()], set[str]()
    for shard in desired_rows(store, last.segment_config, last.describe_config, among=among, images=images):
        wanted |= shard.digests.keys()
        different = {one for one, digest in shard.digests.items() if present.get(one) != digest}
        rows.append(shard.rows(different, made_with.schema))
    gone = sorted({*person_ids, *present} - wanted)
    replaced = pa.concat_tables(rows)
    index.erase(gone, replaced)
    index.optimize()
    index.history.drop()
    record = replace(
        last,
        number=last.number + 1,
        version=index.version,
        rows=len(index),
        upserted=len(replaced),
        deleted=len(gone),
        shards=sum(1 for _ in store.complete_shards("describe", last.describe_config)),
    )
    _write_record(store, record)
    return record


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
    _write_record(store, record)
    return record


def _write_record(store: Store, record: CommitRecord) -> None:
    path = store.root / "commits" / f"{record.number:06d}.json"
    write_atomic(path, json.dumps(asdict(record), indent=1).encode())


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
