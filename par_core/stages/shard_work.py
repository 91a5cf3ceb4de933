"""The entries of one shard, as a worker gets them: from the plan, or from the file of a shard that replaces a
part of a planned one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.archive import Entry
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.store.layout import Store
from par_core.store.listings import entries_of, entries_table
from par_core.store.plan_file import PlannedShard, planned_work
from par_core.store.schemas import ENTRIES, WORK, as_entries

__all__ = [
    "Known",
    "ShardWork",
    "places_elsewhere",
    "places_table",
    "plan_shard",
    "read_work",
    "shard_id_of",
    "work_table",
]

Known = Mapping[str, tuple[str, str]]
_NOTHING: Final[Known] = {}


@dataclass(frozen=True, slots=True)
class ShardWork:
    """What is to be done for one shard.

    Attributes:
        entries: Its entries, at least one.
        attempt: Number of the attempt at them, 1 for the first.
        known: Image that an entry is expected to be, because a known file has its size and version, and the
            shard that holds the results of that image; both as ids, by uri of the entry.
    """

    entries: Sequence[Entry]
    attempt: int
    known: Known


def work_table(entries: pa.Table, attempts: pa.Array | pa.ChunkedArray, known: Known) -> pa.Table:
    """Return entries as a table of the schema WORK.

    Args:
        entries: Columns of ENTRIES.
        attempts: Number of the attempt at each.
        known: As ``ShardWork.known``; may name other files too.
    """
    table = entries.select(ENTRIES.names).append_column("attempt", attempts)
    found = [known.get(uri, (None, None)) for uri in table["uri"].to_pylist()]
    for place, name in enumerate(("known_image", "known_in")):
        table = table.append_column(name, pa.array([pair[place] for pair in found], pa.string()))
    return table.cast(WORK)


def plan_shard(
    store: Store,
    entries: Sequence[Entry],
    attempt: int,
    *,
    segmented: bool = False,
    known: Known = _NOTHING,
) -> PlannedShard:
    """Write a shard that replaces a part of a planned one, into a file of its own.

    Args:
        store: The store.
        entries: Its entries, all of the same attempt.
        attempt: Number of the attempt at them, 1 for the first.
        segmented: Whether only the descriptions are missing.
        known: As ``ShardWork.known``; may name other files too.
    """
    work = work_table(entries_table(entries), pa.array([attempt] * len(entries), pa.int32()), known)
    shard_id = shard_id_of(work)
    sink = pa.BufferOutputStream()
    pq.write_table(work, sink, compression="zstd")
    write_atomic(store.work_path(shard_id), sink.getvalue().to_pybytes())
    return PlannedShard(shard_id, len(work), segmented)


def read_work(store: Store, shard_id: str) -> ShardWork:
    """Return what is to be done for a shard.

    Args:
        store: The store.
        shard_id: Id of a shard of the plan that is not segmented, or of one that replaces a part of it.

    Raises:
        StoreError: No such shard is planned, or the plan is damaged.
    """
    replacement = store.work_path(shard_id)
    table = (
        pq.read_table(replacement, partitioning=None)
        if replacement.exists()
        else planned_work(store, shard_id)
    )
    if table is None or not len(table) or table["attempt"][0].as_py() == 0:
        raise StoreError(f"the plan in {store.root} has no entries of shard {shard_id}; run par index again")
    rows = zip(*(table[name].to_pylist() for name in ("uri", "known_image", "known_in")), strict=True)
    known = {uri: (image, shard) for uri, image, shard in rows if image is not None}
    return ShardWork(entries_of(as_entries(table)), table["attempt"][0].as_py(), known)


def places_table(places: Sequence[tuple[str, Entry]]) -> pa.Table:
    """Return other places of images as a table of the schema WORK, in which they are no work: attempt 0.

    Args:
        places: Id of an image, and an entry that holds it.
    """
    table = entries_table([entry for _, entry in places])
    table = table.append_column("attempt", pa.array([0] * len(places), pa.int32()))
    table = table.append_column("known_image", pa.array([image for image, _ in places], pa.string()))
    return table.append_column("known_in", pa.nulls(len(places), pa.string())).cast(WORK)


def places_elsewhere(store: Store, shard_id: str) -> dict[str, list[Entry]]:
    """Return the further places of the images of a segmented shard, as the plan names them, by image id. The
    parts of a divided shard get none before the next plan.

    Raises:
        StoreError: The plan is damaged.
    """
    table = planned_work(store, shard_id)
    places: dict[str, list[Entry]] = {}
    if table is not None:
        others = table.filter(pc.equal(table["attempt"], 0))
        for image, entry in zip(
            others["known_image"].to_pylist(), entries_of(as_entries(others)), strict=True
        ):
            places.setdefault(image, []).append(entry)
    return places


def shard_id_of(work: pa.Table) -> str:
    """Return the id of a shard: the digest of the keys and the attempts of its entries."""
    columns = (work[name].to_pylist() for name in ("uri", "size", "version", "attempt"))
    return digest_of(
        *(
            f"{uri}\n{size}\n{version}\n{attempt}"
            for uri, size, version, attempt in zip(*columns, strict=True)
        )
    )
