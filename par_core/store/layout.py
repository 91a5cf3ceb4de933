"""Paths of everything in a store.

store.json                            format version and maker
listings/<source>.parquet             files of each source when it was last listed
ledger/<segment config>.db            state of every file, counters, log of finished shards: derived
work/plan/                            shards of the current or last run, and their entries
work/<shard>.parquet                  entries of a shard that replaces a part of a planned one
work/<shard>.<attempt>.begun          a worker works on this shard, or was lost while it did
work/progress.json                    how far the run under way is
segment/<config>/<shard>/             images.parquet, people.parquet, manifest.json (written last)
describe/<config>/<shard>/            people.parquet, manifest.json (written last)
ids.json                              names that folders of segment/ and describe/ had in earlier versions
commits/<number>.json                 record of each commit and the version of the index it wrote
index.lance/                          the LanceDB table ``people``: derived, can be rebuilt
status.json                           what the store holds, in numbers: derived
gate.json                             report of the last quality gate
searches/<name>.json                  a saved search: what it has found, and what was new; not derived
reviews/<name>.json                   ids and answers of a review; not derived from anything
tags/<two digits>.json                tags and notes of people; not derived from anything
forgotten.json                        suppression list: what must not come back, as digests
certificates/<time>.json              erasure certificates
forgetting.json                       journal of an erasure; exists only while it is under way
access/                               tokens and audit log
.copy/                                what a working copy of a store on an object store knows
workers.log, run.lock                 files of the current or last run; may be deleted
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from par_core.atomic import remove_partials
from par_core.errors import BadConfigError, StoreError
from par_core.object_store.names import COPY
from par_core.object_store.places import copy_of
from par_core.store.marker import raise_format, require_readable, write_marker
from par_core.store.renamed_folders import renamed_folder
from par_core.store.renamed_ids import load_renamed_ids
from par_core.store.run_lock import lock_for_a_look, lock_for_writing
from par_core.store.shards import Manifest, ShardFolder
from par_core.store_folder import store_folder

__all__ = ["Stage", "Store"]

_MANY_FOLDERS: Final = ("segment", "describe", "index.lance")
_WITHOUT_HOLDING: Final = (
    "access",
    "reviews",
    "searches",
    "tags",
)  # commands that do not hold the store write there
_WRITTEN_IN_S: Final = 60.0  # the longest that writing a file there may take
Stage = Literal["segment", "describe"]


class Store:
    """One store folder, or the working copy of a store on an object store: then the paths of its parts are
    fetched when they are asked for.

    Args:
        root: The folder, made by ``create``, or a URL.

    Raises:
        BadConfigError: A store cannot be at such a URL.
    """

    def __init__(self, root: Path) -> None:
        self.root = store_folder(Path(root))
        self.copy = copy_of(self.root)

    @property
    def place(self) -> str:
        """Where users know the store to be: its folder, or its URL."""
        return str(self.root) if self.copy is None else self.copy.url

    def _fetch(self, group: str, *, below: bool = False) -> None:
        if self.copy is not None:
            self.copy.ensure(group, below=below)

    def fetch_all(self) -> None:
        """Fetch all of a store on an object store: for what goes over its files without asking for them."""
        if self.copy is not None:
            self.copy.ensure_all()

    def refresh(self) -> None:
        """Follow a store on an object store to its newest version, and exchange records with it.

        Raises:
            TransientError: The object store cannot be reached; the copy stays as it was.
        """
        if self.copy is not None:
            self.copy.refresh()
        self.send_records()

    def send_records(self) -> None:
        """Let other hosts read the records that were changed here: tokens, audit log, reviews, saved
        searches, tags. Nothing is done for a store in a folder.

        Raises:
            StoreError: Another host has changed one of them meanwhile; the message says what became of it.
            TransientError: The object store cannot be reached; the records are sent later.
        """
        if self.copy is not None:
            self.copy.send_records()

    def erase_former(self) -> str | None:
        """Delete everything that former versions of a store on an object store alone hold. Only while the
        store is held.

        Returns:
            One sentence on what was deleted; None for a store in a folder, which keeps nothing of the kind.
        """
        if self.copy is None:
            return None
        lost, versions = self.copy.erase_former()
        kept = "the bucket keeps no versions" if versions is None else f"{versions} older versions deleted"
        return f"objects of former versions are deleted ({lost} had no version); {kept}"

    def publish(self) -> None:
        """Let other hosts read what was committed. Only while the store is held (``exclusive``).

        Raises:
            StoreError: Another host has taken the store.
            TransientError: The object store cannot be reached; the end of the run tries again.
        """
        if self.copy is not None:
            self.copy.commit()

    @classmethod
    def open(cls, root: Path) -> "Store":
        """Open an existing store.

        Raises:
            BadConfigError: There is no store at that place.
            StoreError: A newer version of PAR has written the store, or the file that says so is damaged.
        """
        store = cls(root)
        if store.copy is not None:
            store.copy.open()
        if not store._marker.is_file():
            place = root if store.copy is None else store.place
            raise BadConfigError(f"no store at {place}; make one with: par index SOURCE --store {place}")
        require_readable(store._marker, store.place)
        return store

    @classmethod
    def create(cls, root: Path) -> "Store":
        """Open a store, making it where there is none.

        Raises:
            BadConfigError: The place is a file, or a folder that holds other things.
        """
        store = cls(root)
        if store.copy is not None:
            store.copy.open()
        if not store._marker.is_file():
            if store.root.exists() and (
                not store.root.is_dir()
                or any(
                    # a run that was killed while it made the store has left these
                    entry.name not in ("run.lock", COPY) and not entry.name.startswith(".store.json.")
                    for entry in store.root.iterdir()
                )
            ):
                raise BadConfigError(f"{root} exists and is no PAR store; choose an empty or new folder")
            write_marker(store._marker)
        return cls.open(root)

    def raise_format(self) -> None:
        """Say that the store is of this format from now on, before the first change that earlier versions
        cannot read; they refuse it then. Only for the writer that holds the store.

        Raises:
            StoreError: The file that says so is damaged.
        """
        raise_format(self._marker)

    @property
    def _marker(self) -> Path:
        return self.root / "store.json"

    @property
    def index_path(self) -> Path:
        """Folder of the LanceDB database."""
        self._fetch("index.lance")
        return self.root / "index.lance"

    @property
    def searches_path(self) -> Path:
        """Folder of the saved searches."""
        return self.root / "searches"

    @property
    def reviews_path(self) -> Path:
        """Folder of the reviews."""
        return renamed_folder(self.root / "hunts", self.root / "reviews")

    @property
    def certificates_path(self) -> Path:
        """Folder of the erasure certificates."""
        return renamed_folder(self.root / "receipts", self.root / "certificates")

    @property
    def forgetting_path(self) -> Path:
        """Path of the journal of an erasure that is under way or was interrupted."""
        return self.root / "forgetting.json"

    def listing_path(self, source_digest: str) -> Path:
        """Path of the listing of one source."""
        self._fetch("listings")
        return self.root / "listings" / f"{source_digest}.parquet"

    def ledger_path(self, segment_config: str) -> Path:
        """Path of the ledger of one segmentation."""
        self._fetch("ledger")
        return self.root / "ledger" / f"{segment_config}.db"

    def work_path(self, shard_id: str) -> Path:
        """Path of the entries of a shard that replaces a part of a planned one."""
        self._fetch("work")
        return self.root / "work" / f"{shard_id}.parquet"

    def shard(self, stage: Stage, config_id: str, shard_id: str) -> ShardFolder:
        """The folder of a shard, complete or not."""
        path = self.config_folder(stage, config_id) / shard_id
        self._fetch(f"{stage}/{path.parent.name}/{shard_id}")
        return ShardFolder(path)

    def config_folder(self, stage: Stage, config_id: str) -> Path:
        """The folder of a configuration's shards, also if the id is one of an earlier version."""
        folder = self.root / stage / config_id
        return folder if folder.is_dir() else self.root / stage / self.current_id(config_id)

    def current_id(self, config_id: str) -> str:
        """Return the id that a configuration has now; other ids are returned unchanged."""
        return load_renamed_ids(self.root).renamed.get(config_id, config_id)

    def fetch_shards(self, stage: Stage, config_id: str, shard_ids: Sequence[str]) -> None:
        """Fetch many shards of a store on an object store at once, before each is asked for by itself."""
        if self.copy is not None and shard_ids:
            folder = self.config_folder(stage, config_id)
            self.copy.ensure_groups([f"{stage}/{folder.name}/{shard_id}" for shard_id in shard_ids])

    def complete_shards(self, stage: Stage, config_id: str) -> Iterator[tuple[ShardFolder, Manifest]]:
        """Yield every complete shard of a stage and configuration, by ascending id."""
        folder = self.config_folder(stage, config_id)
        self._fetch(f"{stage}/{folder.name}", below=True)
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            manifest = None if path.name.startswith(".") else ShardFolder(path).manifest()
            if manifest is not None:
                yield ShardFolder(path), manifest

    def incomplete_shards(self) -> list[Path]:
        """Folders of shards that workers left half-written, because they were killed or cut off."""
        self.fetch_all()
        folders = (folder for stage in ("segment", "describe") for folder in (self.root / stage).glob("*/*"))
        return [
            folder
            for folder in folders
            if folder.name.startswith(".") or not (folder / "manifest.json").exists()
        ]

    def remove_partials(self, *, of_shards: bool = False) -> None:
        """Delete the partial files that killed processes left. Only for the writer that holds the store.

        Args:
            of_shards: Also look into the index and the folders of shards; there may be a million of them.
        """
        remove_partials(self.root)
        for top in self.root.iterdir():
            if top.is_dir() and (of_shards or top.name not in _MANY_FOLDERS):
                idle_s = _WRITTEN_IN_S if top.name in _WITHOUT_HOLDING else 0.0
                for folder, _, _ in os.walk(top):
                    remove_partials(Path(folder), idle_s=idle_s)

    def commits(self) -> list[Path]:
        """The commit records, oldest first."""
        return sorted((self.root / "commits").glob("*.json"))

    def has_gate(self) -> bool:
        """Whether a quality gate decides which version of the index is live: one has been run here."""
        return (self.root / "gate.json").is_file()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other writers out for the length of a run; the lock goes with the process, however it ends.

        Raises:
            StoreError: Another process is writing to this store.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "run.lock").open("w") as file:
            if not lock_for_writing(file):
                raise StoreError(f"another par command is writing to {self.place}; wait for it to end")
            with contextlib.nullcontext() if self.copy is None else self.copy.writing():
                yield

    def is_held(self) -> bool:
        """Whether a writer holds the store at this moment. The check does not disturb writers: they try again
        for longer than it lasts.
        """
        if self.copy is not None:
            return self.copy.is_held()
        try:
            with (self.root / "run.lock").open() as file:
                return not lock_for_a_look(file)
        except FileNotFoundError:
            return False
