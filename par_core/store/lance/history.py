"""The versions of the table: their numbers, the live one, and for how long they are kept.

Every write makes a new version. The tag ``live`` names the version that searches read; only ``make_live``
moves it.
"""

import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import lancedb
from lancedb.table import Table

from par_core.errors import StoreError
from par_core.store.lance import upkeep

__all__ = ["LIVE", "TABLE", "History", "stamp_of"]

TABLE: Final = "people"
LIVE: Final = "live"
_KEEP_VERSIONS: Final = timedelta(days=7)  # readers may go on with an opened version for so long
_SEARCH_ENDS_S: Final = 0.3  # until a search has ended that began before the live version moved
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
        self._folder = database / f"{TABLE}.lance"

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

    def clean_up(self) -> None:
        """Delete the versions that no reader may still have open; the live one stays, however old it is."""
        upkeep.clean_up(self._folder, _KEEP_VERSIONS)
        self._table.checkout_latest()

    def drop(self) -> None:
        """Delete every version but the newest, with all files that only they need; ``live``, where it is set,
        moves to the newest.

        Raises:
            StoreError: Lance has left one of them.
        """
        self._table.checkout_latest()
        if self.live_version not in (None, int(self._table.version)):
            self.make_live()
            time.sleep(_SEARCH_ENDS_S)
        upkeep.clean_up(self._folder, timedelta(0))
        if self.versions() != [int(self._table.version)]:
            raise StoreError(f"old versions of the index are still there: {self.versions()[:5]}")
        self.remove_unfinished()

    def next_fragment(self) -> int:
        """Return a number below which no fragment is numbered that is written from now on."""
        return max(upkeep.fragment_numbers(self._folder), default=-1) + 1

    def remove_unfinished(self) -> None:
        """Delete files that a killed writer left. LanceDB never does, and they hold rows too.

        Only the writer of the store may call this.
        """
        for file in self._folder.rglob(".tmp*"):
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
