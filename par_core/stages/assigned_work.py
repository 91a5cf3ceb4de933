"""The work of one task as bytes, for a worker that shares no folder with the run: the entries of its shards,
and which objects hold the files of the store that it needs. The worker gets a store of its own, in a folder
of its own, with nothing else in it.

An Arrow IPC file with a record batch for each shard, of the schema WORK as in the plan; the metadata of a
batch name the shard, its number in the plan, and files for this shard alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.errors import StoreError
from par_core.object_store.catalogue import Catalogue, Part
from par_core.object_store.client import Objects
from par_core.object_store.copy_state import Mark
from par_core.object_store.local_files import files_below
from par_core.object_store.sharing import shared
from par_core.object_store.transfer import download, upload
from par_core.object_store.working_copy import WorkingCopy
from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store.plan_file import SHARD_ID, planned_work
from par_core.store.plan_writer import write_plan
from par_core.store.schemas import WORK

__all__ = ["AssignedShard", "AssignedWork", "fetch_shard", "packed_work", "sent_shard"]

_NUMBER: Final = b"par.number"
_FILES: Final = b"par.files"
_COMMON: Final = ("store.json", "ids.json", "forgotten.json")  # of the store, which every task needs
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="zstd")

Files = Mapping[str, Sequence[Part]]


def packed_work(run: Run, copy: WorkingCopy, shards: Iterable[tuple[int, str]]) -> bytes:
    """Return the work of a task.

    Args:
        run: The run, which holds the store.
        copy: Working copy of the store.
        shards: Number in the plan and id of each shard that is not finished; any number for one that replaces
            a part of another.

    Raises:
        StoreError: A shard is not planned, or the plan is damaged.
        TransientError: The object store cannot be reached.
    """
    sink = pa.BufferOutputStream()
    common = Catalogue(shared(copy, names=_COMMON)).encoded()
    folders = (
        f"segment/{run.store.config_folder('segment', run.ids.segment).name}",
        f"describe/{run.store.config_folder('describe', run.ids.describe).name}",
    )
    with pa.ipc.new_file(sink, WORK.with_metadata({_FILES: common}), options=_OPTIONS) as writer:
        for number, shard_id in shards:
            table = _entries(run.store, shard_id)
            named = {shard_id, *(shard for shard in table["known_in"].to_pylist() if shard is not None)}
            groups = [f"{folder}/{each}" for each in sorted(named) for folder in folders]
            [batch] = table.cast(WORK).combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], WORK)]
            files = Catalogue(shared(copy, groups=groups)).encoded()
            writer.write_batch(
                batch,
                custom_metadata={
                    SHARD_ID: shard_id.encode(),
                    _NUMBER: str(number).encode(),
                    _FILES: files,
                },
            )
    return bytes(sink.getvalue().to_pybytes())


def _entries(store: Store, shard_id: str) -> pa.Table:
    replacement = store.work_path(shard_id)
    if replacement.exists():
        return pq.read_table(replacement, partitioning=None)
    table = planned_work(store, shard_id)
    if table is None:
        raise StoreError(f"the plan in {store.root} has no shard {shard_id}; run par index again")
    return table


@dataclass(frozen=True, slots=True)
class AssignedShard:
    """A shard of an assignment.

    Attributes:
        number: Its number in the plan.
        shard_id: Its id.
        work: Its entries, schema WORK; of a segmented shard other places of its images, see ``PlanWriter``.
        files: Parts of the files that are needed for it.
    """

    number: int
    shard_id: str
    work: pa.Table
    files: Files


@dataclass(frozen=True, slots=True)
class AssignedWork:
    """The work of one task, as a worker has it.

    Attributes:
        shards: The shards, in the order of work.
        common: Parts of files that every shard needs.
    """

    shards: Sequence[AssignedShard]
    common: Files

    @classmethod
    def of(cls, content: bytes) -> "AssignedWork":
        """Read it from bytes.

        Raises:
            StoreError: They are damaged.
        """
        try:
            with pa.ipc.open_file(pa.BufferReader(content)) as reader:
                read = [
                    reader.get_batch_with_custom_metadata(number)
                    for number in range(reader.num_record_batches)
                ]
                common = Catalogue.of(reader.schema.metadata[_FILES], "an assignment").files
            shards = [
                AssignedShard(
                    int(each.custom_metadata[_NUMBER]),
                    each.custom_metadata[SHARD_ID].decode(),
                    pa.Table.from_batches([each.batch]),
                    Catalogue.of(each.custom_metadata[_FILES], "an assignment").files,
                )
                for each in read
            ]
        except (ValueError, KeyError, pa.ArrowException) as error:
            raise StoreError(f"an assignment is damaged ({error}); run par index again") from error
        return cls(shards, common)

    def lay_out(self, objects: Objects, folder: Path) -> Store:
        """Make a store in an empty folder that holds what all shards need, and the plan of them.

        Raises:
            TransientError: The object store cannot be reached.
        """
        download(objects, folder, self.common)
        store = Store.open(folder)
        with write_plan(store) as writer:
            for shard in self.shards:
                if len(shard.work) and shard.work["attempt"][0].as_py() > 0:
                    writer.add(shard.shard_id, shard.work)
                else:
                    writer.add_segmented(shard.shard_id, len(shard.work), shard.work)
        return store


def fetch_shard(objects: Objects, store: Store, shard: AssignedShard) -> dict[str, Mark]:
    """Fetch the files that a shard needs, and return how they look.

    Raises:
        TransientError: The object store cannot be reached.
        MissingObjectError: They are gone: the run that handed the work out has ended.
    """
    return download(objects, store.root, shard.files)


def sent_shard(
    objects: Objects, store: Store, shard: AssignedShard, before: Mapping[str, Mark], epoch: int
) -> Files:
    """Write the files of a finished shard that are new or were changed into objects, and return their parts.

    Args:
        objects: The object store.
        store: The worker's store.
        shard: The shard.
        before: How the files looked that were fetched.
        epoch: Epoch of the run.

    Raises:
        TransientError: The object store cannot be reached.
    """
    groups = _groups(store, shard.shard_id)
    now = {path: mark for group in groups for path, mark in files_below(store.root, group)}
    fresh = [path for path, mark in now.items() if before.get(path) != mark]
    uploaded = upload(objects, store.root, fresh, shard.files, epoch)
    return {path: parts for path, (parts, _) in uploaded.items()}


def _groups(store: Store, shard_id: str) -> Iterator[str]:
    for stage in ("segment", "describe"):
        for folder in (store.root / stage).glob(f"*/{shard_id}"):
            yield f"{stage}/{folder.parent.name}/{shard_id}"
