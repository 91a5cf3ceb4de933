"""``store.json``: the format of a store, and the version of PAR that made it."""

import json
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.version import __version__

__all__ = ["FORMAT", "raise_format", "require_readable", "write_marker"]

FORMAT: Final = 2
_FIRST_FORMAT: Final = 1  # of version 0.1.0, with which the next writer goes on


def write_marker(marker: Path) -> None:
    """Make a folder a store of this format."""
    write_atomic(marker, json.dumps({"format": FORMAT, "created_by": f"par {__version__}"}).encode())


def require_readable(marker: Path, place: str) -> None:
    """Do nothing if this version reads the format of a store.

    Args:
        marker: Its ``store.json``.
        place: Where users know the store to be.

    Raises:
        StoreError: A newer version of PAR has written the store, or the file is damaged.
    """
    stored = _read(marker)["format"]
    if stored > FORMAT:
        raise StoreError(
            f"{place} has store format {stored}, which a newer version of PAR has written; this one reads"
            f" formats up to {FORMAT}: install the newer one here"
        )


def raise_format(marker: Path) -> None:
    """Say that a store is of this format from now on.

    Raises:
        StoreError: The file is damaged.
    """
    content = _read(marker)
    if content["format"] < FORMAT:
        write_atomic(marker, json.dumps({**content, "format": FORMAT}).encode())


def _read(marker: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(marker.read_bytes())
        if type(content["format"]) is not int or content["format"] < _FIRST_FORMAT:
            raise ValueError(f"format {content['format']!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{marker} is damaged ({error}); bring it back from a backup: it holds the format"
        ) from error
    return content
