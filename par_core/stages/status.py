"""status: what a store holds, in numbers. Written by each plan and commit, so that reading it costs the same
for a store of any size.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.stages.migration import migrate_ids
from par_core.store.commits import CommitRecord, last_commit
from par_core.store.layout import Store
from par_core.store.ledger import Accounting, Ledger, open_ledger
from par_core.store.ledger.accounting import NOTHING, accounting
from par_core.store.listings import skipped_counts
from par_core.store.suppression import load_suppression_list
from par_core.store.vector_index import IndexState

__all__ = ["EMPTY", "StatusReport", "note_live", "store_status", "write_status"]


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


def write_status(ledger: Ledger, commit: CommitRecord | None, *, index_changed: bool = True) -> StatusReport:
    """Write the status of a store down, from counters alone.

    Args:
        ledger: The ledger.
        commit: The last commit, or None before the first.
        index_changed: Whether to look at the index; otherwise its numbers stay as they were.
    """
    store = ledger.store
    total, described, recognised = next(
        ledger.rows("SELECT count(*), coalesce(sum(described), 0), coalesce(sum(recognised), 0) FROM shards")
    )
    report = replace(
        _with_index(store) if index_changed else _written(store) or EMPTY,
        accounting=accounting(ledger, len(load_suppression_list(store).people)),
        skipped=skipped_counts(store),
        commit=commit,
        shards_segmented=total,
        shards_described=described,
        recognised=recognised,
    )
    write_atomic(_path(store), json.dumps(asdict(report), indent=1).encode())
    return report


def _with_index(store: Store) -> StatusReport:
    from par_core.store.lance import PeopleIndex  # heavy, and a status that was written needs none of it

    index = PeopleIndex.open(store.index_path)
    if index is None:
        return EMPTY
    return replace(
        EMPTY,
        rows=len(index),
        version=index.version,
        live_version=index.history.live_version,
        unindexed_rows=index.unindexed_rows(),
        vector_index=index.vector_index(),
    )


def store_status(store: Store) -> StatusReport:
    """Return what a store holds, as its last plan or commit has written it down. A store of version 0.1 gets
    its ledger first.

    Raises:
        StoreError: The file is damaged, or a store of version 0.1 is being written to.
    """
    return _written(store) or _first_status(store)


def _written(store: Store) -> StatusReport | None:
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
        raise StoreError(
            f"{path} is damaged ({error}); write it again with: par rebuild --store {store.root}"
        ) from error


def note_live(store: Store, version: int) -> None:
    """Note which version searches read from now on."""
    report = replace(store_status(store), live_version=version)
    write_atomic(_path(store), json.dumps(asdict(report), indent=1).encode())


def _first_status(store: Store) -> StatusReport:
    if last_commit(store) is None:
        return EMPTY
    with store.exclusive():
        migrate_ids(store)
        commit = last_commit(store)
        assert commit is not None  # no command deletes one
        with open_ledger(store, commit.segment_config, commit.describe_config) as ledger:
            return write_status(ledger, commit)


def _path(store: Store) -> Path:
    return store.root / "status.json"
