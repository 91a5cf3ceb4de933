"""The plan of a run as files: the entries of every shard that a run works on.

work/plan/0000.arrow    Arrow IPC: one record batch a shard (schema WORK), at most 1,000 shards a part
work/plan/shards.arrow  Arrow IPC: one row a shard, in the order of work; one record batch a part
work/plan/plan.json     the counts; written last

The plan is written aside, shard by shard, and takes the place of the plan before when it is complete. A
worker reads one record batch of one part for each of its shards; no process holds the entries of all shards.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from par_core.atomic import folder_aside, write_atomic
from par_core.errors import StoreError
from par_core.store.layout import Store
from par_core.store.schemas import WORK, require_schema

__all__ = ["PlanFile", "PlanWriter", "PlannedShard", "planned_work", "write_plan"]

_SHARDS_PER_PART: Final = (
    1_000  # a worker reads the footer of a part, 24 bytes a shard, for each of its shards
)
_SHARD_ID: Final = b"par.shard"
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="zstd")
_SHARDS: Final = pa.schema(
    [
        pa.field("shard_id", pa.string(), nullable=False),
        pa.field("n_images", pa.int32(), nullable=False),
        pa.field("segmented", pa.bool_(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """One unit of work.

    Attributes:
        shard_id: Digest of its entries and their attempt.
        n_images: Number of its entries, >= 1.
        segmented: Whether only the descriptions are missing.
        stream: Uri of the compressed tar that holds the entries and must be read in order, else empty. All
            shards of one stream follow one another in the plan, in the order of the tar.
    """

    shard_id: str
    n_images: int
    segmented: bool
    stream: str = ""


class PlanWriter:
    """Writes the shards of a plan, one at a time; made by :func:`write_plan`.

    Args:
        folder: Empty folder to write into.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_shards = self._n_images = 0
        self._of_part: list[PlannedShard] = []
        self._open = ExitStack()
        self._shards = self._open.enter_context(_writer(folder / "shards.arrow", _SHARDS))
        self._close_part = ExitStack()
        self._part: Any = None

    def add(self, shard_id: str, work: pa.Table, *, stream: str = "") -> None:
        """Add a shard that is to be segmented and described.

        Args:
            shard_id: Id of the shard.
            work: Its entries, at least one, of the schema WORK.
            stream: Uri of the compressed tar that all entries are read from in order, or empty.

        Raises:
            BadInputError: The table does not keep the schema.
        """
        require_schema(work, WORK, f"work of shard {shard_id}")
        self._add(PlannedShard(shard_id, len(work), segmented=False, stream=stream), work)

    def add_segmented(self, shard_id: str, n_images: int) -> None:
        """Add a shard that is segmented and only to be described; its entries are in its table of images."""
        self._add(PlannedShard(shard_id, n_images, segmented=True), WORK.empty_table())

    def _add(self, shard: PlannedShard, work: pa.Table) -> None:
        if not self._of_part:
            path = _part_path(self._folder, self._n_shards)
            self._part = self._close_part.enter_context(_writer(path, WORK, _OPTIONS))
        [batch] = work.cast(WORK).combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], WORK)]
        self._part.write_batch(batch, custom_metadata={_SHARD_ID: shard.shard_id.encode()})
        self._of_part.append(shard)
        self._n_shards += 1
        self._n_images += shard.n_images
        if len(self._of_part) == _SHARDS_PER_PART:
            self._end_part()

    def _end_part(self) -> None:
        columns = {name: [getattr(shard, name) for shard in self._of_part] for name in _SHARDS.names}
        self._shards.write_batch(pa.RecordBatch.from_pydict(columns, _SHARDS))
        self._of_part.clear()
        self._close_part.close()

    def _finish(self) -> None:
        if self._of_part:
            self._end_part()
        self._open.close()
        counts = {"shards": self._n_shards, "images": self._n_images}
        write_atomic(self._folder / "plan.json", json.dumps(counts).encode())

    def _abandon(self) -> None:
        self._close_part.close()
        self._open.close()


@contextlib.contextmanager
def write_plan(store: Store) -> Iterator[PlanWriter]:
    """Replace the plan of a store by the shards that are added in the block.

    The plan before stays as it is until the block has ended; after an error it stays for good.

    Args:
        store: The store; the caller holds it.
    """
    folder = _folder(store)
    for left in folder.parent.glob(f".{folder.name}.*.old"):  # a kill came while a plan was replaced
        shutil.rmtree(left, ignore_errors=True)
    with folder_aside(folder) as aside:
        writer = PlanWriter(aside)
        try:
            yield writer
            writer._finish()
        finally:
            writer._abandon()


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan on disk: a sequence of its shards, in the order of work.

    The list of shards, about 50 bytes a shard, is mapped and not read into memory. A plan that is replaced
    while it is open must be opened again.

    Attributes:
        folder: Folder of the plan.
        n_images: Images of all shards.
        table: One row a shard: ``shard_id``, ``n_images``, ``segmented``, ``stream``.
    """

    folder: Path
    n_images: int
    table: pa.Table

    @classmethod
    def open(cls, store: Store) -> "PlanFile | None":
        """Open the plan of a store.

        Returns:
            The plan of the current or the last run; None where there is none, or none that is complete.

        Raises:
            StoreError: The plan is damaged.
        """
        folder = _folder(store)
        try:
            counts = json.loads((folder / "plan.json").read_bytes())
            with pa.memory_map(str(folder / "shards.arrow")) as source:
                table = pa.ipc.open_file(source).read_all()
            plan = cls(folder, counts["images"], table)
            if len(plan) != counts["shards"]:
                raise ValueError(f"{len(plan)} of {counts['shards']} shards")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, OSError, pa.ArrowException) as error:
            raise _damaged(folder, error) from error
        return plan

    @classmethod
    def of(cls, store: Store) -> "PlanFile":
        """Open the plan of a store that has one.

        Raises:
            StoreError: There is no complete plan, or it is damaged.
        """
        plan = cls.open(store)
        if plan is None:
            raise StoreError(f"{store.root} has no plan of a run; run par index again")
        return plan

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, number: int) -> PlannedShard:
        return PlannedShard(*(column[number].as_py() for column in self.table.itercolumns()))

    def __iter__(self) -> Iterator[PlannedShard]:
        for batch in self.table.to_batches():
            for row in batch.to_pylist():
                yield PlannedShard(**row)

    @property
    def sizes(self) -> npt.NDArray[np.int32]:
        """Number of images of each shard, in the order of work: shape (shards,)."""
        return self._column("n_images")

    @property
    def segmented(self) -> npt.NDArray[np.bool_]:
        """Of which shards only the descriptions are missing: shape (shards,)."""
        return self._column("segmented")

    def ids(self, numbers: range) -> list[str]:
        """Return the ids of the shards with these numbers; the step of the range is 1."""
        column: pa.ChunkedArray = self.table["shard_id"]
        return list(column.slice(numbers.start, len(numbers)).to_pylist())

    def number_of(self, shard_id: str) -> int | None:
        """Return the number of a shard, from 0, or None if the plan does not hold it. Reads all ids."""
        number = pc.index(self.table["shard_id"], shard_id).as_py()
        return None if number < 0 else int(number)

    def _column(self, name: str) -> Any:
        return self.table[name].to_numpy()


def planned_work(store: Store, number: int, shard_id: str) -> pa.Table:
    """Return the entries of one shard of the plan, of the schema WORK, without a look at the others.

    Args:
        store: The store.
        number: Number of the shard in the plan, from 0.
        shard_id: Its id.

    Returns:
        The entries; no row if the shard was planned as segmented.

    Raises:
        StoreError: Another run has replaced the plan, or the file is damaged.
    """
    folder = _folder(store)
    try:
        with pa.OSFile(str(_part_path(folder, number))) as source:
            reader = pa.ipc.open_file(source)
            read = reader.get_batch_with_custom_metadata(number % _SHARDS_PER_PART)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise _damaged(folder, error) from error
    found = read.custom_metadata[_SHARD_ID].decode()
    if found != shard_id:
        raise StoreError(
            f"shard {number} of the plan is {found} and not {shard_id}: another run replaced the plan"
        )
    return pa.Table.from_batches([read.batch])


def _damaged(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"the plan in {folder} cannot be read ({error}); delete the folder and run par index again"
    )


def _folder(store: Store) -> Path:
    return store.root / "work" / "plan"


def _part_path(folder: Path, number: int) -> Path:
    return folder / f"{number // _SHARDS_PER_PART:04d}.arrow"


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema, options: pa.ipc.IpcWriteOptions | None = None) -> Iterator[Any]:
    """Yield the writer of an Arrow file, which is synced at the end of the block."""
    with path.open("wb") as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            yield writer
        file.flush()
        os.fsync(file.fileno())
