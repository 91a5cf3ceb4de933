"""Rows that leave no bytes behind.

LanceDB keeps a deleted row in its data file, and its values in the files of the indexes, until its fragment
is written again: that is done here for every fragment that held a deleted row, and takes the row out of the
indexes. The files of other fragments are not touched.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from lancedb.table import Table

from par_core.errors import StoreError
from par_core.store.lance import upkeep

__all__ = ["delete_unnamed", "id_conditions", "rewrite_deleted"]

_IDS_PER_CALL: Final = 1_000


def id_conditions(column: str, ids: Sequence[str]) -> Iterator[str]:
    """Yield SQL conditions that name rows by id, each short enough to parse.

    Raises:
        StoreError: An id is not hexadecimal.
    """
    for start in range(0, len(ids), _IDS_PER_CALL):
        part = ids[start : start + _IDS_PER_CALL]
        if any(not all(digit in "0123456789abcdef" for digit in identity) for identity in part):
            raise StoreError(f"not an id among {part[:3]}")
        yield f"{column} IN ({', '.join(repr(identity) for identity in part)})"


def delete_unnamed(table: Table, where: str) -> None:
    """Delete the rows of a condition by their numbers: LanceDB keeps the text of a condition in its log."""
    rows = _row_ids(table, where).tolist()
    if rows:
        table.delete(f"_rowid IN ({', '.join(map(str, rows))})")


def rewrite_deleted(table: Table, folder: Path, rows_a_fragment: int) -> None:
    """Write every fragment that holds deleted rows again, without them.

    A fragment that has no row left is gone, now or since an earlier write, and nothing takes its rows out of
    the indexes that cover it: these are dropped.

    Args:
        table: The table at its newest version, with the rows deleted.
        folder: Folder of the table.
        rows_a_fragment: Rows of a fragment; one of twice as many is divided.

    Raises:
        StoreError: A fragment with deleted rows is left.
    """
    for name in sorted(upkeep.outlived_indexes(folder)):
        table.drop_index(name)
    upkeep.rewrite(folder, upkeep.deleted_rows(folder), rows_a_fragment)
    table.checkout_latest()
    if upkeep.deleted_rows(folder):
        raise StoreError(
            f"LanceDB has kept deleted rows in {folder}; rewrite all of it with: par forget --finish"
        )


def _row_ids(table: Table, where: str) -> np.ndarray:
    query = table.search().with_row_id(True).select(["source_state"]).where(where)
    rows = query.limit(max(int(table.count_rows()), 1)).to_arrow()
    return np.asarray(rows["_rowid"].to_numpy(), np.uint64).astype(np.int64)
