"""A folder that is brought in line with the versions of a store on an object store: ``refresh`` follows the
newest version, ``ensure`` fetches files that a command needs.
"""

import contextlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from par_core.errors import StoreError, TransientError
from par_core.locks import locked
from par_core.object_store.catalogue import Catalogue, Part
from par_core.object_store.client import MissingObjectError, Objects
from par_core.object_store.copy_state import CopyState, Mark
from par_core.object_store.head import Head, HeadFile, KnownHead
from par_core.object_store.holding import Holding
from par_core.object_store.local_files import versioned_files
from par_core.object_store.names import COPY
from par_core.object_store.opening import open_objects
from par_core.object_store.records import Records
from par_core.object_store.transfer import download

__all__ = ["OF_WRITERS", "FollowedCopy", "damaged", "remove_empty"]

#: Groups of files that a writer's copy holds whole.
OF_WRITERS: Final = ("", "index.lance", "ledger", "listings", "work")
_TRIES: Final = 6  # of following a store whose versions change meanwhile


class FollowedCopy:
    """A folder in line with a version.

    Args:
        root: The folder.
        url: URL of the store.
        identity: Random id of the copy.
        writing: Whether it is the copy of the host's writer.
        objects: The object store; None opens that of the URL when it is needed.
    """

    def __init__(
        self, root: Path, url: str, identity: str, *, writing: bool, objects: Objects | None = None
    ) -> None:
        self.root, self.url, self.identity, self.is_writer = root, url, identity, writing
        self._objects = objects
        self._known: KnownHead | None = None
        self._ensured: set[str] = set()
        self._adoptions = 0
        self._opened = False
        self._thread = threading.RLock()
        self._holding: Holding | None = None

    @cached_property
    def objects(self) -> Objects:
        """The object store."""
        return self._objects or open_objects(self.url)

    @cached_property
    def state(self) -> CopyState:
        """What is known of the copy."""
        return CopyState(self.root / COPY / "state.db")

    @cached_property
    def records(self) -> Records:
        """The records, which are in no version."""
        return Records(self.objects, self.root, self.identity, self.state)

    def open(self) -> None:
        """Follow the store once in a process.

        Raises:
            TransientError: The object store cannot be reached.
        """
        with self._thread:
            if not self._opened:
                self._open()
                self._opened = True

    def _open(self) -> None:
        self.refresh()

    def refresh(self) -> bool:
        """Bring a reader's copy in line with the newest version; a writer's copy is left as it is.

        Returns:
            Whether there was a newer one.

        Raises:
            TransientError: The object store cannot be reached; the copy stays as it was.
            StoreError: The store is damaged.
        """
        if self.is_writer:
            return False
        with self._thread, locked(self.root / COPY / "lock"):
            known = HeadFile(self.objects).read_unless(self._known)
            newer = self._follow(known)
            self.records.pull()
            return newer

    def send_records(self) -> None:
        """Write the records that were changed here; nothing is asked where none was."""
        if self._opened:
            self.records.push()

    def is_held(self) -> bool:
        """Whether a writer held the lease when the copy last looked, and may still do."""
        until = self.state.meta("lease_until")
        return until is not None and float(until) > time.time()

    def ensure(self, group: str, *, below: bool = False) -> None:
        """Fetch the files of a group, or of all groups below a folder, that are not in the folder yet."""
        if group in self._ensured:
            return
        self.open()
        missing, adoptions = "", self._adoptions
        for _ in range(_TRIES):
            try:
                self._fetch(group, below=below)
                break
            except MissingObjectError as error:  # there is a newer version, unless that names it too
                if self._holding is not None:
                    self.renew()  # says so if another host has taken the store
                if self.is_writer or str(error) == missing:
                    raise damaged(error) from error
                missing = str(error)
                self.refresh()
        else:
            raise TransientError(f"{self.url} changes faster than it can be read; try again")
        if adoptions == self._adoptions:  # else another thread may have adopted files of the group
            self._ensured.add(group)

    def ensure_groups(self, groups: Sequence[str]) -> None:
        """Fetch the files of many groups at once: each by itself takes the time of a request. ``ensure`` must
        still be called for each, and reports what cannot be fetched.
        """
        wanted = [group for group in groups if group not in self._ensured]
        if not any(map(self.state.absent, wanted)):
            return
        with contextlib.suppress(MissingObjectError), locked(self.root / COPY / "lock"):
            files = {path: parts for group in wanted for path, parts in self.state.absent(group).items()}
            marks = self._downloaded(files)
            with self.state.changing() as changes:
                for path, mark in marks.items():
                    changes.hold(path, files[path], mark)

    def ensure_all(self) -> None:
        """Fetch everything."""
        for group in OF_WRITERS:
            self.ensure(group)
        for folder in ("segment", "describe"):
            self.ensure(folder, below=True)

    def _fetch(self, group: str, *, below: bool) -> None:
        with locked(self.root / COPY / "lock"):  # two processes must not fetch what one of them then changes
            files = self.state.absent(group, below=below)
            marks = self._downloaded(files)
            with self.state.changing() as changes:
                for path, mark in marks.items():
                    changes.hold(path, files[path], mark)
                if not below:
                    changes.want(group)

    def _downloaded(self, files: Mapping[str, Sequence[Part]]) -> dict[str, Mark]:
        marks: dict[str, Mark] = {}
        for step in sorted({_step(path) for path in files}):
            part = {path: parts for path, parts in files.items() if _step(path) == step}
            marks |= download(self.objects, self.root, part)
        return marks

    def _follow(self, known: KnownHead | None) -> bool:
        """Bring the folder in line with a head, and with newer ones that come meanwhile."""
        before = self.state.meta("catalogues")
        for _ in range(_TRIES):
            self._know(known)
            if known is None:
                return before is not None
            try:
                self._read_catalogues(known.head)
                self._settle()
                return before != self.state.meta("catalogues")
            except MissingObjectError as error:  # a commit has deleted it
                latest = HeadFile(self.objects).read()
                if latest is not None and latest.head.catalogues == known.head.catalogues:
                    raise damaged(error) from error
                known = latest
        raise TransientError(f"{self.url} changes faster than it can be read; try again")

    def _know(self, known: KnownHead | None) -> None:
        """Take note of a head. Where the store is gone, or is another one now, the copy is emptied."""
        store, lease = ("", None) if known is None else (known.head.store, known.head.lease)
        if self.state.meta("store") not in (None, "", store):
            for path, _ in versioned_files(self.root):
                (self.root / path).unlink(missing_ok=True)
            for path in self.state.records():
                (self.root / path).unlink(missing_ok=True)
            with self.state.changing() as changes:
                changes.forget_everything()
                changes.set_meta("catalogues", "[]")
                changes.set_meta("settled", "0")
            self._ensured.clear()
        self._known = known
        noted = {"store": store, "lease_until": str(lease.until if lease else 0.0)}
        if any(self.state.meta(key) != value for key, value in noted.items()):
            with self.state.changing() as changes:
                for key, value in noted.items():
                    changes.set_meta(key, value)

    def _read_catalogues(self, head: Head) -> None:
        applied = json.loads(self.state.meta("catalogues") or "[]")
        wanted = list(head.catalogues)
        if applied == wanted:
            return
        fresh = wanted[: len(applied)] != applied
        contents = [self._catalogue(key) for key in wanted[0 if fresh else len(applied) :]]
        with self.state.changing() as changes:
            if fresh:
                changes.clear()
            for content in contents:
                changes.add(content.files, content.deleted)
            changes.set_meta("catalogues", json.dumps(wanted))
            changes.set_meta("settled", "0")
        self._ensured.clear()

    def _catalogue(self, key: str) -> Catalogue:
        stored = self.objects.get(key)
        assert stored is not None
        return Catalogue.of(stored.content, f"{self.url}/{key}")

    def _settle(self) -> None:
        """Fetch what the folder must hold of the version, then delete what the version does not have."""
        if self.state.meta("settled") == "1":
            return
        files = self.state.outdated()
        marks = self._downloaded(files)
        gone = self.state.gone()
        for path in gone:
            (self.root / path).unlink(missing_ok=True)
        remove_empty(self.root, gone)
        with self.state.changing() as changes:
            for path, mark in marks.items():
                changes.hold(path, files[path], mark)
            changes.let_go(gone)
            changes.set_meta("settled", "1")

    def renew(self) -> None:
        """Extend the lease now.

        Raises:
            LeaseLostError: Another writer has taken it.
            TransientError: The object store cannot be reached.
        """
        if self._holding is None:
            raise StoreError(f"nobody holds {self.url}")
        self._holding.commit(lambda head: head)


def damaged(error: MissingObjectError) -> StoreError:
    """Return the error of a version that names an object which is not there."""
    return StoreError(f"{error}, which the store needs; bring it back from a backup")


def _step(path: str) -> int:
    """When a file is fetched, so that readers who do not wait find what is named: data and shards, versions
    of the index, the tag of the live one, and what says so.
    """
    if "/" not in path:
        return 3
    return 2 if "/_refs/" in path else 1 if "/_versions/" in path else 0


def remove_empty(root: Path, paths: Sequence[str]) -> None:
    """Remove the folders of deleted files that hold nothing any more."""
    for folder in sorted({parent for path in paths for parent in Path(path).parents}, reverse=True):
        if folder != Path("."):
            with contextlib.suppress(OSError):
                (root / folder).rmdir()
