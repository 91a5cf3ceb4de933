"""Sources that are not where they were listed: moved, deleted, or on a disk that is not mounted.

Their files stay listed, since nobody can tell a disk that is away from one that is gone. But an image that
another source holds, too, is shown at that place. ``listings/missing.json`` has the digests of such sources.
"""

import json
import os
from collections.abc import Set
from typing import Final

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.store.layout import Store
from par_core.store.listings import listing_files

__all__ = ["look_for_sources", "missing_sources", "release_forgotten"]

_NAME: Final = "missing.json"


def look_for_sources(store: Store) -> None:
    """Look whether the folders and files that were listed as sources are still there, and write down those
    that are not. URLs are not looked for.
    """
    _write(store, {file.digest for file in listing_files(store) if _is_missing(file.source())})


def release_forgotten(store: Store) -> None:
    """Write down no longer that a forgotten source is missing. Nothing is looked for: other sources that have
    gone meanwhile are noticed by the next plan, not by an erasure, which would show their images elsewhere.

    Raises:
        StoreError: The file is damaged.
    """
    missing = missing_sources(store)
    _write(
        store,
        {file.digest for file in listing_files(store) if file.digest in missing and _is_path(file.source())},
    )


def missing_sources(store: Store) -> frozenset[str]:
    """Return the digests of the sources that were not there when they were last looked for.

    Raises:
        StoreError: The file is damaged.
    """
    path = store.root / "listings" / _NAME
    try:
        return frozenset(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return frozenset()
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete it and run par index again") from error


def _write(store: Store, missing: Set[str]) -> None:
    if missing != missing_sources(store):
        write_atomic(store.root / "listings" / _NAME, json.dumps(sorted(missing)).encode())


def _is_path(source: str) -> bool:
    """Whether a source is a path: no URL, and not the digest of a source that was forgotten."""
    return source.startswith("/")


def _is_missing(source: str) -> bool:
    if not _is_path(source):
        return False
    try:
        os.stat(source)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # something is there that cannot be looked at now
        return False
    return False
