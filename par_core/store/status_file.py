"""``status.json``: what a store holds, in numbers. Written by each plan and commit, so that reading it costs
the same for a store of any size.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.store.accounting import NOTHING, Accounting
from par_core.store.commits import CommitRecord
from par_core.store.layout import Store
from par_core.store.vector_index import IndexState

__all__ = ["EMPTY", "StatusReport", "save_status", "written_status"]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The content of a store, in numbers.

    Attributes:
        accounting: Number of listed files, and of people, by what became of them.
        skipped: Files passed over when listing, by reason.
        commit: The last commit, or None before the first.
        rows: People in the newest version of the index.
        version: The newest version of the index, or None without one.
        live_version: The version that searches read by default, or None without an index.
        unindexed_rows: Rows that no index covers yet.
        vector_index: State of the vector index, or None where a search compares every vector.
        shards_segmented: Complete shards of the committed configuration.
        shards_described: Complete shards that are also described.
        recognised: Files of these shards whose results were taken over from equal bytes.
    """

    accounting: Accounting
    skipped: Mapping[str, int]
    commit: CommitRecord | None
    rows: int
    version: int | None
    live_version: int | None
    unindexed_rows: int
    vector_index: IndexState | None
    shards_segmented: int
    shards_described: int
    recognised: int


#: The status of a store in which nothing was indexed yet.
EMPTY: Final = StatusReport(NOTHING, {}, None, 0, None, None, 0, None, 0, 0, 0)


def written_status(store: Store) -> StatusReport | None:
    """Return the status that the last plan or commit has written down, or None.

    Raises:
        StoreError: The file is damaged.
    """
    path = _path(store)
    try:
        stored: dict[str, Any] = json.loads(path.read_bytes())
        commit, vectors = stored["commit"], stored["vector_index"]
        known = {
            "accounting": Accounting(**stored["accounting"]),
            "commit": commit and CommitRecord(**commit),
            "vector_index": vectors and IndexState(**vectors),
        }
        return StatusReport(**{**stored, **known})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        rebuild = f"write it again with: par rebuild --store {store.root}"
        repair = rebuild if store.commits() else "delete it and run par index again"
        raise StoreError(f"{path} is damaged ({error}); {repair}") from error


def save_status(store: Store, report: StatusReport) -> None:
    """Write a status down."""
    write_atomic(_path(store), json.dumps(asdict(report), indent=1).encode())


def _path(store: Store) -> Path:
    return store.root / "status.json"
