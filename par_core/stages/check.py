"""status and verify: what a store holds, and whether all of it is as it should be."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from par_core.stages.commit import CommitRecord, last_commit
from par_core.store.desired import described_with, desired_rows
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Stage, Store
from par_core.store.ledger import Accounting, accounting
from par_core.store.listings import skipped_counts
from par_core.store.vector_index import IndexState

__all__ = ["StatusReport", "VerifyReport", "store_status", "verify_store"]

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The content of a store, in numbers.

    Attributes:
        accounting: Number of listed files by what became of them.
        skipped: Files passed over when listing, by reason.
        commit: The last commit, or None before the first.
        rows: People in the newest version of the index.
        version: The newest version of the index, or None without one.
        live_version: The version that searches read by default, or None where none has passed a gate.
        unindexed_rows: Rows that no index covers yet.
        vector_index: State of the vector index, or None where a search compares every vector.
        shards_segmented: Complete shards of the committed configuration.
        shards_described: Complete shards that are also described.
    """

    accounting: Accounting
    skipped: dict[str, int]
    commit: CommitRecord | None
    rows: int
    version: int | None
    live_version: int | None
    unindexed_rows: int
    vector_index: IndexState | None
    shards_segmented: int
    shards_described: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of a verification.

    Attributes:
        problems: One sentence a problem; empty when all is well.
        shards: Shard folders whose files were read and compared with their manifests.
        rows: Rows of the index that were compared with Parquet.
    """

    problems: tuple[str, ...]
    shards: int
    rows: int


def store_status(store: Store) -> StatusReport:
    """Count what a store holds; reads no vectors."""
    commit = last_commit(store)
    index = PeopleIndex.open(store.index_path)
    segment, describe = (commit.segment_config, commit.describe_config) if commit else ("", "")
    return StatusReport(
        accounting=accounting(store, segment),
        skipped=skipped_counts(store),
        commit=commit,
        rows=len(index) if index else 0,
        version=index.version if index else None,
        live_version=index.history.live_version if index else None,
        unindexed_rows=index.unindexed_rows() if index else 0,
        vector_index=index.vector_index() if index else None,
        shards_segmented=sum(1 for _ in store.complete_shards("segment", segment)) if commit else 0,
        shards_described=sum(1 for _ in store.complete_shards("describe", describe)) if commit else 0,
    )


def verify_store(store: Store) -> VerifyReport:
    """Read everything again: checksums of all shards, the accounting equation, and every row of the index."""
    commit = last_commit(store)
    if commit is None:
        return VerifyReport(("nothing was ever committed; run par index",), 0, 0)
    problems: list[str] = []
    checked = 0
    stages: tuple[tuple[Stage, str], ...] = (
        ("segment", commit.segment_config),
        ("describe", commit.describe_config),
    )
    for stage, config_id in stages:
        for folder, manifest in store.complete_shards(stage, config_id):
            checked += 1
            damage = f"is missing or not as it was written; delete {folder.path} and run par index again"
            problems += [f"{folder.path / name} {damage}" for name in folder.wrong_files(manifest)]
    if problems:
        return VerifyReport(tuple(problems), checked, 0)
    problems += _uncounted(store, commit)
    if store.forgetting_path.exists():
        problems.append(
            f"a forgetting was interrupted; finish it with: par forget --finish --store {store.root}"
        )
    rows, wrong = _compare_index(store, commit)
    return VerifyReport((*problems, *wrong), checked, rows)


def _uncounted(store: Store, commit: CommitRecord) -> Iterator[str]:
    counted = accounting(store, commit.segment_config)
    if not counted.holds:
        yield f"the accounting equation does not hold: {counted}"
    if counted.pending:
        yield f"{counted.pending} listed files are not processed yet; run par index again"
    described = {folder.shard_id for folder, _ in store.complete_shards("describe", commit.describe_config)}
    missing = [
        folder.shard_id
        for folder, _ in store.complete_shards("segment", commit.segment_config)
        if folder.shard_id not in described
    ]
    if missing:
        yield (
            f"{len(missing)} shards are segmented but not described ({', '.join(missing[:_EXAMPLES])}); run"
            " par index again"
        )


def _compare_index(store: Store, commit: CommitRecord) -> tuple[int, list[str]]:
    index = PeopleIndex.open(store.index_path)
    made_with = described_with(store, commit.describe_config)
    repair = f"make it again with: par rebuild --store {store.root}"
    if made_with is None:
        return 0, []
    if index is None:
        return 0, [f"the index is missing; {repair}"]
    if index.version != commit.version:
        return 0, [
            f"the index has version {index.version}, the last commit wrote {commit.version}; run par index"
            f" again, or {repair}"
        ]
    present, problems, compared = index.digests(), [], 0
    for shard in desired_rows(store, commit.segment_config, commit.describe_config):
        wanted = shard.digests.keys()
        missing = sorted(wanted - present.keys())
        if missing:
            problems.append(
                f"{len(missing)} people are not in the index ({', '.join(missing[:_EXAMPLES])}); {repair}"
            )
        common = wanted & present.keys()
        expected = shard.rows(set(common), made_with.schema).sort_by("person_id")
        actual = _rows_of(index, sorted(common), made_with.schema)
        different = [
            should["person_id"]
            for should, stored in zip(expected.to_pylist(), actual.to_pylist(), strict=True)
            if should != stored
        ]
        if different:
            problems.append(
                f"{len(different)} people of the index differ from Parquet"
                f" ({', '.join(different[:_EXAMPLES])}); {repair}"
            )
        slower = index.wrong_shortcuts(expected)
        if slower:
            problems.append(
                f"what is kept for speed of {len(slower)} people differs from their rows"
                f" ({', '.join(slower[:_EXAMPLES])}); {repair}"
            )
        compared += len(common)
        present = {identity: digest for identity, digest in present.items() if identity not in wanted}
    if present:
        problems.append(
            f"{len(present)} people of the index are in no shard ({', '.join(sorted(present)[:_EXAMPLES])});"
            f" {repair}"
        )
    return compared, problems


def _rows_of(index: PeopleIndex, person_ids: list[str], schema: pa.Schema) -> pa.Table:
    wanted = (
        f"person_id IN ({', '.join(repr(identity) for identity in person_ids)})" if person_ids else "false"
    )
    columns = pa.schema([index.schema.field(name) for name in schema.names])
    return pa.Table.from_batches(list(index.scan(schema.names, wanted)), columns).sort_by("person_id")
