"""Bring the index in line with the ledger: write what changed, and note in the ledger what was written.

A kill between the two leaves images marked as being written: the next commit deletes their rows, which may be
there or not, and writes them again.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from par_core.stages.names import ConfigIds
from par_core.store.described_with import DescribedWith
from par_core.store.desired import desired_rows
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.changed_images import (
    INDEX_TABLE,
    ChangedShard,
    ImageState,
    changed_shards,
    forget_index,
    images_without_people,
    mark_adopted,
    mark_all_indexed,
    mark_indexed,
    mark_writing,
    note_written,
)
from par_core.store.vector_index import POLICY

__all__ = ["Changes", "adopt_index", "note_index", "opened_index", "reconcile"]

_SHARDS_AT_ONCE: Final = 16  # of which the files are read, and their rows made
_ROWS_PER_WRITE: Final = 20_000  # smaller writes leave many fragments behind
_ROWS_OF_A_NEW_TABLE: Final = POLICY.rows_a_fragment  # a write: whole fragments, never merged later


@dataclass
class Changes:
    """Rows that a commit has changed.

    Attributes:
        upserted: Rows inserted or replaced.
        deleted: Rows removed.
        created: Whether the table is new.
    """

    upserted: int = 0
    deleted: int = 0
    created: bool = False

    def __bool__(self) -> bool:
        return bool(self.upserted or self.deleted or self.created)


def opened_index(
    ledger: Ledger, info: IndexInfo, made_with: DescribedWith, *, rebuild: bool
) -> tuple[PeopleIndex, bool]:
    """Return the index to write to, with the ledger in line with it, and whether it is a new table.

    A new table is not noted in the ledger before it is filled. It also takes the place of a table that lacks
    columns, of an earlier version. An index that the ledger does not know, of version 0.1, put back from a
    backup, or half-filled by a killed commit, is read once.

    Args:
        ledger: The ledger.
        info: Configuration and models of the commit.
        made_with: Models of the descriptions.
        rebuild: Whether to begin a new table in any case.
    """
    path = ledger.store.index_path
    index = None if rebuild else PeopleIndex.open(path)
    if (
        index is None
        or _current(ledger.store, index.info) != info
        or set(made_with.schema.names) - set(index.schema.names)
    ):
        _keep_readers_on_the_old(ledger)
        index = PeopleIndex.create(path, made_with.schema, info)
        forget_index(ledger)
        return index, True
    index.history.remove_unfinished()
    if not ledger.store.has_gate():
        _keep_readers_on_the_old(ledger)
    _adopt(ledger, index)
    return index, False


def adopt_index(ledger: Ledger, ids: ConfigIds) -> None:
    """Take over what the index of a store holds into a ledger that is new: nothing is written to the index.

    Args:
        ledger: The ledger.
        ids: Configuration of the ledger; an index of another one is left alone.
    """
    index = PeopleIndex.open(ledger.store.index_path)
    if index is not None:
        info = _current(ledger.store, index.info)
        if ConfigIds(info.segment_config, info.describe_config) == ids:
            _adopt(ledger, index)


def _adopt(ledger: Ledger, index: PeopleIndex) -> None:
    known = ledger.meta(INDEX_TABLE)
    table_id, _, version = (known or "").rpartition(" ")
    if known is None or table_id != index.table_id or index.version < int(version):
        mark_adopted(ledger, index.image_digests())
        note_index(ledger, index)


def _current(store: Store, info: IndexInfo) -> IndexInfo:
    """Return what a table was made with, by the ids that its configuration has now."""
    return replace(
        info,
        segment_config=store.current_id(info.segment_config),
        describe_config=store.current_id(info.describe_config),
    )


def note_index(ledger: Ledger, index: PeopleIndex) -> None:
    """Keep which table, and which version of it, the ledger is in line with."""
    with ledger.transaction():
        ledger.set_meta(INDEX_TABLE, f"{index.table_id} {index.version}")


def reconcile(
    ledger: Ledger, index: PeopleIndex, ids: ConfigIds, made_with: DescribedWith, *, created: bool
) -> Changes:
    """Write all rows of the index that changed.

    Args:
        ledger: The ledger.
        index: The index.
        ids: The configuration.
        made_with: Models of the descriptions.
        created: Whether the table is new. What was written is then marked once, at the end: after a kill the
            ledger does not know the table, so that the next commit reads what it holds.
    """
    batch = _Batch(ledger, index, Changes(created=created), ids.describe, made_with.schema)
    for shard in changed_shards(ledger, everything=created):
        batch.add(shard)
    batch.write()
    if created:
        mark_all_indexed(ledger)
        return batch.changes
    for images in images_without_people(ledger):
        batch.changes.deleted += _removed(ledger, index, images)
    with ledger.transaction():
        ledger.execute("DELETE FROM dirty")  # failed and pending images have no rows
    return batch.changes


@dataclass
class _Batch:
    """Images whose rows wait to be written together."""

    ledger: Ledger
    index: PeopleIndex
    changes: Changes
    describe_config: str
    schema: pa.Schema
    _shards: list[ChangedShard] = field(default_factory=list)  # not read yet
    _tables: list[pa.Table] = field(default_factory=list)
    _images: list[ImageState] = field(default_factory=list)

    def add(self, shard: ChangedShard) -> None:
        changed = tuple(image for image in shard.images if not image.current)
        if not changed:
            return
        self._shards.append(ChangedShard(shard.shard_id, changed))
        self._images += changed
        if len(self._shards) >= _SHARDS_AT_ONCE:
            self._read()
        enough = _ROWS_OF_A_NEW_TABLE if self.changes.created else _ROWS_PER_WRITE
        if sum(map(len, self._tables)) >= enough:
            self.write()

    def write(self) -> None:
        self._read()
        if not self._images:
            return
        rows = pa.concat_tables(self._tables)
        counts = Counter(rows["image_id"].to_pylist())
        digests = {image.image_id: (image.digest, counts[image.image_id]) for image in self._images}
        if self.changes.created:
            self.index.add(rows)
            note_written(self.ledger, digests)
        else:
            self._replace(rows, digests)
        self.changes.upserted += len(rows)
        self._tables.clear()
        self._images.clear()

    def _read(self) -> None:
        self._tables.append(desired_rows(self.ledger, self.describe_config, self._shards, self.schema))
        self._shards.clear()

    def _replace(self, rows: pa.Table, digests: dict[str, tuple[str, int]]) -> None:
        mark_writing(self.ledger, list(digests))
        removed = self.index.delete_images([image.image_id for image in self._images if image.indexed])
        self.index.add(rows)
        mark_indexed(self.ledger, digests, [])
        self.changes.deleted += max(removed - len(rows), 0)


def _removed(ledger: Ledger, index: PeopleIndex, images: list[str]) -> int:
    mark_writing(ledger, images)
    removed = index.delete_images(images)
    mark_indexed(ledger, {}, images)
    return removed


def _keep_readers_on_the_old(ledger: Ledger) -> None:
    """Tag the version that is read now, if none is live: before rows are written, or a new table takes its
    place.
    """
    old = PeopleIndex.open(ledger.store.index_path)
    if old is not None and old.history.live_version is None:
        old.history.make_live()
