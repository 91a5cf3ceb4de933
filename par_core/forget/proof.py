"""The proof: everything that a store still holds is read, and nothing of the subject may be in it.

- Every file, byte by byte, for ids (as text and as bytes), names of files (as text and as JSON writes them)
  and vectors.
- Every column of every Parquet file and of the index, decompressed in memory, so that compression hides
  nothing.
- Names that are part of another name are looked for as whole values of text columns.
- No file of the index may be older than the moment at which its rewriting began: its compressed content was
  then made without the subject.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.forget.byte_search import ByteSearch
from par_core.forget.subject import Traces
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["Proof", "search_store"]

_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of the search.

    Attributes:
        files: Number of files that were read.
        bytes: Size of these files.
        strings: Number of strings that were looked for in each.
        found_in: Files, relative to the store, that still hold something of the subject; empty when all is
            well.
    """

    files: int
    bytes: int
    strings: int
    found_in: tuple[str, ...]


def search_store(store: Store, traces: Traces, index_since_ns: int) -> Proof:
    """Search everything in a store but the journal of the erasure itself.

    Args:
        store: The store.
        traces: Traces that must not be left.
        index_since_ns: Time at which the rewriting of the index began, on the file system's clock.
    """
    strings = traces.strings()
    look = _Look(ByteSearch(strings), frozenset(traces.uris_by_value))
    found_in: list[str] = []
    files = size = 0
    for path in sorted(
        path for path in store.root.rglob("*") if path.is_file() and path != store.forgetting_path
    ):
        files, size = files + 1, size + path.stat().st_size
        stale = path.is_relative_to(store.index_path) and path.stat().st_mtime_ns < index_since_ns
        if stale or look.in_file(path):
            found_in.append(str(path.relative_to(store.root)))
    index = PeopleIndex.open(store.index_path)
    if index is not None and any(look.in_batch(batch) for batch in index.scan_stored()):
        found_in.append("index.lance, table people")
    return Proof(files, size, len(strings) + len(traces.uris_by_value), tuple(found_in))


class _Look:
    def __init__(self, search: ByteSearch, values: frozenset[str]) -> None:
        self._search = search
        self._values = pa.array(sorted(values), pa.string())

    def in_file(self, path: Path) -> bool:
        if path.stat().st_size and self._search.find(np.memmap(path, np.uint8, "r")):
            return True
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                return any(self.in_batch(batch) for batch in file.iter_batches(_ROWS))
        return False

    def in_batch(self, batch: pa.RecordBatch) -> bool:
        return any(self._in_array(column) for column in batch.columns)

    def _in_array(self, column: pa.Array) -> bool:
        if any(buffer is not None and self._search.find(buffer) for buffer in _buffers(column)):
            return True
        texts = column.flatten() if pa.types.is_list(column.type) else column
        return (
            bool(len(self._values))
            and pa.types.is_string(texts.type)
            and bool(pc.any(pc.is_in(texts, value_set=self._values)).as_py())
        )


def _buffers(column: pa.Array) -> Iterator[memoryview]:
    """Yield the memory of a column: the values of all rows, one after another."""
    for buffer in column.buffers():
        if buffer is not None and buffer.size:
            yield memoryview(buffer)
