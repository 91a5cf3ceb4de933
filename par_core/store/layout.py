"""Where everything lies in a store, and how a file gets there: complete or not at all.

    store.json                            format version and maker
    listings/<source>.parquet             what each source held when it was last listed
    work/<shard>.parquet                  entries of the shards of the current plan
    segment/<config>/<shard>/             images.parquet, people.parquet, manifest.json (written last)
    describe/<config>/<shard>/            people.parquet, manifest.json (written last)
    commits/<number>.json                 what each commit put into which version of the index
    index.lance/                          the LanceDB table ``people``: derived, can be rebuilt
    gate.json                             what the last gate found
    hunts/<name>.json                     ids and answers of a hunt; not derived from anything
    forgotten.json, receipts/<time>.json  what must not come back, as digests, and what was done to forget it
    forgetting.json                       what is being forgotten: there only while it is
    access/                               tokens and audit log
    prefect-server.log, run.lock          of the run under way or the last one; of no account

A folder of a shard counts only once its manifest is there. Manifests are the truth; nothing else decides what is done.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from par_core import __version__
from par_core.errors import BadConfigError, StoreError
from par_core.store.schemas import require_schema

__all__ = ["FORMAT", "Manifest", "ShardFolder", "Stage", "Store", "write_atomic"]

FORMAT: Final = 1
_LOCK_TRIES: Final = 5
_LOCK_PAUSE_S: Final = 0.02
Stage = Literal["segment", "describe"]


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file that is complete or absent, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync_folder(path.parent)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The completion marker of a shard's folder.

    Attributes:
        files: SHA-256 (hexadecimal) of each file by name.
        counts: Rows by status, and whatever else the stage counted.
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
            StoreError: The manifest is there but cannot be read.
        """
        try:
            content = json.loads((self.path / "manifest.json").read_bytes())
            return Manifest(files=content["files"], counts=content["counts"], info=content["info"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError) as error:
            raise StoreError(f"{self.path / 'manifest.json'} is damaged ({error}); delete this folder and run par index again") from error

    def read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read one table (all or some columns), into memory.

        Raises:
            StoreError: The file is missing or damaged.
        """
        try:
            return pq.read_table(self.path / f"{name}.parquet", columns=columns, memory_map=False, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{self.path / name}.parquet cannot be read ({error}); delete this folder and run par index again") from error

    def write(self, tables: Mapping[str, tuple[pa.Table, pa.Schema]], counts: Mapping[str, int], info: Mapping[str, Any]) -> Manifest:
        """Write all tables, then the manifest; the shard counts from the moment this returns.

        Raises:
            BadInputError: A table does not keep its schema; nothing is written.
        """
        for name, (table, schema) in tables.items():
            require_schema(table, schema, f"{self.path.name}/{name}")
        files = {f"{name}.parquet": self._write_table(name, table, schema) for name, (table, schema) in tables.items()}
        content: dict[str, Any] = {"files": files, "counts": dict(counts), "info": {"created_by": f"par {__version__}", **info}}
        write_atomic(self.path / "manifest.json", json.dumps(content, indent=1, sort_keys=True).encode())
        return Manifest(files=files, counts=content["counts"], info=content["info"])

    def wrong_files(self, manifest: Manifest) -> list[str]:
        """Names of files that are missing or no longer have the bytes that the manifest names."""
        return [name for name, digest in manifest.files.items() if _sha256_of(self.path / name) != digest]

    def _write_table(self, name: str, table: pa.Table, schema: pa.Schema) -> str:
        strings = [field.name for field in schema if pa.types.is_string(field.type)]
        sink = pa.BufferOutputStream()
        pq.write_table(table.cast(schema), sink, compression="zstd", use_dictionary=strings, row_group_size=65_536)
        content = sink.getvalue().to_pybytes()
        write_atomic(self.path / f"{name}.parquet", content)
        return hashlib.sha256(content).hexdigest()


class Store:
    """One store folder.

    Args:
        root: The folder; made by ``create``.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @classmethod
    def open(cls, root: Path) -> "Store":
        """Open an existing store.

        Raises:
            BadConfigError: There is no store at that place.
            StoreError: The store has another format version.
        """
        store = cls(root)
        if not store._marker.is_file():
            raise BadConfigError(f"no store at {root}; make one with: par index SOURCE --store {root}")
        found = json.loads(store._marker.read_bytes()).get("format")
        if found != FORMAT:
            raise StoreError(f"{root} has store format {found}, this version of PAR reads {FORMAT}; index the archive into a new folder")
        return store

    @classmethod
    def create(cls, root: Path) -> "Store":
        """Open a store, making it where there is none.

        Raises:
            BadConfigError: The place is a file, or a folder that holds other things.
        """
        store = cls(root)
        if not store._marker.is_file():
            if store.root.exists() and (not store.root.is_dir() or any(entry.name != "run.lock" for entry in store.root.iterdir())):
                raise BadConfigError(f"{root} exists and is no PAR store; choose an empty or new folder")
            write_atomic(store._marker, json.dumps({"format": FORMAT, "created_by": f"par {__version__}"}).encode())
        return cls.open(root)

    @property
    def _marker(self) -> Path:
        return self.root / "store.json"

    @property
    def index_path(self) -> Path:
        """Folder of the LanceDB database."""
        return self.root / "index.lance"

    @property
    def forgetting_path(self) -> Path:
        """The journal of a forgetting that is under way or was interrupted."""
        return self.root / "forgetting.json"

    def listing_path(self, source_digest: str) -> Path:
        """The listing of one source."""
        return self.root / "listings" / f"{source_digest}.parquet"

    def work_path(self, shard_id: str) -> Path:
        """The entries of a planned shard."""
        return self.root / "work" / f"{shard_id}.parquet"

    def shard(self, stage: Stage, config_id: str, shard_id: str) -> ShardFolder:
        """The folder of a shard, complete or not."""
        return ShardFolder(self.root / stage / config_id / shard_id)

    def complete_shards(self, stage: Stage, config_id: str) -> Iterator[tuple[ShardFolder, Manifest]]:
        """Every complete shard of a stage and configuration, by ascending id."""
        folder = self.root / stage / config_id
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            manifest = ShardFolder(path).manifest()
            if manifest is not None:
                yield ShardFolder(path), manifest

    def commits(self) -> list[Path]:
        """The commit records, oldest first."""
        return sorted((self.root / "commits").glob("*.json"))

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers out for the length of a run; the lock goes with the process, however it ends.

        Raises:
            StoreError: Another process is writing to this store.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "run.lock").open("w") as file:
            if not _locked(file, fcntl.LOCK_EX, _LOCK_TRIES):
                raise StoreError(f"another par command is writing to {self.root}; wait for it to end")
            yield

    def is_held(self) -> bool:
        """Whether a writer holds the store at this moment. Looking takes no time from writers: they try again for longer than a look lasts."""
        try:
            with (self.root / "run.lock").open() as file:
                return not _locked(file, fcntl.LOCK_SH, 1)
        except FileNotFoundError:
            return False


def _locked(file: IO[str], kind: int, tries: int) -> bool:
    """Lock an open file until it is closed; False if another process holds it."""
    for attempt in range(tries):
        if attempt:
            time.sleep(_LOCK_PAUSE_S)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
    return False


def _sha256_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
