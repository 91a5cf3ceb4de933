"""The shards that an erasure concerns: those that hold a row of its images or files. Only they are read
further and rewritten.

A shard of a segmentation and those of the same number that describe it go together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.errors import StoreError
from par_core.store.layout import Stage, Store
from par_core.store.shards import Manifest, ShardFolder

__all__ = ["KnownFiles", "described", "every_shard", "known_files", "shards_at"]

_COLUMNS = pa.schema(
    [("uri", pa.string()), ("size", pa.int64()), ("version", pa.string()), ("image_id", pa.string())]
)


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """Every row of a file in the store, of every configuration.

    Attributes:
        rows: Columns uri, size, version, image_id (null where it was never read) and shard, the number of the
            shard in ``shards``.
        shards: Folders of the shards of segmentations, relative to the store.
    """

    rows: pa.Table
    shards: tuple[str, ...]

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
    tables, shards = [_COLUMNS.append(pa.field("shard", pa.int32())).empty_table()], list[str]()
    for folder, _ in every_shard(store, "segment"):
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
    return KnownFiles(pa.concat_tables(tables).combine_chunks(), tuple(shards))


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
