"""Rows that leave no bytes behind.

LanceDB keeps a deleted row in its data file, and its values in the files of the indexes, until compaction
rewrites the fragment of the row; and compaction leaves a fragment alone unless more than a tenth of it is
deleted. So a tenth of each fragment that holds a deleted row is replaced by itself, in one step; compaction
then rewrites the fragment from its other rows, and takes the deleted ones out of the indexes. The files of
other fragments are not touched.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from lancedb.table import Table

from par_core.errors import StoreError

__all__ = ["delete_unnamed", "fragments_of", "id_conditions", "next_fragment", "rewrite_deleted"]

_IDS_PER_CALL: Final = 1_000
_ROWS_A_FRAGMENT: Final = 2**32  # a row id is the number of the fragment, then that of the row in it
_SHARE: Final = 8  # of a fragment, replaced by itself: more than the tenth that compaction asks for


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


def fragments_of(table: Table, where: str) -> set[int]:
    """Return the numbers of the fragments that hold the rows of a condition."""
    return set(np.unique(_row_ids(table, where) // _ROWS_A_FRAGMENT).tolist())


def next_fragment(table: Table) -> int:
    """Return the lowest number above those of all fragments that hold rows. Rows are counted, not read."""
    low, high = 0, 1
    while table.count_rows(f"_rowid >= {high * _ROWS_A_FRAGMENT}"):
        low, high = high, 2 * high
    numbers = range(low, high + 1)
    empty_from = bisect_left(
        numbers, True, key=lambda number: not table.count_rows(f"_rowid >= {number * _ROWS_A_FRAGMENT}")
    )
    return numbers[empty_from]


def delete_unnamed(table: Table, where: str) -> None:
    """Delete the rows of a condition by their numbers: LanceDB keeps the text of a condition in its log."""
    rows = _row_ids(table, where).tolist()
    if rows:
        table.delete(f"_rowid IN ({', '.join(map(str, rows))})")


def rewrite_deleted(table: Table, folder: Path, held: set[int]) -> None:
    """Rewrite every fragment that holds deleted rows, without them, and bring the indexes up to date.

    Args:
        table: The table at its newest version, with the rows deleted.
        folder: Folder of the table.
        held: Fragments that held the rows: where one of them has no row left, no compaction takes it out of
            the indexes, which are dropped.

    Raises:
        StoreError: A fragment with deleted rows is left.
    """
    emptied = not all(_rows_in(table, fragment) for fragment in held)
    for fragment in _with_deletions(folder):
        rows = _rows_in(table, fragment)
        if rows:
            first = _row_ids(table, _range(fragment), rows // _SHARE + 1)
            table.update(
                where=f"{_range(fragment)} AND _rowid <= {first.max()}", values_sql={"shard": "shard"}
            )
            emptied |= not _rows_in(table, fragment)
    if emptied:
        for config in table.list_indices():
            table.drop_index(config.name)
    table.optimize()
    newest = max(table.list_versions(), key=lambda version: int(version["version"]))
    if int(newest["metadata"].get("total_deletion_files", 0)):
        raise StoreError(
            f"LanceDB has kept deleted rows in {folder}; rewrite all of it with: par forget --finish"
        )


def _with_deletions(folder: Path) -> list[int]:
    """Return the numbers of the fragments that hold deleted rows, or did: their files of deletions begin with
    the number.
    """
    files = (folder / "_deletions").glob("*-*")
    return sorted({int(file.name.split("-")[0]) for file in files if file.name.split("-")[0].isdecimal()})


def _rows_in(table: Table, fragment: int) -> int:
    return int(table.count_rows(_range(fragment)))


def _range(fragment: int) -> str:
    return f"_rowid >= {fragment * _ROWS_A_FRAGMENT} AND _rowid < {(fragment + 1) * _ROWS_A_FRAGMENT}"


def _row_ids(table: Table, where: str, most: int | None = None) -> np.ndarray:
    query = table.search().with_row_id(True).select(["source_state"]).where(where)
    rows = query.limit(most or max(int(table.count_rows()), 1)).to_arrow()
    return np.asarray(rows["_rowid"].to_numpy(), np.uint64).astype(np.int64)
