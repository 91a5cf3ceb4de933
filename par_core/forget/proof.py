"""The proof: what a store still holds is read, and nothing of the subject may be in it.

- Every file, byte by byte, for ids (as text and as bytes), names of files (as text and as JSON writes them)
  and vectors.
- Every column of every Parquet file and of the index, decompressed in memory, so that compression hides
  nothing; but not the vectors of the index, which LanceDB does not compress.
- Names that are part of another name are looked for as whole values of text columns.
- No row of the index may have one of the ids.

A thorough search reads everything, and no file of the index may be older than the moment at which its
rewriting began: its compressed content was then made without the subject. Else shards that never held
anything of the subject, and files of the index that the erasure did not write again, are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.forget.byte_search import ByteSearch
from par_core.forget.subject import Subject
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store

__all__ = ["Proof", "Rewritten", "search_store"]

_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What an erasure has rewritten.

    Attributes:
        shards: Shards of segmentations, relative to the store; with each go those that describe it.
        first_fragment: Number of the first fragment of the index that was written; 0 is all of it.
    """

    shards: frozenset[str]
    first_fragment: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Result of the search.

    Attributes:
        scope: ``everything``, or ``rewritten``: all but the shards that never held anything of the subject,
            and the files of the index that were not written again.
        files: Number of files that were read.
        bytes: Size of these files.
        strings: Number of strings that were looked for in each.
        found_in: Files, relative to the store, that still hold something of the subject; empty when all is
            well.
    """

    scope: Literal["everything", "rewritten"]
    files: int
    bytes: int
    strings: int
    found_in: tuple[str, ...]


def search_store(store: Store, subject: Subject, index_since_ns: int, rewritten: Rewritten | None) -> Proof:
    """Search a store, but for the journal of the erasure itself.

    Args:
        store: The store.
        subject: The subject, whose traces must not be left.
        index_since_ns: Time at which the rewriting of the index began, on the file system's clock.
        rewritten: What was rewritten; None searches everything.
    """
    traces = subject.traces
    strings = traces.strings()
    look = _Look(ByteSearch(strings), frozenset(traces.uris_by_value))
    whole_index = rewritten is None or not rewritten.first_fragment
    found_in: list[str] = []
    files = size = 0
    for path in sorted(_files(store, rewritten)):
        before = path.is_relative_to(store.index_path) and path.stat().st_mtime_ns < index_since_ns
        if before and not whole_index and path.parent.name != "_versions":
            continue
        files, size = files + 1, size + path.stat().st_size
        if (before and whole_index) or look.in_file(path):
            found_in.append(str(path.relative_to(store.root)))
    if _in_rows(store, subject, look, rewritten):
        found_in.append("index.lance, table people")
    scope: Literal["everything", "rewritten"] = "everything" if rewritten is None else "rewritten"
    return Proof(scope, files, size, len(strings) + len(traces.uris_by_value), tuple(found_in))


def _files(store: Store, rewritten: Rewritten | None) -> Iterator[Path]:
    folders = [store.root]
    while folders:
        folder = folders.pop()
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if rewritten is None or _may_hold(path.relative_to(store.root).parts, rewritten):
                    folders.append(path)
            elif path.is_file() and path != store.forgetting_path:
                yield path


def _may_hold(folder: tuple[str, ...], rewritten: Rewritten) -> bool:
    """Whether a folder is that of a rewritten shard, or of no shard at all."""
    if len(folder) != 3 or folder[0] not in ("segment", "describe"):
        return True
    if folder[0] == "segment":
        return "/".join(folder) in rewritten.shards
    return any(shard.endswith(f"/{folder[2]}") for shard in rewritten.shards)


def _in_rows(store: Store, subject: Subject, look: "_Look", rewritten: Rewritten | None) -> bool:
    """Whether a row of the index is of the subject, or holds something of it."""
    index = PeopleIndex.open(store.index_path)
    if index is None:
        return False
    if len(index.rows(sorted(subject.person_ids))) or index.people_of(sorted(subject.image_ids)):
        return True
    return any(
        look.in_batch(batch) for batch in index.scan_stored(rewritten.first_fragment if rewritten else 0)
    )


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
