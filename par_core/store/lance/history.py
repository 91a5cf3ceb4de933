"""The versions of the table: their numbers, the live one, and for how long they are kept.

Every write makes a new version. The tag ``live`` names the version that searches read; only ``make_live``
moves it.
"""

import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import lancedb
from lancedb.table import Table

from par_core.errors import StoreError
from par_core.store.lance.erasing import next_fragment

__all__ = ["LIVE", "TABLE", "History", "stamp_of"]

TABLE: Final = "people"
LIVE: Final = "live"
_KEEP_VERSIONS: Final = timedelta(days=7)  # readers may go on with an opened version for so long
_SETTLED_NS: Final = 100_000_000  # after that, the next change of a folder shows in its time


class History:
    """The versions of an open table.

    Args:
        table: The table, at any of its versions.
        database: Folder of the database.
    """

    def __init__(self, table: Table, database: Path) -> None:
        self._table = table
        self._database = database

    def versions(self) -> list[int]:
        """Return the numbers of all versions that exist, oldest first."""
        return sorted(int(version["version"]) for version in self._table.list_versions())

    @property
    def live_version(self) -> int | None:
        """The version that is tagged ``live``, or None."""
        tag = self._table.tags.list().get(LIVE)
        return None if tag is None else int(tag["version"])

    def make_live(self) -> None:
        """Tag the version that is open ``live``: searches read it from now on, and its files are kept however
        old it is.
        """
        tags, version = self._table.tags, int(self._table.version)
        if self.live_version is None:
            tags.create(LIVE, version)
        else:
            tags.update(LIVE, version)

    def release_lost_live(self) -> int | None:
        """Take the tag off a live version whose files are lost or damaged: searches read the newest again.

        Returns:
            The version that was live, or None if there is nothing to release.
        """
        live = self.live_version
        if live is None or _is_whole(self._database, live):
            return None
        self._table.tags.delete(LIVE)
        return live

    def age_to_keep(self) -> timedelta:
        """Return the age below which versions are kept. LanceDB refuses to clean up at all where that would
        delete a tagged version.
        """
        live = self.live_version
        made_at = [
            version["timestamp"] for version in self._table.list_versions() if version["version"] == live
        ]
        return max(
            [
                _KEEP_VERSIONS,
                *(datetime.now(stamp.tzinfo) - stamp + timedelta(days=1) for stamp in made_at),
            ]
        )

    def drop(self) -> None:
        """Delete every version but the newest, with all files that only they need; ``live``, where it is set,
        moves to the newest.

        Raises:
            StoreError: LanceDB has left one of them.
        """
        # what it writes becomes a version: better now than while the others are deleted
        self._table.optimize()
        if self.live_version is not None:
            self.make_live()
        with warnings.catch_warnings():
            # LanceDB warns that readers of older versions will fail: here they must
            warnings.simplefilter("ignore", UserWarning)
            self._table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
        if self.versions() != [int(self._table.version)]:
            raise StoreError(f"old versions of the index are still there: {self.versions()[:5]}")
        self.remove_unfinished()

    def next_fragment(self) -> int:
        """Return a number below which no fragment is numbered that is written from now on."""
        return next_fragment(self._table)

    def remove_unfinished(self) -> None:
        """Delete files that a killed writer left. LanceDB never does, and they hold rows too.

        Only the writer of the store may call this.
        """
        for file in (self._database / f"{TABLE}.lance").rglob(".tmp*"):
            file.unlink(missing_ok=True)


def stamp_of(database: Path) -> tuple[int, ...]:
    """Return a stamp that changes whenever a version is written or the tag moves: both put a file into one of
    two folders.

    It is empty if that was just now: file systems keep time in steps, and another change within the same step
    would not show.
    """
    stamp: list[int] = []
    for folder in ("_versions", "_refs/tags"):
        try:
            status = (database / f"{TABLE}.lance" / folder).stat()
        except FileNotFoundError:
            stamp += [0, 0]
        else:
            if abs(time.time_ns() - status.st_mtime_ns) < _SETTLED_NS:
                return ()
            stamp += [status.st_ino, status.st_mtime_ns]
    return tuple(stamp)


def _is_whole(database: Path, version: int) -> bool:
    """Whether all files of a version are there: one short column of every file is read."""
    try:
        table = lancedb.connect(database).open_table(TABLE)
        table.checkout(version)
        table.list_indices()
        for _ in table.search().select(["source_state"]).limit(max(table.count_rows(), 1)).to_batches():
            pass
    except (ValueError, RuntimeError, KeyError, OSError):
        return False
    return True
