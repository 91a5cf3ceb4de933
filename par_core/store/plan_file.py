"""The plan of a run as files: the entries of every shard that a run works on.

work/plan/0000.arrow    Arrow IPC: one record batch a shard (schema WORK), at most 1,000 shards a part
work/plan/shards.arrow  Arrow IPC: one row a shard, in the order of work; one record batch a part
work/plan/lookup.npy    ids in ascending order and the number of each in the order of work
work/plan/plan.json     the counts; written last

The plan is written aside, shard by shard, and takes the place of the plan before when it is complete. A
worker finds a shard by halving ``lookup.npy`` and reads one record batch of one part; no process holds the
entries of all shards.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from par_core.errors import StoreError
from par_core.store.layout import Store

__all__ = [
    "SHARDS",
    "SHARDS_PER_PART",
    "SHARD_ID",
    "PlanFile",
    "PlannedShard",
    "part_name",
    "plan_folder",
    "planned_work",
]

#: Shards in a part. To read one shard, a worker reads the footer of its part, 24 bytes a shard.
SHARDS_PER_PART: Final = 1_000

#: Key of the metadata of a record batch that names its shard.
SHARD_ID: Final = b"par.shard"

#: Columns of shards.arrow.
SHARDS: Final = pa.schema(
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
        segmented: Whether it is segmented already: descriptions are missing, or its rows were made with
            settings for which they only have to be labelled again.
        stream: Uri of the compressed tar that holds the entries and must be read in order, else empty. All
            shards of one stream follow one another in the plan, in the order of the tar.
    """

    shard_id: str
    n_images: int
    segmented: bool
    stream: str = ""


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
        folder = plan_folder(store)
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

    def _column(self, name: str) -> Any:
        return self.table[name].to_numpy()


def planned_work(store: Store, shard_id: str) -> pa.Table | None:
    """Return the entries of one shard of the plan, without reading those of the others.

    Args:
        store: The store.
        shard_id: Id of the shard.

    Returns:
        The entries, of the schema WORK; of a shard that was planned as segmented, other places of its images.
        None if the plan does
        not hold the shard, or there is no plan.

    Raises:
        StoreError: The plan is damaged, or is being replaced.
    """
    folder = plan_folder(store)
    try:
        number = _number_of(folder, shard_id)
        if number is None:
            return None
        with pa.OSFile(str(folder / part_name(number))) as source:
            reader = pa.ipc.open_file(source)
            read = reader.get_batch_with_custom_metadata(number % SHARDS_PER_PART)
        found = read.custom_metadata[SHARD_ID].decode()
        if found != shard_id:
            raise ValueError(f"{part_name(number)} holds shard {found} in place of {shard_id}")
    except (ValueError, IndexError, EOFError, OSError, pa.ArrowException) as error:
        raise _damaged(folder, error) from error
    return pa.Table.from_batches([read.batch])


def _number_of(folder: Path, shard_id: str) -> int | None:
    try:
        ids, numbers = np.load(folder / "lookup.npy", mmap_mode="r")
    except FileNotFoundError:
        return None
    wanted = np.uint64(int(shard_id, 16))
    place = int(np.searchsorted(ids, wanted))
    return int(numbers[place]) if place < len(ids) and ids[place] == wanted else None


def _damaged(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"the plan in {folder} cannot be read ({error}); delete the folder and run par index again"
    )


def plan_folder(store: Store) -> Path:
    """Return the folder of the plan of a store."""
    return store.root / "work" / "plan"


def part_name(number: int) -> str:
    """Return the name of the part that holds the shard with a number."""
    return f"{number // SHARDS_PER_PART:04d}.arrow"
