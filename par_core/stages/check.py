"""verify: whether all of a store is as it should be.

The quick check compares counters, and a random sample of shards with their checksums, the ledger and the
index; its cost does not grow with the store. The thorough one reads everything.
"""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from par_core.errors import StoreError
from par_core.plurals import number_of
from par_core.stages.compare_index import compare_all, compare_shard
from par_core.stages.status import store_status
from par_core.store.commits import CommitRecord, last_commit
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Stage, Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.accounting import accounting, recounted
from par_core.store.ledger.changed_images import indexed_rows
from par_core.store.ledger.compare import differences
from par_core.store.ledger.finished import described_with
from par_core.store.ledger.opening import build_ledger
from par_core.store.ledger.pending import undescribed_shards
from par_core.store.suppression import load_suppression_list
from par_core.tags.files import read_tags

__all__ = ["VerifyReport", "damaged_tags", "verify_store"]

_SAMPLE: Final = 64  # shards
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of a verification.

    Attributes:
        problems: One sentence a problem; empty when all is well.
        shards: Shard folders whose files were read and compared with their manifests.
        rows: Rows of the index that were compared with Parquet.
        thorough: Whether everything was read, and not a sample.
    """

    problems: tuple[str, ...]
    shards: int
    rows: int
    thorough: bool = False


def verify_store(store: Store, *, thorough: bool = False) -> VerifyReport:
    """Check a store.

    Args:
        store: The store.
        thorough: Read everything again: checksums of all shards, the accounting counted again from listings
            and shards, and every row of the index.

    Raises:
        StoreError: The ledger is damaged; says how to repair it.
    """
    if thorough:
        store.fetch_all()
    store_status(store)  # gives a store of version 0.1 its ledger, and the ids of this version
    commit = last_commit(store)
    if commit is None:
        return VerifyReport(("nothing was ever committed; run par index",), 0, 0, thorough)
    with Ledger.read(store, commit.segment_config) as ledger:
        if ledger is None:
            repair = f"write it again with: par rebuild --store {store.place}"
            return VerifyReport((f"the ledger is missing; {repair}",), 0, 0, thorough)
        shards = _shards(ledger, None if thorough else _SAMPLE)
        checked, problems = (
            0,
            []
            if not thorough
            else [
                f"{ledger.path} is damaged ({problem}); {_repair(store)}"
                for problem in ledger.integrity_problems()
            ],
        )
        for folders, damage in _damaged(ledger, commit, shards):
            checked += folders
            problems += damage
        if problems:
            return VerifyReport(tuple(problems), checked, 0, thorough)
        problems += _uncounted(ledger)
        if thorough:
            problems += _recounted(ledger, commit)
        if store.forgetting_path.exists():
            problems.append(
                f"a forgetting was interrupted; finish it with: par forget --finish --store {store.place}"
            )
        rows, wrong = _compare_index(ledger, commit, shards, thorough=thorough)
        return VerifyReport((*problems, *wrong), checked, rows, thorough)


def damaged_tags(store: Store) -> tuple[str, ...]:
    """Return what is wrong with the tags of a store: the first file that cannot be read. No search of others
    depends on them, so that no gate asks for it.
    """
    try:
        read_tags(store.root)
    except StoreError as error:
        return (str(error),)
    return ()


def _shards(ledger: Ledger, most: int | None) -> list[str]:
    """Return the ids of all recorded shards, or of a random sample."""
    ids = [shard.hex() for (shard,) in ledger.rows("SELECT shard FROM shards ORDER BY shard")]
    return ids if most is None or len(ids) <= most else sorted(random.sample(ids, most))


def _damaged(ledger: Ledger, commit: CommitRecord, shards: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of folders of a shard, and what is wrong with them."""
    store = ledger.store
    described = "SELECT described FROM shards WHERE shard = ?"
    stages: tuple[tuple[Stage, str], ...] = (
        ("segment", commit.segment_config),
        ("describe", commit.describe_config),
    )
    for shard in shards:
        for stage, config_id in stages:
            folder = store.shard(stage, config_id, shard)
            manifest = folder.manifest()
            if manifest is not None:
                damage = (
                    f"is missing or not as it was written; delete {folder.path}, then run par rebuild and par"
                    " index"
                )
                yield 1, [f"{folder.path / name} {damage}" for name in folder.wrong_files(manifest)]
            elif stage == "segment" or ledger.value(described, (bytes.fromhex(shard),)):
                yield 1, [f"{folder.path} is missing; {_repair(store)}, then run par index again"]


def _uncounted(ledger: Ledger) -> Iterator[str]:
    counted = accounting(ledger, len(load_suppression_list(ledger.store).people))
    if not counted.holds:
        yield f"the accounting does not hold: {counted}; {counted.people_sentence}"
    if counted.pending:
        yield f"{counted.pending} listed files are not processed yet; run par index again"
    missing = [shard for shard, _ in undescribed_shards(ledger)]
    if missing:
        yield (
            f"segmented but not described: {number_of(len(missing), 'shard')}"
            f" ({', '.join(missing[:_EXAMPLES])}); run par index again"
        )


def _recounted(ledger: Ledger, commit: CommitRecord) -> Iterator[str]:
    """Compare the ledger with a new one that is built from all listings and shards."""
    people = len(load_suppression_list(ledger.store).people)
    if recounted(ledger, people) != accounting(ledger, people):
        yield f"the counters of {ledger.path} are not those of its rows; {_repair(ledger.store)}"
    with tempfile.TemporaryDirectory(prefix="par-verify-") as folder:
        path = Path(folder) / "ledger.db"
        build_ledger(ledger.store, ledger.segment_config, commit.describe_config, path)
        for difference in differences(ledger, path):
            yield f"{ledger.path}: {difference}; {_repair(ledger.store)}"


def _compare_index(
    ledger: Ledger, commit: CommitRecord, shards: list[str], *, thorough: bool
) -> tuple[int, list[str]]:
    made_with = described_with(ledger)
    index = PeopleIndex.open(ledger.store.index_path)
    repair = f"make it again with: par rebuild --store {ledger.store.root}"
    if made_with is None:
        return 0, []
    if index is None:
        return 0, [f"the index is missing; {repair}"]
    if index.version != commit.version:
        return 0, [
            f"the index has version {index.version}, the last commit wrote {commit.version}; run par index"
            f" again, or {repair}"
        ]
    problems = []
    if len(index) != indexed_rows(ledger):
        problems.append(
            f"the index has {number_of(len(index), 'row')}, the ledger {indexed_rows(ledger)}; {repair}"
        )
    compared, stored = 0, set(index.schema.names)
    # an index of an earlier version lacks columns, until the next commit makes it anew
    schema = pa.schema([field for field in made_with.schema if field.name in stored])
    comparing = (
        compare_all(ledger, index, commit.describe_config, schema)
        if thorough
        else (compare_shard(ledger, index, commit.describe_config, shard, schema) for shard in shards)
    )
    for rows, wrong in comparing:
        compared += rows
        problems += [f"{problem}; {repair}" for problem in wrong]
    return compared, problems


def _repair(store: Store) -> str:
    return f"write it again with: par rebuild --store {store.place}"
