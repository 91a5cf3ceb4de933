"""The rows of the table of described people, as they are read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from lancedb.table import Table

from par_core.errors import IndexChangedError
from par_core.store.lance.erasing import id_conditions
from par_core.store.lance.history import LIVE, TABLE, History, stamp_of
from par_core.store.lance.index_info import IndexInfo
from par_core.store.lance.indexing import unindexed_rows
from par_core.store.lance.opening import open_table
from par_core.store.lance.resident_file import SharedFile, read_apart
from par_core.store.lance.resident_people import ResidentPeople
from par_core.store.lance.table_version import ImagePlaces, TableVersion
from par_core.store.packed_columns import shortcut_columns, with_shortcuts
from par_core.store.vector_index import POLICY, IndexPolicy, IndexState

__all__ = ["TABLE_ID", "PeopleRows"]

#: Key of the table's id in the metadata of its schema.
TABLE_ID: Final = b"par.table"
_ROWS_A_BATCH: Final = 16_384  # of a scan of all columns


class PeopleRows:
    """The rows of an open table.

    Attributes:
        path: Folder of the database.
        info: Configuration and models that the table was made with.
        table_id: Random id of this table: a table created in its place has another id, while its version
            numbers start again. Empty where an earlier version of PAR made it.
        history: Versions of the table.
        resident: What searches need of this version in memory; None until it is read.
        resident_file: The file in memory that holds it, where it was read apart.
    """

    def __init__(
        self,
        table: Table,
        database: Path,
        policy: IndexPolicy = POLICY,
        stamp: tuple[int, ...] = (),
        *,
        pinned: bool = False,
    ) -> None:
        self.path = database
        self.info = IndexInfo.of(table.schema)
        self.table_id = table.schema.metadata.get(TABLE_ID, b"").decode()
        self.history = History(table, database)
        self._table = table
        self._policy = policy
        self._stamp = stamp
        self._pinned = pinned
        self.resident: ResidentPeople | None = None
        self.resident_file: SharedFile | None = None
        self._opened = TableVersion.of(table, self.info, policy)

    def is_current(self) -> bool:
        """Whether ``open`` with the same arguments would open the same version. Costs microseconds, so that a
        table can stay open between questions.
        """
        return bool(self._stamp) and self._stamp == stamp_of(self.path)

    def _is_replaced(self) -> bool:
        """Whether searches read another version than this one by now, or another table."""
        try:
            live, _ = open_table(self.path, LIVE)
            newest, _ = open_table(self.path, "latest")
        except (ValueError, RuntimeError, OSError):  # it is being replaced
            return True
        same = live.schema.metadata.get(TABLE_ID, b"").decode() == self.table_id
        return not (same and self._opened.number in (int(live.version), int(newest.version)))

    @contextmanager
    def unless_erased(self) -> Iterator[None]:
        """Turn an error in the block into IndexChangedError where this version was erased meanwhile."""
        try:
            yield
        except (RuntimeError, OSError, ValueError) as error:
            if not self._is_replaced():
                raise
            raise IndexChangedError(
                f"the index at {self.path} was rewritten while it was read, as when somebody is forgotten;"
                " ask again"
            ) from error

    @property
    def schema(self) -> pa.Schema:
        """The table's columns, without those that exist for speed only."""
        return self._now.schema

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Columns that a filter may name: all but the vector and those that only PAR itself uses."""
        return {
            field.name: field.type
            for field in self.schema
            if field.name not in ("vector", "uris", "row_digest", "shard")
        }

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attribute columns."""
        return self.info.attributes

    @property
    def thresholds(self) -> dict[str, float]:
        """Probability from which each attribute counts as present."""
        return self._opened.thresholds

    @property
    def profile(self) -> str:
        """Name of the profile that filled it."""
        return self.info.profile

    @property
    def embedding_fingerprint(self) -> str:
        """Fingerprint of the model whose vectors it holds."""
        return self.info.embedding

    @property
    def version(self) -> int:
        """LanceDB's version number; every write makes a new one."""
        return self._opened.number if self._pinned else int(self._table.version)

    @property
    def identity(self) -> tuple[str, int]:
        """``table_id`` and ``version``: the key of what is computed from this version."""
        return self.table_id, self.version

    @property
    def read_identity(self) -> tuple[str, int]:
        """Identity of the version that was read last. Unlike ``identity``, it does not look for a newer one,
        which takes a millisecond in a table that is open for writing.
        """
        return self.table_id, self._opened.number

    def __len__(self) -> int:
        return self._now.count()

    def count(self, where: str | None = None) -> int:
        """Return the number of rows for which SQL made by ``par_core.query.where_sql`` holds.

        Raises:
            IndexChangedError: This version was erased meanwhile.
        """
        with self.unless_erased():
            return self._now.count(where)

    def count_present(self) -> int:
        """Return the number of people whose file existed, unchanged, when this version was written."""
        return int(self._table.count_rows("source_state = 'present'"))

    def search(
        self,
        vector: Sequence[float] | np.ndarray | None,
        *,
        where: str | None = None,
        top: int = 20,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows by ascending cosine distance to a vector, or any rows without one.

        Args:
            vector: A vector of the table's embedding size, or None.
            where: SQL made by ``par_core.query.where_sql``, applied before the vector search.
            top: Largest number of rows.
            columns: Columns to return; None is all.

        Returns:
            The rows, with ``_distance`` (1 - cosine, in [0, 2]) if there is a vector.

        Raises:
            IndexChangedError: This version was erased meanwhile.
        """
        with self.unless_erased():
            return self._now.search(vector, where, top, columns)

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows, or those for which SQL made by ``par_core.query.where_sql`` holds, a batch at a
        time, in no particular order.

        Raises:
            IndexChangedError: This version was erased meanwhile.
        """
        query = self._table.search()
        if where is not None:
            query = query.where(where)
        with self.unless_erased():
            yield from query.select(list(columns)).limit(max(len(self), 1)).to_batches()

    def scan_stored(self, since: int = 0) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the fragments from a number on, a batch at a time, with every stored column but
        the vector, also those that are never shown.
        """
        query = self._table.search().select([name for name in self._table.schema.names if name != "vector"])
        query = query.where(f"_rowid >= {since << 32}") if since else query
        yield from query.limit(max(len(self), 1)).to_batches(_ROWS_A_BATCH)

    def read_resident(self) -> None:
        """Read what searches need of this version into memory, as ``resident``; it stays None where the files
        of the version do not allow it, and in a table that is open for writing, whose version changes.

        Raises:
            IndexChangedError: This version was erased meanwhile.
        """
        if not self._pinned:
            return
        with self.unless_erased():
            self.resident = ResidentPeople.of(self._table, self.path / f"{TABLE}.lance", self.attributes)

    def read_resident_apart(self) -> None:
        """The same in a process of its own, into ``resident_file``, which other processes may map too.

        Raises:
            IndexChangedError: This version was erased meanwhile.
            StoreError: The process died or failed.
        """
        if not self._pinned:
            return
        found = read_apart(self.path, self.table_id, self.version)
        if found is not None:
            self.resident, self.resident_file = found

    def rows(self, person_ids: Sequence[str]) -> pa.Table:
        """Return people by id, all columns, in no particular order; unknown ids are left out.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        tables = [
            self.search(None, where=part, top=len(person_ids))
            for part in id_conditions("person_id", person_ids)
        ]
        return pa.concat_tables(tables) if tables else self.schema.empty_table()

    def sample(self, n: int, columns: Sequence[str], seed: int = 0) -> pa.Table:
        """Return n people drawn at random without replacement; all people if there are no more than n.

        Raises:
            IndexChangedError: This version was erased meanwhile.
        """
        total = len(self)
        if total <= n:
            return self.search(None, top=max(total, 1), columns=columns)
        drawn = np.sort(np.random.default_rng(seed).choice(total, n, replace=False))
        with self.unless_erased():
            if self.resident is not None:
                rows = self.resident.rows(self.resident.sample(drawn))
                if set(columns) <= set(rows.column_names):
                    return rows.select(list(columns))
            taken: pa.Table = self._table.take_offsets(drawn.tolist()).select(list(columns)).to_arrow()
        return taken

    def image_digests(self) -> Iterator[tuple[str, str | None, int]]:
        """Yield image id, ``row_digest`` and number of rows of all people, a batch at a time; an image may
        come several times.
        """
        for batch in self.scan(["image_id", "row_digest"]):
            groups = pa.table(batch).group_by(["image_id", "row_digest"]).aggregate([([], "count_all")])
            yield from zip(
                groups["image_id"].to_pylist(),
                groups["row_digest"].to_pylist(),
                groups["count_all"].to_pylist(),
                strict=True,
            )

    def people_of(self, image_ids: Sequence[str]) -> set[str]:
        """Return the ids of all people of some images.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        return {
            identity
            for part in id_conditions("image_id", image_ids)
            for batch in self.scan(["person_id"], part)
            for identity in batch["person_id"].to_pylist()
        }

    def places(self, image_ids: Sequence[str]) -> dict[str, ImagePlaces]:
        """Return where images are, by ``image_id``; images without people are left out.

        Raises:
            StoreError: An id is not hexadecimal.
        """
        parts = id_conditions("image_id", image_ids)
        return {image: place for part in parts for image, place in self._now.places(part)}

    def wrong_shortcuts(self, rows: pa.Table) -> list[str]:
        """Return the ids of people whose columns for speed differ from their rows.

        Args:
            rows: Rows as they should be in the table, which holds all of these people.
        """
        if not self._now.carded or not len(rows):
            return []
        names = ["person_id", *sorted(shortcut_columns(self.attributes))]
        stored = [
            batch
            for part in id_conditions("person_id", rows["person_id"].to_pylist())
            for batch in self.scan(names, part)
        ]
        actual, expected = pa.Table.from_batches(stored), with_shortcuts(rows, self.thresholds).select(names)
        pairs = zip(
            expected.sort_by("person_id").to_pylist(), actual.sort_by("person_id").to_pylist(), strict=True
        )
        return [expected["person_id"] for expected, actual in pairs if expected != actual]

    def vector_index(self) -> IndexState | None:
        """Return the state of the vector index, or None where every vector is compared."""
        return self._now.vectors

    def unindexed_rows(self) -> int:
        """Return the number of rows that no index covers yet; they are searched too, only slower."""
        return unindexed_rows(self._table)

    @property
    def _now(self) -> TableVersion:
        """The version to read: the newest, if the table is open for writing."""
        if not self._pinned and self._opened.number != self.version:
            self._opened = TableVersion.of(self._table, self.info, self._policy)
        return self._opened
