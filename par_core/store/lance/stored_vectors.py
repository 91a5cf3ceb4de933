"""Vectors of one version of the table, read straight from the files that LanceDB wrote.

LanceDB does not compress vectors: a page of the column ``vector`` is the vectors of its rows, one after
another. Some hundred of them are read by their places in the files many times as fast as by LanceDB. Files
are opened for each reading, so that an erased one is missed at once. Where a file is of another layout, or
its vectors differ from those that LanceDB reads, nothing is read in this way.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float32, Int64, UInt64

if TYPE_CHECKING:
    import lance

__all__ = ["StoredVectors"]

_COLUMN: Final = "vector"
_FRAGMENT_BITS: Final = 32  # of a row id: above the row's place in its fragment


@dataclass(frozen=True, slots=True)
class _Fragment:
    file: Path
    first_rows: Int64[np.ndarray, " pages"]
    positions: Int64[np.ndarray, " pages"]
    rows: int

    def offsets(self, rows: Int64[np.ndarray, " n"], width: int) -> Int64[np.ndarray, " n"]:
        """Where the vectors of some rows begin in the file, in bytes."""
        page = np.searchsorted(self.first_rows, rows, side="right") - 1
        return self.positions[page] + (rows - self.first_rows[page]) * width


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Places of the vectors of one version.

    Attributes:
        size: Size d of a vector.
        fragments: Files and places, by number of the fragment.
    """

    size: int
    fragments: dict[int, _Fragment]

    @classmethod
    def of(cls, folder: Path, version: int) -> "StoredVectors | None":
        """Return the places of a version's vectors; None where they cannot be read in this way.

        Args:
            folder: Folder of the table.
            version: Number of the version.
        """
        import lance

        dataset = lance.dataset(folder, version=version)
        size = dataset.schema.field(_COLUMN).type.list_size
        fragments: dict[int, _Fragment] = {}
        for fragment in dataset.get_fragments():
            found = _places(fragment, folder, 4 * size)
            if found is None:
                return None
            fragments[fragment.fragment_id] = found
        stored = cls(size, fragments)
        return stored if all(map(stored._agrees, dataset.get_fragments())) else None

    def read(self, row_ids: UInt64[np.ndarray, " n"]) -> Float32[np.ndarray, "n d"]:
        """Return the vectors of some rows.

        Raises:
            OSError: A file was erased, or ends early.
        """
        vectors, width = np.empty((len(row_ids), self.size), np.float32), 4 * self.size
        into = vectors.reshape(-1).view(np.uint8).data
        numbers, rows = _split(row_ids)
        for number in np.unique(numbers).tolist():
            fragment, places = self.fragments[number], np.flatnonzero(numbers == number)
            offsets = fragment.offsets(rows[places], width).tolist()
            file = os.open(fragment.file, os.O_RDONLY)
            try:
                for place, offset in zip((places * width).tolist(), offsets, strict=True):
                    if os.preadv(file, [into[place : place + width]], offset) != width:
                        raise OSError(f"{fragment.file} ends early")
            finally:
                os.close(file)
        return vectors

    def require(self) -> None:
        """Do nothing if all files are there.

        Raises:
            FileNotFoundError: A file was erased.
        """
        for fragment in self.fragments.values():
            fragment.file.stat()

    def order(self, row_ids: UInt64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return the places at which LanceDB's rows, in its own order, stand among some row ids."""
        numbers, rows = _split(row_ids)
        ranks = {number: rank for rank, number in enumerate(self.fragments)}
        return np.lexsort((rows, np.vectorize(ranks.__getitem__, otypes=[np.int64])(numbers)))

    def blocks(self, row_ids: UInt64[np.ndarray, " n"]) -> Iterator[tuple[slice, Float32[np.ndarray, "k d"]]]:
        """Yield the vectors of rows in blocks, as a slice of the row ids and their vectors; reads the files
        from end to end.

        Args:
            row_ids: Ids in ascending order.
        """
        numbers, rows = _split(row_ids)
        for number, fragment in self.fragments.items():
            begin, end = np.searchsorted(numbers, [number, number + 1]).tolist()
            with fragment.file.open("rb") as file:
                for page, first in enumerate(fragment.first_rows.tolist()):
                    last = (
                        int(fragment.first_rows[page + 1])
                        if page + 1 < len(fragment.first_rows)
                        else fragment.rows
                    )
                    low, high = (begin + np.searchsorted(rows[begin:end], [first, last])).tolist()
                    file.seek(int(fragment.positions[page]))
                    vectors = np.fromfile(file, np.float32, (last - first) * self.size)
                    yield (
                        slice(low, high),
                        vectors.reshape(last - first, self.size)[rows[low:high] - first],
                    )

    def _agrees(self, fragment: "lance.LanceFragment") -> bool:
        """Whether the first vector of a fragment is the one that LanceDB reads."""
        first = fragment.scanner(columns=[_COLUMN], with_row_id=True, limit=1).to_table()
        vectors = np.array(first[_COLUMN].to_pylist(), np.float32).reshape(len(first), self.size)
        return np.array_equal(self.read(first["_rowid"].to_numpy()), vectors)


def _places(fragment: "lance.LanceFragment", folder: Path, width: int) -> _Fragment | None:
    """Return where the vectors of a fragment are; None where a page holds more than them."""
    from lance.file import LanceFileReader

    files = fragment.data_files()
    if len(files) != 1:
        return None
    file = folder / "data" / files[0].path
    stored = LanceFileReader(str(file)).metadata()
    names = stored.schema.names
    if len(names) != len(stored.columns) or _COLUMN not in names:
        return None
    pages = [page.buffers for page in stored.columns[names.index(_COLUMN)].pages]
    if any(len(buffers) != 1 or buffers[0].size % width for buffers in pages):
        return None
    rows = [buffers[0].size // width for buffers in pages]
    if sum(rows) != fragment.physical_rows:
        return None
    first_rows = np.cumsum([0, *rows[:-1]])
    return _Fragment(file, first_rows, np.array([buffers[0].position for buffers in pages]), sum(rows))


def _split(row_ids: UInt64[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Numbers of the fragments, and rows in them."""
    ids = row_ids.astype(np.int64)
    return ids >> _FRAGMENT_BITS, ids & ((1 << _FRAGMENT_BITS) - 1)
