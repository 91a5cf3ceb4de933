"""Write the plan of a run, shard by shard, so that memory does not grow with the plan.

The files are described in ``plan_file``.
"""

import contextlib
import json
import os
import shutil
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa

from par_core.atomic import folder_aside, write_atomic
from par_core.store.layout import Store
from par_core.store.plan_file import SHARD_ID, SHARDS, SHARDS_PER_PART, PlannedShard, part_name, plan_folder
from par_core.store.schemas import WORK, require_schema

__all__ = ["PlanWriter", "write_plan"]

_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="zstd")


class PlanWriter:
    """Writes the shards of a plan, one at a time; made by :func:`write_plan`.

    Args:
        folder: Empty folder to write into.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_shards = self._n_images = 0
        self._of_part: list[PlannedShard] = []
        self._ids = array("Q")
        self._open = ExitStack()
        self._shards = self._open.enter_context(_writer(folder / "shards.arrow", SHARDS))
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

    def add_segmented(self, shard_id: str, n_images: int, elsewhere: pa.Table) -> None:
        """Add a shard that is segmented and only to be described; its entries are in its table of images.

        Args:
            shard_id: Id of the shard.
            n_images: Number of its entries.
            elsewhere: Other places of its images, of the schema WORK, with the image as ``known_image`` and
                attempt 0.

        Raises:
            BadInputError: The table does not keep the schema.
        """
        require_schema(elsewhere, WORK, f"places of shard {shard_id}")
        self._add(PlannedShard(shard_id, n_images, segmented=True), elsewhere)

    def _add(self, shard: PlannedShard, work: pa.Table) -> None:
        if not self._of_part:
            path = self._folder / part_name(self._n_shards)
            self._part = self._close_part.enter_context(_writer(path, WORK, _OPTIONS))
        [batch] = work.cast(WORK).combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], WORK)]
        self._part.write_batch(batch, custom_metadata={SHARD_ID: shard.shard_id.encode()})
        self._of_part.append(shard)
        self._ids.append(int(shard.shard_id, 16))
        self._n_shards += 1
        self._n_images += shard.n_images
        if len(self._of_part) == SHARDS_PER_PART:
            self._end_part()

    def _end_part(self) -> None:
        columns = {name: [getattr(shard, name) for shard in self._of_part] for name in SHARDS.names}
        self._shards.write_batch(pa.RecordBatch.from_pydict(columns, SHARDS))
        self._of_part.clear()
        self._close_part.close()

    def _finish(self) -> None:
        if self._of_part:
            self._end_part()
        self._open.close()
        ids = np.frombuffer(self._ids, np.uint64)
        order = np.argsort(ids).astype(np.uint64)
        with (self._folder / "lookup.npy").open("wb") as file:
            np.save(file, np.stack([ids[order], order]))
            _sync(file)
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
    folder = plan_folder(store)
    for left in folder.parent.glob(f".{folder.name}.*.old"):  # a kill came while a plan was replaced
        shutil.rmtree(left, ignore_errors=True)
    with folder_aside(folder) as aside:
        writer = PlanWriter(aside)
        try:
            yield writer
            writer._finish()
        finally:
            writer._abandon()


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema, options: pa.ipc.IpcWriteOptions | None = None) -> Iterator[Any]:
    """Yield the writer of an Arrow file, which is synced at the end of the block."""
    with path.open("wb") as file:
        with pa.ipc.new_file(file, schema, options=options) as writer:
            yield writer
        _sync(file)
