"""The ledger of a segmentation as a SQLite file: opened, created, and changed in transactions.

SQLite is used because a night changes a small part of a large table: point look-ups and updates cost the same
in a table of any size, memory is a fixed cache, one transaction covers rows and counters, and it is part of
Python (docs/decisions/0017-the-ledger-is-a-table.md).

Queries join by ``CROSS JOIN``, which SQLite carries out in the written order: the small table, of what
changed, comes first. It knows no sizes, and would else sometimes read all files.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from par_core.errors import StoreError
from par_core.store.layout import Store

__all__ = ["Kind", "Ledger"]

_FORMAT: Final = 2
_CACHE_KIB: Final = 65_536
_WAIT_S: Final = 10.0  # a reader waits so long for a transaction of the writer
# Queries that begin with a small table say CROSS JOIN, which SQLite carries out in the order of the text: it
# knows nothing of the sizes of tables, and may read all of ``files`` otherwise.
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, listed_at TEXT NOT NULL, stamp TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE files (
    uri TEXT NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL,
    source INTEGER, kind INTEGER NOT NULL, attempt INTEGER NOT NULL, status TEXT,
    image_id BLOB, shard BLOB, n_people INTEGER NOT NULL, n_too_small INTEGER NOT NULL,
    time_unread INTEGER NOT NULL,
    PRIMARY KEY (uri, size, version)
) WITHOUT ROWID;
CREATE TABLE superseded (
    uri TEXT NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL, shard BLOB NOT NULL, image_id BLOB,
    PRIMARY KEY (uri, size, version, shard)
) WITHOUT ROWID;
CREATE INDEX superseded_by_image ON superseded (image_id) WHERE image_id IS NOT NULL;
CREATE TABLE also_listed (
    source INTEGER NOT NULL, uri TEXT NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL,
    forgotten INTEGER NOT NULL, PRIMARY KEY (uri, source)
) WITHOUT ROWID;
CREATE INDEX also_listed_by_source ON also_listed (source);
CREATE TABLE shards (
    shard BLOB PRIMARY KEY, entries INTEGER NOT NULL, recognised INTEGER NOT NULL,
    described INTEGER NOT NULL, digest TEXT
) WITHOUT ROWID;
CREATE INDEX shards_undescribed ON shards (shard) WHERE described = 0;
CREATE TABLE person_failures (
    shard BLOB NOT NULL, image_id BLOB NOT NULL, status TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (shard, image_id, status)
) WITHOUT ROWID;
CREATE TABLE indexed (image_id BLOB PRIMARY KEY, digest TEXT, rows INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE writing (image_id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE dirty (image_id BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_INDEXES: Final = (
    "CREATE INDEX files_pending ON files (source) WHERE kind = 0",
    "CREATE INDEX files_failed ON files (source) WHERE kind = 2",
    "CREATE INDEX files_by_image ON files (image_id) WHERE image_id IS NOT NULL",
    "CREATE INDEX files_by_version ON files (version, size) WHERE kind = 1",
)
_TEMPORARY: Final = """
CREATE TEMP TABLE touched (uri TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE touched_images (image_id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE several (image_id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE incoming (
    uri TEXT NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL, attempt INTEGER, status TEXT,
    kind INTEGER, image_id BLOB, shard BLOB, n_people INTEGER, n_too_small INTEGER,
    time_unread INTEGER
);
CREATE TEMP TABLE written (image_id BLOB NOT NULL, digest TEXT, rows INTEGER NOT NULL);
"""


class Kind:
    """Value of the column ``kind`` of the table ``files``: what became of a file."""

    PENDING: Final = 0
    READ: Final = 1  # an image, with or without people
    FAILED: Final = 2
    FORGOTTEN: Final = 3


class Ledger:
    """The ledger of one segmentation: an open connection to its file.

    Only the writer that holds the store (``Store.exclusive``) opens it with ``open``; everybody else reads
    with ``read``. The file is derived from listings and shards: ``par rebuild`` writes it again.

    Attributes:
        store: The store.
        segment_config: Id of the segmentation.
        path: The file.
        filling: Whether the file is new and is being filled, by files alone: counters and indexes come at
            the end (``filled``).
    """

    def __init__(self, store: Store, segment_config: str, path: Path, connection: sqlite3.Connection) -> None:
        self.store = store
        self.segment_config = segment_config
        self.path = path
        self.filling = False
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def create(cls, store: Store, segment_config: str, path: Path) -> Iterator["Ledger"]:
        """Create a ledger in a file that does not exist, to be filled in a block. A file that was left
        half-filled must be deleted: to be fast, SQLite keeps no journal of it.
        """
        with _connected(path, "rwc") as connection:
            ledger = cls(store, segment_config, path, connection)
            _set_up(connection)
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            ledger.set_meta("format", str(_FORMAT))
            connection.executescript(_TEMPORARY)
            ledger.filling = True
            yield ledger

    def filled(self) -> None:
        """End the filling of a new ledger: make the indexes."""
        for statement in _INDEXES:
            self.execute(statement)
        self.filling = False

    @classmethod
    @contextlib.contextmanager
    def open(cls, store: Store, segment_config: str) -> Iterator["Ledger"]:
        """Open the ledger, which exists, to write to it, for the length of a block.

        Raises:
            StoreError: The file is damaged, or of another format; names the command that rebuilds it.
        """
        path = store.ledger_path(segment_config)
        with _connected(path, "rw") as connection:
            ledger = cls(store, segment_config, path, connection)
            with ledger._damage_named():
                _set_up(connection)
                connection.execute("PRAGMA secure_delete = ON")
                ledger._require_format()
                connection.executescript(_TEMPORARY)
                yield ledger

    @classmethod
    @contextlib.contextmanager
    def read(cls, store: Store, segment_config: str) -> Iterator["Ledger | None"]:
        """Open the ledger to read from it, for the length of a block; None where there is none.

        Raises:
            StoreError: The file is damaged, or of another format; names the command that rebuilds it.
        """
        path = store.ledger_path(segment_config)
        if not path.is_file():
            yield None
            return
        # "rw", because the first reader after a kill rolls the unfinished transaction back
        with _connected(path, "rw") as connection:
            ledger = cls(store, segment_config, path, connection)
            with ledger._damage_named():
                _set_up(connection)
                ledger._require_format()
                connection.executescript(_TEMPORARY)
                yield ledger

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes of the block count, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns the number of rows that it changed."""
        return self._connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row of values; returns the number of rows that they changed."""
        return self._connection.executemany(sql, rows).rowcount

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query. Statements that change its tables may run only after the last row."""
        yield from self._connection.execute(sql, values)

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first value of a query's first row, or None if there is no row."""
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def meta(self, key: str) -> str | None:
        """Return a text that is kept under a key, or None."""
        found = self.value("SELECT value FROM meta WHERE key = ?", (key,))
        return None if found is None else str(found)

    def set_meta(self, key: str, value: str) -> None:
        """Keep a text under a key."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def integrity_problems(self) -> list[str]:
        """Return what SQLite finds wrong in the structure of the file; reads all of it."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(5)")]
        return [] if found == ["ok"] else found

    def _require_format(self) -> None:
        if self.meta("format") != str(_FORMAT):
            raise StoreError(f"{self.path} has another format; {self._repair}")

    @property
    def _repair(self) -> str:
        if not self.store.commits():
            return "delete it and run par index again"
        return f"write it again from listings and shards with: par rebuild --store {self.store.root}"

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreError(f"{self.path} is being written to; try again in a moment") from error
            raise StoreError(f"{self.path} cannot be used ({error}); {self._repair}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} is damaged ({error}); {self._repair}") from error


@contextlib.contextmanager
def _connected(path: Path, mode: Literal["rw", "rwc"]) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_WAIT_S,
        isolation_level=None,
        check_same_thread=False,  # the writer hands it from thread to thread, one at a time
    )
    try:
        yield connection
    finally:
        connection.close()


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = FILE")
