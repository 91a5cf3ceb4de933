"""Erase people from ledger and index, without reading what they do not concern."""

from collections import Counter
from dataclasses import dataclass, replace

import pyarrow as pa

from par_core.stages.reconcile import note_index
from par_core.stages.write_status import write_status
from par_core.store.commits import CommitRecord, last_commit, save_commit
from par_core.store.desired import desired_rows
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.changed_images import ChangedShard, changed_shards, mark_indexed, mark_writing
from par_core.store.ledger.erased import erase_copies, erase_files, erase_index_marks
from par_core.store.ledger.finished import described_with

__all__ = ["Erased", "erase_from_index"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased from the shards of a store.

    Attributes:
        shards: Ids of the shards that were rewritten.
        uris: Names of files of which every row went.
        files: Uri, size and version of further rows that went.
        image_ids: Images of which every row went.
        person_ids: People who went.
        names: Names that no file of the store may hold any more.
    """

    shards: frozenset[str]
    uris: frozenset[str]
    files: frozenset[tuple[str, int, str]]
    image_ids: frozenset[str]
    person_ids: frozenset[str]
    names: frozenset[str]


def erase_from_index(store: Store, erased: Erased) -> CommitRecord | None:
    """Erase people from ledger and index, and bring the rows of the rewritten shards in line; other rows and
    their files are not read. All earlier versions are deleted, and ``live`` moves to the new one.

    Returns:
        The record of this commit, or None where the index does not show the last commit and must be
        rewritten.

    Raises:
        StoreError: LanceDB has kept deleted rows.
    """
    last, index = last_commit(store), PeopleIndex.open(store.index_path)
    if last is None or index is None or index.version != last.version:
        return None
    for path in (store.root / "ledger").iterdir():  # of other segmentations: built again when one is used
        if not path.name.startswith(last.segment_config):
            path.unlink()
    with open_ledger(store, last.segment_config, last.describe_config, []) as ledger:
        erase_files(ledger, erased.uris, erased.files, erased.image_ids)
    with open_ledger(store, last.segment_config, last.describe_config, sorted(erased.shards)) as ledger:
        upserted, deleted = _erase(ledger, index, erased, last.describe_config)
        record = replace(
            last,
            number=last.number + 1,
            version=index.version,
            rows=len(index),
            upserted=upserted,
            deleted=deleted,
            shards=int(ledger.value("SELECT count(*) FROM shards WHERE described = 1")),
        )
        save_commit(store, record)
        write_status(ledger, record)
    return record


def _erase(ledger: Ledger, index: PeopleIndex, erased: Erased, describe_config: str) -> tuple[int, int]:
    """Erase from the index; return the numbers of rows that were replaced and deleted."""
    index.history.remove_unfinished()
    made_with = described_with(ledger)
    tables, digests, current = [index.schema.empty_table()], dict[str, tuple[str, int]](), set[str]()
    for shard in changed_shards(ledger) if made_with else ():
        assert made_with is not None
        changed = tuple(image for image in shard.images if not image.current)
        current |= {image.image_id for image in shard.images if image.current}
        if not changed:
            continue
        shard = ChangedShard(shard.shard_id, changed)
        rows = desired_rows(ledger, describe_config, [shard], made_with.schema)
        counts = Counter(rows["image_id"].to_pylist())
        digests |= {one.image_id: (one.digest, counts[one.image_id]) for one in changed}
        tables.append(rows.select(index.schema.names).cast(index.schema))
    rows = pa.concat_tables(tables)
    # copies of images that other shards describe stay as they are: their fragments are not written again
    dirty = {image.hex() for (image,) in ledger.rows("SELECT image_id FROM dirty")} - current
    present = index.people_of(sorted(dirty | erased.image_ids))
    gone = sorted((erased.person_ids | present) - set(rows["person_id"].to_pylist()))
    mark_writing(ledger, sorted(digests))
    index.erase(gone, rows)
    if index.needs_optimizing():
        index.optimize()
    index.history.drop()
    mark_indexed(ledger, digests, sorted(dirty - digests.keys()))
    with ledger.transaction():
        ledger.execute_many(
            "DELETE FROM dirty WHERE image_id = ?", [(bytes.fromhex(one),) for one in current]
        )
    erase_index_marks(ledger, erased.image_ids)
    note_index(ledger, index)
    ids = [bytes.fromhex(image) for image in erased.image_ids]
    erase_copies(ledger, [*ids, *(name.encode() for name in erased.names)])
    return len(rows), len(gone)
