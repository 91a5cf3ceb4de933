"""The table of described people: opened and written. Its versions are in ``history``, reading in
``people_rows``.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import lancedb
import pyarrow as pa

from par_core.errors import StoreError
from par_core.store.lance import upkeep
from par_core.store.lance.erasing import delete_unnamed, id_conditions, rewrite_deleted
from par_core.store.lance.history import TABLE, stamp_of
from par_core.store.lance.index_info import IndexInfo
from par_core.store.lance.indexing import make_indexes, unindexed_rows
from par_core.store.lance.opening import check_version, is_created, open_table
from par_core.store.lance.people_rows import TABLE_ID, PeopleRows
from par_core.store.packed_columns import shortcut_fields, with_shortcuts
from par_core.store.vector_index import POLICY, IndexPolicy

__all__ = ["PeopleIndex"]


class PeopleIndex(PeopleRows):
    """The table of described people.

    Use ``open`` to read, ``create`` to start an empty one. Writes always go to the newest version.
    """

    @classmethod
    def open(cls, path: Path, version: str = "latest", policy: IndexPolicy = POLICY) -> "PeopleIndex | None":
        """Open the table, or return None where there is none or its creation was killed.

        Args:
            path: Folder of the database (``Store.index_path``).
            version: ``latest``, which alone can be written to; ``live``, which is the newest where no version
                is live; or a version's number. The last two do not change, whatever is written meanwhile.
            policy: Settings of the indexes.

        Raises:
            BadConfigError: The version is none of these, or does not exist (any more).
            StoreError: The table exists but cannot be read.
        """
        check_version(version)
        if not is_created(path / f"{TABLE}.lance"):
            return None
        stamp = stamp_of(path)
        try:
            table, pinned = open_table(path, version)
            return cls(table, path, policy, stamp, pinned=pinned)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}); make it again with: par rebuild --store {path.parent}"
            ) from error

    @classmethod
    def create(
        cls, path: Path, schema: pa.Schema, info: IndexInfo, policy: IndexPolicy = POLICY
    ) -> "PeopleIndex":
        """Create an empty table; it replaces an existing one."""
        metadata = {**(schema.metadata or {}), **info.as_metadata(), TABLE_ID: uuid4().hex.encode()}
        full = pa.schema([*schema, *shortcut_fields(schema, info.attributes)], metadata=metadata)
        table = lancedb.connect(path).create_table(TABLE, schema=full, mode="overwrite")
        table.set_unenforced_primary_key(["person_id"])
        return cls(table, path, policy)

    def add(self, rows: pa.Table) -> None:
        """Insert rows of people whom the table does not hold.

        Raises:
            StoreError: A person is in the rows twice.
        """
        if not len(rows):
            return
        if len(rows["person_id"].unique()) != len(rows):
            raise StoreError("the same person twice in one commit")
        self._table.add(with_shortcuts(rows, self.thresholds) if self._now.carded else rows)

    def delete_images(self, image_ids: Sequence[str]) -> int:
        """Delete all people of some images; returns the number of deleted rows.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        return sum(
            int(self._table.delete(part).num_deleted_rows) for part in id_conditions("image_id", image_ids)
        )

    def needs_optimizing(self) -> bool:
        """Whether enough has changed since ``optimize`` that searches may be slower for it."""
        rows = len(self)
        fragments = self._table.stats()["fragment_stats"]
        if fragments["num_small_fragments"] > self._policy.small_fragments:
            return True
        if rows < self._policy.columns_from:
            return False
        unindexed = unindexed_rows(self._table) if self._table.list_indices() else rows
        return unindexed >= max(self._policy.columns_from, rows * self._policy.unindexed_share)

    def erase(self, person_ids: Sequence[str], rows: pa.Table) -> None:
        """Delete some rows and replace others; files of the newest version keep no byte of the old ones (see
        ``par_core.store.lance.erasing``), and ``history.drop`` deletes all other files.

        Raises:
            StoreError: An id is not hexadecimal, or LanceDB has kept deleted rows.
        """
        if len(rows):
            rows = with_shortcuts(rows, self.thresholds) if self._now.carded else rows
            merge = self._table.merge_insert("person_id").when_matched_update_all()
            merge.when_not_matched_insert_all().execute(rows)
        for part in id_conditions("person_id", person_ids):
            delete_unnamed(self._table, part)
        rewrite_deleted(self._table, self._folder, self._policy.rows_a_fragment)
        make_indexes(self._table, self.attributes, self._policy)

    def optimize(self) -> None:
        """Compact fragments, index columns and vectors of a large table, and bring the indexes up to date."""
        # compacted first: indexes of rows that move later would be written twice
        upkeep.compact(self._folder, self._policy.rows_a_fragment)
        self.history.clean_up()
        upkeep.update_indexes(self._folder)
        self._table.checkout_latest()
        make_indexes(self._table, self.attributes, self._policy)

    @property
    def _folder(self) -> Path:
        return self.path / f"{TABLE}.lance"
