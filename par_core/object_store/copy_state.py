"""What a working copy knows: the files of the version that it was last brought in line with, those that its
writer has adopted for the next one, and which of them are in the folder. A SQLite file; several processes may
use it.
"""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Final

from par_core.errors import StoreError
from par_core.object_store.catalogue import Part

__all__ = ["CopyState", "Mark", "RecordMark", "group_of"]

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS catalogue (path TEXT PRIMARY KEY, grp TEXT, parts TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS catalogue_groups ON catalogue (grp);
CREATE TABLE IF NOT EXISTS adopted (path TEXT PRIMARY KEY, grp TEXT, parts TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS adopted_groups ON adopted (grp);
CREATE VIEW IF NOT EXISTS files AS
    SELECT path, grp, parts FROM adopted UNION ALL
    SELECT path, grp, parts FROM catalogue c WHERE NOT EXISTS (SELECT 1 FROM adopted a WHERE a.path = c.path);
CREATE TABLE IF NOT EXISTS held
    (path TEXT PRIMARY KEY, parts TEXT, mtime INT, size INT, inode INT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wanted (grp TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (path TEXT PRIMARY KEY, tag TEXT, sha256 TEXT, size INT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_WAIT_S: Final = 60.0
_LARGE: Final = ("index.lance", "ledger", "listings", "work")
_SHARDS: Final = ("segment", "describe")


def group_of(path: str) -> str:
    """Return the group of a file: files of a group are fetched together, when one of them is needed. The
    empty group holds the small files that every command reads.

    >>> group_of("segment/1f/9a/images.parquet"), group_of("ledger/1f.db"), group_of("status.json")
    ('segment/1f/9a', 'ledger', '')
    """
    parts = path.split("/")
    if parts[0] in _SHARDS:
        return "/".join(parts[:3])
    return parts[0] if parts[0] in _LARGE else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a file looked when it was last in line: time of change (ns), size (bytes), inode."""

    mtime: int
    size: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Mark":
        """Read it from the status of a file."""
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


@dataclass(frozen=True, slots=True)
class RecordMark:
    """What a record was when copy and object store last had the same: tag, digest and size (bytes)."""

    tag: str
    sha256: str
    size: int


class CopyState:
    """The state of a working copy.

    Args:
        path: The SQLite file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._process = 0
        with self._connected() as connection:
            connection.executescript(_TABLES)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The connection of this process, for one thread at a time. Nothing is synced: what a power cut
        destroys can be fetched again.
        """
        with self._lock:
            try:
                if self._process != os.getpid():  # a child must not use its parent's connection
                    self._process = os.getpid()
                    self._connection = sqlite3.connect(
                        self._path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
                    )
                    self._connection.execute("PRAGMA journal_mode = WAL")
                    self._connection.execute("PRAGMA synchronous = OFF")
                yield self._connection
            except sqlite3.DatabaseError as error:
                raise StoreError(
                    f"{self._path} cannot be used ({error}); if it is damaged, delete"
                    f" {self._path.parents[1]}, which is a copy: what was committed is fetched again"
                ) from error

    @contextlib.contextmanager
    def changing(self) -> Iterator["Changes"]:
        """All changes of the block count, or none."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Changes(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            return connection.execute(sql, values).fetchall()

    def meta(self, key: str) -> str | None:
        """Return a text that is kept under a key, or None."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def files(self) -> dict[str, list[Part]]:
        """Return all files of the version and all adopted ones, with their parts."""
        return {path: _parts(parts) for path, parts in self._rows("SELECT path, parts FROM files")}

    def committed(self) -> dict[str, list[Part]]:
        """Return all files of the version, with their parts."""
        return {path: _parts(parts) for path, parts in self._rows("SELECT path, parts FROM catalogue")}

    def adopted(self) -> dict[str, list[Part]]:
        """Return the adopted files, with their parts."""
        return {path: _parts(parts) for path, parts in self._rows("SELECT path, parts FROM adopted")}

    def parts_of(self, paths: Iterable[str]) -> dict[str, list[Part]]:
        """Return the parts of those of some files that the version has, or that are adopted."""
        return self._looked_up("SELECT parts FROM files WHERE path = ?", paths)

    def committed_parts_of(self, paths: Iterable[str]) -> dict[str, list[Part]]:
        """Return the parts of those of some files that the version has."""
        return self._looked_up("SELECT parts FROM catalogue WHERE path = ?", paths)

    def _looked_up(self, sql: str, paths: Iterable[str]) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        with self._connected() as connection:
            for path in paths:
                row = connection.execute(sql, (path,)).fetchone()
                if row is not None:
                    found[path] = _parts(row[0])
        return found

    def of_group(self, group: str) -> dict[str, list[Part]]:
        """Return the files of a group, with their parts."""
        rows = self._rows("SELECT path, parts FROM files WHERE grp = ?", (group,))
        return {path: _parts(parts) for path, parts in rows}

    def held(self) -> dict[str, Mark]:
        """Return all files that are in the folder, as they looked when they were in line."""
        return {row[0]: Mark(*row[1:]) for row in self._rows("SELECT path, mtime, size, inode FROM held")}

    def absent(self, group: str, *, below: bool = False) -> dict[str, list[Part]]:
        """Return the files of a group that the folder lacks or has in another version; of all groups below a
        folder on demand.
        """
        where = "c.grp >= ? AND c.grp < ?" if below else "c.grp = ?"
        values = (f"{group}/", f"{group}0") if below else (group,)
        return self._stale(f"{where} AND (h.path IS NULL OR h.parts <> c.parts)", values)

    def outdated(self) -> dict[str, list[Part]]:
        """Return the files that the folder must get: of wanted groups, and those held in another version."""
        return self._stale(
            "(h.path IS NOT NULL AND h.parts <> c.parts) OR (h.path IS NULL AND"
            " (c.grp = '' OR c.grp IN (SELECT grp FROM wanted)))"
        )

    def _stale(self, where: str, values: Sequence[Any] = ()) -> dict[str, list[Part]]:
        sql = f"SELECT c.path, c.parts FROM files c LEFT JOIN held h ON h.path = c.path WHERE {where}"  # noqa: S608 - our own text
        return {path: _parts(parts) for path, parts in self._rows(sql, values)}

    def gone(self) -> list[str]:
        """Return the files in the folder that the version does not have."""
        sql = "SELECT path FROM held WHERE path NOT IN (SELECT path FROM files)"
        return [row[0] for row in self._rows(sql)]

    def held_of(self, paths: Iterable[str]) -> dict[str, Mark]:
        """Return those of some files that are in the folder, as they looked when they were in line."""
        sql, found = "SELECT mtime, size, inode FROM held WHERE path = ?", dict[str, Mark]()
        with self._connected() as connection:
            for path in paths:
                row = connection.execute(sql, (path,)).fetchone()
                if row is not None:
                    found[path] = Mark(*row)
        return found

    def records(self) -> dict[str, RecordMark]:
        """Return the records that copy and object store have had the same of, by path."""
        rows = self._rows("SELECT path, tag, sha256, size FROM records")
        return {row[0]: RecordMark(*row[1:]) for row in rows}


class Changes:
    """Changes of a state, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def set_meta(self, key: str, value: str) -> None:
        """Keep a text under a key."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def clear(self) -> None:
        """Forget the version."""
        self._connection.execute("DELETE FROM catalogue")

    def forget_everything(self) -> None:
        """Forget the version and what is in the folder."""
        for table in ("catalogue", "adopted", "held", "wanted", "records"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def add(self, files: Mapping[str, Sequence[Part]], deleted: Collection[str]) -> None:
        """Take a catalogue into the version."""
        rows = ((path, group_of(path), _text(parts)) for path, parts in files.items())
        self._connection.executemany("DELETE FROM catalogue WHERE path = ?", ((path,) for path in deleted))
        self._connection.executemany("INSERT OR REPLACE INTO catalogue VALUES (?, ?, ?)", rows)

    def adopt(self, files: Mapping[str, Sequence[Part]]) -> None:
        """Take files, whose objects nobody has committed yet, for the next version."""
        rows = ((path, group_of(path), _text(parts)) for path, parts in files.items())
        self._connection.executemany("INSERT OR REPLACE INTO adopted VALUES (?, ?, ?)", rows)

    def let_go_of_adopted(self, files: Mapping[str, Sequence[Part]]) -> None:
        """Note that files are adopted no more, unless they were adopted anew since with other parts."""
        rows = ((path, _text(parts)) for path, parts in files.items())
        self._connection.executemany("DELETE FROM adopted WHERE path = ? AND parts = ?", rows)

    def hold(self, path: str, parts: Sequence[Part], mark: Mark) -> None:
        """Note that a file is in the folder."""
        row = (path, _text(parts), mark.mtime, mark.size, mark.inode)
        self._connection.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", row)

    def let_go(self, paths: Iterable[str]) -> None:
        """Note that files are not in the folder."""
        self._connection.executemany("DELETE FROM held WHERE path = ?", ((path,) for path in paths))

    def want(self, group: str) -> None:
        """Note that a group is to be kept in the folder."""
        self._connection.execute("INSERT OR IGNORE INTO wanted VALUES (?)", (group,))

    def mark_record(self, path: str, mark: RecordMark | None) -> None:
        """Note what a record is on both sides; None: it is gone."""
        self._connection.execute("DELETE FROM records WHERE path = ?", (path,))
        if mark is not None:
            self._connection.execute("INSERT INTO records VALUES (?, ?, ?, ?)", (path, *astuple(mark)))


def _text(parts: Sequence[Part]) -> str:
    return json.dumps([list(asdict(part).values()) for part in parts], separators=(",", ":"))


def _parts(text: str) -> list[Part]:
    return [Part(*part) for part in json.loads(text)]
