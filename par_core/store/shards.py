"""The output of one stage for one shard. A folder counts only once it has a manifest: manifests alone decide
what is done.
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from par_core.atomic import partial_name, sync_folder, write_atomic
from par_core.errors import StoreError
from par_core.version import __version__

if TYPE_CHECKING:  # what only reads manifests, such as par status, starts without pyarrow
    import pyarrow as pa

__all__ = ["REWRITING", "Manifest", "ShardFolder"]

#: In the folder of a shard whose files may not be those of its manifest: it is being rewritten, or was when
#: the process was killed.
REWRITING: Final = ".rewriting"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The completion marker of a shard's folder.

    Attributes:
        files: SHA-256 (hexadecimal) of each file by name.
        counts: Rows by status, and other counts of the stage.
        info: Provenance: config id, fingerprints, runtime, seconds, PAR's version.
    """

    files: Mapping[str, str]
    counts: Mapping[str, int]
    info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShardFolder:
    """The output of one stage for one shard."""

    path: Path

    @property
    def shard_id(self) -> str:
        """The shard's id, which is the folder's name."""
        return self.path.name

    def manifest(self) -> Manifest | None:
        """The manifest, or None while the shard is not complete.

        Raises:
            StoreError: The manifest exists but cannot be read.
        """
        try:
            content = json.loads((self.path / "manifest.json").read_bytes())
            return Manifest(files=content["files"], counts=content["counts"], info=content["info"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError) as error:
            raise StoreError(
                f"{self.path / 'manifest.json'} is damaged ({error}); delete this folder and run par index"
                " again"
            ) from error

    def read(
        self, name: str, columns: list[str] | None = None, *, may_lack: Collection[str] = ()
    ) -> "pa.Table":
        """Read one table (all or some columns), into memory.

        Args:
            name: Name of the table.
            columns: Columns in the wanted order; None is all.
            may_lack: Columns of these that earlier versions of PAR did not write; they are left out.

        Raises:
            StoreError: The file is missing or damaged, or lacks a column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            # for files as small as these, threads, a pyarrow data set and its files cost more than reading
            content = (self.path / f"{name}.parquet").read_bytes()
            with pq.ParquetFile(pa.BufferReader(content)) as file:
                table = file.read(columns, use_threads=False)
            if columns is None:
                return table
            lacked = set(may_lack) - set(table.column_names)
            return table.select([column for column in columns if column not in lacked])
        except (OSError, KeyError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.path / name}.parquet cannot be read ({error}); delete this folder and run par index"
                " again"
            ) from error

    def write(
        self,
        tables: Mapping[str, "tuple[pa.Table, pa.Schema]"],
        counts: Mapping[str, int],
        info: Mapping[str, Any],
    ) -> Manifest:
        """Write all tables and the manifest into a folder aside, then rename it; the shard counts from the
        moment this returns.

        Two workers may write the same shard: one was cut off from the network, and its work was given to
        another. The first to finish counts, and no file of the second gets into its folder.

        Returns:
            The manifest of the folder that counts.

        Raises:
            BadInputError: A table does not keep its schema; nothing is written.
        """
        done = self.manifest()
        if done is not None:
            return done
        aside = ShardFolder(partial_name(self.path))
        manifest = aside._fill(tables, counts, info, self.shard_id)
        if self.path.exists() and self.manifest() is None:
            shutil.rmtree(self.path)
        try:
            aside.path.rename(self.path)
        except OSError:
            done = self.manifest()
            shutil.rmtree(aside.path, ignore_errors=True)
            if done is None:
                raise
            return done
        sync_folder(self.path.parent)
        return manifest

    def rewrite(
        self,
        tables: Mapping[str, "tuple[pa.Table, pa.Schema]"],
        counts: Mapping[str, int],
        info: Mapping[str, Any],
    ) -> Manifest:
        """Replace the files of a complete shard in place, the manifest last. Only for the single writer that
        holds the store.

        Raises:
            BadInputError: A table does not keep its schema; nothing is written.
        """
        return self._fill(tables, counts, info, self.shard_id)

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """Mark the shard for the length of a rewriting. The mark stays after a kill or an error, and is
        removed by the next rewriting that ends well.
        """
        mark = self.path / REWRITING
        mark.touch()
        yield
        mark.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the shard. It stops counting first, so that a kill halfway leaves nothing that looks
        complete.
        """
        (self.path / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def _fill(
        self,
        tables: Mapping[str, "tuple[pa.Table, pa.Schema]"],
        counts: Mapping[str, int],
        info: Mapping[str, Any],
        shard_id: str,
    ) -> Manifest:
        from par_core.store.schemas import require_schema

        for name, (table, schema) in tables.items():
            require_schema(table, schema, f"{shard_id}/{name}")
        files = {
            f"{name}.parquet": self._write_table(name, table, schema)
            for name, (table, schema) in tables.items()
        }
        content: dict[str, Any] = {
            "files": files,
            "counts": dict(counts),
            "info": {"created_by": f"par {__version__}", **info},
        }
        write_atomic(self.path / "manifest.json", json.dumps(content, indent=1, sort_keys=True).encode())
        return Manifest(files=files, counts=content["counts"], info=content["info"])

    def wrong_files(self, manifest: Manifest) -> list[str]:
        """Names of files that are missing or no longer have the bytes that the manifest names."""
        return [name for name, digest in manifest.files.items() if _sha256_of(self.path / name) != digest]

    def _write_table(self, name: str, table: "pa.Table", schema: "pa.Schema") -> str:
        import pyarrow as pa
        import pyarrow.parquet as pq

        strings = [field.name for field in schema if pa.types.is_string(field.type)]
        sink = pa.BufferOutputStream()
        pq.write_table(
            table.cast(schema), sink, compression="zstd", use_dictionary=strings, row_group_size=65_536
        )
        content = sink.getvalue().to_pybytes()
        write_atomic(self.path / f"{name}.parquet", content)
        return hashlib.sha256(content).hexdigest()


def _sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
