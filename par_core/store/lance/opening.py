"""Open the table at the version that a reader or writer names."""

from datetime import timedelta
from pathlib import Path

import lancedb
from lancedb.table import Table

from par_core.errors import BadConfigError
from par_core.store.lance.history import LIVE, TABLE, History

__all__ = ["check_version", "is_created", "open_table"]


def check_version(version: str) -> None:
    """Check a version's name: ``latest``, ``live`` or a number.

    Raises:
        BadConfigError: It is none of these.
    """
    if version not in ("latest", LIVE) and not (version.isascii() and version.isdigit()):
        raise BadConfigError(
            f"no version {version!r}; there are live, latest, and numbers as par status prints them"
        )


def is_created(folder: Path) -> bool:
    """Whether a table has a version, or data of one that is lost; Lance creates folders before either."""
    return any((folder / "_versions").glob("*.manifest")) or (folder / "data").is_dir()


def open_table(path: Path, version: str) -> tuple[Table, bool]:
    """Return the table, and whether it stays at one version.

    Args:
        path: Folder of the database.
        version: As ``check_version`` lets pass.

    Raises:
        BadConfigError: The version does not exist (any more).
    """
    table = lancedb.connect(path, read_consistency_interval=timedelta(0)).open_table(TABLE)
    history = History(table, path)
    if version.isdigit() and int(version) not in history.versions():
        raise BadConfigError(
            f"the index has no version {version} (any more); see par status, or leave --version out"
        )
    newest = int(table.version)
    wanted = (
        (history.live_version or newest) if version == LIVE else int(version) if version.isdigit() else None
    )
    if wanted is not None:
        table.checkout(wanted)
    return table, wanted is not None
