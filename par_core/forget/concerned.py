"""The shards that an erasure concerns: those that hold a row of its images or files. Only they are read
further and rewritten.

Where the ledger of the last commit can say which shards these are, none is read to find them. Shards of other
segmentations, and requests for sources, which any path may name, are looked up in the Parquet files.

A shard of a segmentation and those of the same number that describe it go together.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.errors import StoreError
from par_core.store.commits import last_commit
from par_core.store.layout import Stage, Store
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.attempts import attempts_at, known_uris
from par_core.store.ledger.finished import record_shards
from par_core.store.shards import Manifest, ShardFolder

__all__ = [
    "KnownFiles",
    "count_shards",
    "described",
    "every_shard",
    "known_files",
    "known_of_images",
    "ledger_in_line",
    "shards_at",
]

_COLUMNS = pa.schema(
    [("uri", pa.string()), ("size", pa.int64()), ("version", pa.string()), ("image_id", pa.string())]
)


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """Rows of files in the store, of every configuration.

    Attributes:
        rows: The rows. Columns uri, size, version, image_id (null where it was never read) and shard, the
            number of the shard in ``shards``.
        shards: Folders of the shards of segmentations, relative to the store.
        names: Names of all files, each any number of times; empty where they were not asked for.
    """

    rows: pa.Table
    shards: tuple[str, ...]
    names: pa.ChunkedArray

    def concerned_shards(self, uris: Iterable[str] = (), image_ids: Iterable[str] = ()) -> frozenset[str]:
        """Return the shards, of every configuration, that hold a row of some files or images."""
        wanted = pc.or_(_is_in(self.rows["uri"], uris), _is_in(self.rows["image_id"], image_ids))
        return frozenset(
            self.shards[number] for number in self.rows.filter(wanted)["shard"].unique().to_pylist()
        )


def known_files(store: Store) -> KnownFiles:
    """Read uri, size, version and image id of every row of every complete shard, and nothing else.

    Raises:
        StoreError: A shard cannot be read.
    """
    return _read(store, (folder for folder, _ in every_shard(store, "segment")))


def known_of_images(store: Store, image_ids: Collection[str], *, all_names: bool = True) -> KnownFiles:
    """Return at least every row of some images, and every row of the files that these name: where the ledger
    knows them, from there. The caller holds the store's lock.

    Args:
        store: The store.
        image_ids: The images.
        all_names: Whether the names of all files are wanted; without them, the ledger is not read as a whole.

    Raises:
        StoreError: The ledger or a shard cannot be read.
    """
    with ledger_in_line(store) as ledger:
        if ledger is None:
            return known_files(store)
        folder = store.config_folder("segment", ledger.segment_config)
        others = (shard for shard, _ in every_shard(store, "segment") if shard.path.parent != folder)
        other = _read(store, others)
        attempts = attempts_at(ledger, image_ids)
        of_ledger = [known_uris(ledger)] if all_names else []
        names = pa.chunked_array([*other.names.chunks, *of_ledger], pa.string())
    ids = attempts["shard"].unique()
    numbers = pc.add(pc.index_in(attempts["shard"], value_set=ids), len(other.shards)).cast(pa.int32())
    rows = attempts.select(_COLUMNS.names).append_column("shard", numbers)
    shards = (str((folder / shard).relative_to(store.root)) for shard in ids.to_pylist())
    return KnownFiles(pa.concat_tables([other.rows, rows]).combine_chunks(), (*other.shards, *shards), names)


@contextlib.contextmanager
def ledger_in_line(store: Store) -> Iterator[Ledger | None]:
    """Open the ledger of the last commit, with all shards that are there now, for the length of a block; None
    where there is none. The caller holds the store's lock.

    Raises:
        StoreError: The ledger, a listing or a shard is damaged.
    """
    last = last_commit(store)
    if last is None or not store.ledger_path(last.segment_config).is_file():
        yield None
        return
    folder = store.config_folder("segment", last.segment_config)
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    with open_ledger(store, last.segment_config, last.describe_config, []) as ledger:
        recorded = {shard.hex() for (shard,) in ledger.rows("SELECT shard FROM shards")}
        record_shards(ledger, sorted(present ^ recorded), last.describe_config)
        yield ledger


def count_shards(store: Store) -> int:
    """Return the number of shards of all segmentations, with those that are not complete."""
    return sum(1 for _ in (store.root / "segment").glob("*/*"))


def _read(store: Store, folders: Iterable[ShardFolder]) -> KnownFiles:
    tables, shards = [_COLUMNS.append(pa.field("shard", pa.int32())).empty_table()], list[str]()
    for folder in folders:
        path = folder.path / "images.parquet"
        try:
            with pq.ParquetFile(path) as file:
                table = file.read(_COLUMNS.names, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{path} cannot be read ({error}); delete this folder and run par index again"
            ) from error
        numbers = pa.array(np.full(len(table), len(shards), np.int32))
        rows = table.replace_schema_metadata(None).cast(_COLUMNS).append_column("shard", numbers)
        tables.append(rows)
        shards.append(str(folder.path.relative_to(store.root)))
    rows = pa.concat_tables(tables).combine_chunks()
    return KnownFiles(rows, tuple(shards), rows["uri"])


def every_shard(store: Store, stage: Stage) -> Iterator[tuple[ShardFolder, Manifest]]:
    """Yield every complete shard of a stage, of all configurations."""
    folder = store.root / stage
    for config in sorted(folder.iterdir()) if folder.is_dir() else []:
        yield from store.complete_shards(stage, config.name)


def shards_at(store: Store, shards: Iterable[str]) -> Iterator[tuple[ShardFolder, Manifest]]:
    """Yield the complete shards of segmentations at some folders, relative to the store."""
    for name in sorted(shards):
        folder = ShardFolder(store.root / name)
        manifest = folder.manifest()
        if manifest is not None:
            yield folder, manifest


def described(store: Store, shards: Iterable[str]) -> Iterator[tuple[ShardFolder, Manifest, str]]:
    """Yield every complete shard that describes one of some shards of segmentations, with the latter's folder
    relative to the store.
    """
    configs = sorted(path for path in (store.root / "describe").glob("*") if path.is_dir())
    for name in sorted(shards):
        for config in configs:
            folder = ShardFolder(config / Path(name).name)
            manifest = folder.manifest()
            if manifest is None:
                continue
            if store.current_id(manifest.info["segment_config"]) == Path(name).parent.name:
                yield folder, manifest, name


def _is_in(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))
