"""A folder that is in line with a version of a store on an object store, and may become the next one.

A reader's copy only follows (``followed_copy.py``). A writer's copy is a store like any other while a command
works on it; ``writing`` holds the lease meanwhile, and ``commit`` makes what was changed the next version:
first the objects of the files, then the catalogue that names them, and last the head, which replaces the one
that this writer knows or fails.

What a killed writer left in its copy stays there: the next command on that host goes on with it, unless
another host has committed meanwhile; then it is dropped for what is committed.

Files that workers elsewhere have written into objects are *adopted*: the copy has them from then on as it has
those of the version, fetches them when they are asked for, and its next commit names their objects.
"""

import contextlib
import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from par_core.errors import ParError, StoreError, TransientError
from par_core.object_store import holding
from par_core.object_store.catalogue import Catalogue, Part
from par_core.object_store.client import MissingObjectError
from par_core.object_store.copy_state import group_of
from par_core.object_store.followed_copy import OF_WRITERS, FollowedCopy, damaged, remove_empty
from par_core.object_store.head import Head, HeadFile, KnownHead
from par_core.object_store.holding import Holding, LeaseLostError
from par_core.object_store.local_files import changed, versioned_files
from par_core.object_store.names import ASSIGNMENTS, epoch_of
from par_core.object_store.transfer import FILES, parts_of_file, upload

__all__ = ["WorkingCopy"]

_CATALOGUES: Final = "catalogue/"
_ADOPTED_IN: Final = "adopted_epoch"
_MOST_CATALOGUES: Final = 64
_SMALL: Final = 2_000  # changed files that need no new base


class WorkingCopy(FollowedCopy):
    """A copy of readers, which only follows, or that of the host's writer."""

    @cached_property
    def _swept_keys(self) -> set[str]:
        """Catalogues whose dropped objects this writer has deleted."""
        return set()

    def _open(self) -> None:
        if not self.is_writer:
            super()._open()
            return
        # where it is locked, the command that holds it has followed already, such as the one of this worker
        with (self.root / "run.lock").open("a") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._catch_up(HeadFile(self.objects).read())
            self.records.pull()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lease while a block changes the folder, and commit at its end, also after an error: what
        is in the folder is a store at any moment. Only for the process that holds the folder's own lock.

        Raises:
            StoreError: Another host writes, or has taken the lease because this one was cut off for too long.
        """
        if not self.is_writer:
            raise StoreError(f"{self.root} is a copy of {self.url} for readers; no command writes there")
        held = Holding(self.objects, self.identity, holding.LEASE_S)
        try:
            with held.renewed():
                self._begin(held)
                self._holding = held
                try:
                    yield
                except LeaseLostError:
                    raise
                except BaseException as error:
                    try:
                        self.commit()
                    except (StoreError, TransientError, OSError) as failure:
                        # the end of a command, such as typer.Exit, must not look like success
                        if isinstance(error, Exception) and not isinstance(error, ParError):
                            raise failure from error
                    raise
                self.commit()
        finally:
            self._holding = None
            held.release(self._swept)

    def _begin(self, held: Holding) -> None:
        with self._thread:
            self._swept_keys.clear()
            self._catch_up(held.known)
            self.records.pull()
            self._opened = True
            self._sweep(held)
            if held.crashed:
                self.sweep_all(held.head)
            for group in OF_WRITERS:
                self.ensure(group)

    def _catch_up(self, known: KnownHead | None) -> None:
        """Bring a writer's copy in line with a head; what a killed command left here stays, unless another
        host has committed since.
        """
        self._know(known)
        if known is None:
            return
        moved = json.loads(self.state.meta("catalogues") or "[]") != list(known.head.catalogues)
        self._disown_unless_mine(known.head, moved=moved)
        try:
            self._read_catalogues(known.head)
            if moved:
                self._drop_uncommitted()
            self._settle()
        except MissingObjectError as error:
            latest = HeadFile(self.objects).read()
            if latest is not None and latest.head.catalogues == known.head.catalogues:
                raise damaged(error) from error
            raise TransientError(f"{self.url} was changed meanwhile; try again") from error

    def _disown_unless_mine(self, head: Head, *, moved: bool) -> None:
        """Drop what was adopted, unless no other host has held the store since: one that has may have deleted
        the objects, which no version names.
        """
        adopted = self.state.adopted()
        if not adopted:
            return
        epoch = int(self.state.meta(_ADOPTED_IN) or -1)
        holder = head.lease.holder if head.lease else None
        if not moved and (head.epoch == epoch or (head.epoch == epoch + 1 and holder == self.identity)):
            with self.state.changing() as changes:
                changes.set_meta(_ADOPTED_IN, str(head.epoch))
            return
        held = self.state.held_of(adopted)
        with self.state.changing() as changes:
            changes.let_go_of_adopted(adopted)
            changes.set_meta("settled", "0")
        for path in adopted.keys() - held.keys():  # fetched by a process that was killed before it noted it
            (self.root / path).unlink(missing_ok=True)
        self._ensured.clear()

    def _drop_uncommitted(self) -> None:
        """Take back what this folder holds beside the version: another host has committed since. A file that
        the version has with the same content stays.
        """
        now, before = dict(versioned_files(self.root)), self.state.held()
        different, missing = changed(now, before)
        kept = self.state.parts_of(different)
        with self.state.changing() as changes:
            changes.let_go(missing)
            for path in different:
                file = self.root / path
                parts = kept.get(path)
                if parts and parts_of_file(path, file) == [(part.sha256, part.size) for part in parts]:
                    changes.hold(path, parts, now[path])
                else:
                    file.unlink(missing_ok=True)
                    changes.let_go([path])
            changes.set_meta("settled", "0")
        remove_empty(self.root, different)

    def commit(self) -> bool:
        """Make what has changed in the folder the next version. No process may change ledger or index
        meanwhile; shards that workers finish meanwhile are taken or left to the next commit.

        Returns:
            Whether anything had changed.

        Raises:
            LeaseLostError: Another writer has taken the lease; nothing was committed.
            TransientError: The object store cannot be reached; the next commit tries again.
        """
        held = self._holding
        if held is None:
            raise StoreError(f"nobody holds {self.url}")
        with self._thread:
            self.records.push()
            different, missing = changed(dict(versioned_files(self.root)), self.state.held())
            adopted = self.state.adopted()
            known = self.state.parts_of(different)
            uploaded = upload(self.objects, self.root, different, known, held.head.epoch)
            now: dict[str, Sequence[Part]] = {
                path: parts for path, parts in adopted.items() if path not in set(missing)
            }
            now |= {path: parts for path, (parts, _) in uploaded.items()}
            before = self.state.committed_parts_of({*now, *missing})
            written = {path: parts for path, parts in now.items() if before.get(path) != parts}
            deleted = [path for path in missing if path in before]
            if written or deleted:
                old = [before.get(path, ()) for path in {*written, *deleted}]
                old += [parts for path, parts in adopted.items() if now.get(path) != parts]
                self._publish(held, written, deleted, [part.key for parts in old for part in parts], adopted)
            with self.state.changing() as changes:
                for path, (parts, mark) in uploaded.items():
                    changes.hold(path, parts, mark)
                changes.let_go(missing)
                changes.let_go_of_adopted(adopted)
            self._sweep(held)
            return bool(written or missing)

    def _publish(
        self,
        held: Holding,
        written: Mapping[str, Sequence[Part]],
        deleted: Sequence[str],
        old: Sequence[str],
        adopted: Mapping[str, Sequence[Part]],
    ) -> None:
        kept = {part.key for parts in written.values() for part in parts}
        dropped = [key for key in old if key not in kept]
        head = held.head
        files: Mapping[str, Sequence[Part]] = written
        anew = not head.catalogues or _is_long(head, len(written) + len(deleted))
        if anew:
            files = {
                path: parts
                for path, parts in {**self.state.committed(), **written}.items()
                if path not in deleted
            }
            dropped += [key for key in head.catalogues if key not in head.unswept]
        n_changes = max(1, len(files) + (0 if anew else len(deleted)))
        content = Catalogue(files, [] if anew else deleted, dropped)
        key = f"{_CATALOGUES}{head.generation + 1:08d}-{head.epoch}-{secrets.token_hex(4)}.json.gz"
        self.objects.put(key, content.encoded())
        catalogues = (key,) if anew else (*head.catalogues, key)
        sizes = (n_changes,) if anew else (*head.changes, n_changes)

        def change(now: Head) -> Head:
            return Head(
                store=now.store,
                epoch=now.epoch,
                generation=head.generation + 1,
                catalogues=catalogues,
                changes=sizes,
                unswept=(*self._swept(now).unswept, key),
            )

        self._known = held.commit(change)
        with self.state.changing() as changes:
            changes.add(written, deleted)
            changes.let_go_of_adopted(adopted)
            changes.set_meta("catalogues", json.dumps(list(catalogues)))
        self._ensured.clear()

    @property
    def held_head(self) -> Head:
        """The head as this process has last written it, while it holds the store.

        Raises:
            StoreError: It does not.
        """
        if self._holding is None:
            raise StoreError(f"nobody holds {self.url}")
        return self._holding.head

    def adopt(self, files: Mapping[str, Sequence[Part]]) -> None:
        """Take files whose objects others have written; the next commit names them. May be called from any
        thread. Only while the store is held.
        """
        with self.state.changing() as changes:
            changes.adopt(files)
            changes.set_meta(_ADOPTED_IN, str(self.held_head.epoch))
        self._adoptions += 1
        for group in {group_of(path) for path in files}:
            self._ensured -= {group, *map(str, Path(group).parents)}

    def _sweep(self, held: Holding) -> None:
        """Delete the objects that no version needs any more; what fails is left to the next writer."""
        for key in held.head.unswept:
            if key in self._swept_keys:
                continue
            with contextlib.suppress(TransientError):
                with contextlib.suppress(MissingObjectError):
                    self.objects.delete(self._catalogue(key).dropped)
                self._swept_keys.add(key)

    def _swept(self, head: Head) -> Head:
        """The head without the catalogues whose dropped objects are deleted."""
        return replace(head, unswept=tuple(key for key in head.unswept if key not in self._swept_keys))

    def erase_former(self) -> tuple[int, int | None]:
        """Commit, and delete everything that former versions alone hold: objects that killed writers left,
        and what a bucket with versioning keeps of deleted and replaced objects. Only while the store is held.

        Returns:
            Number of objects without a version, and of older versions of objects; None if the bucket keeps
            none.
        """
        self.commit()
        held = self._holding
        assert held is not None
        lost = self.sweep_all()
        with self._thread:
            held.commit(self._swept)
        return lost, self.objects.erase_versions("")

    def sweep_all(self, head: Head | None = None) -> int:
        """Delete objects that no version names and that are not adopted: those that killed writers and
        workers left. Only while the lease is held, and no worker elsewhere works for it. Objects of a later
        epoch stay: if this writer has lost the lease without knowing it, they are those of the next one.

        Returns:
            Their number.
        """
        head = head or (self._holding.head if self._holding else None)
        assert head is not None
        named = {part.key for parts in self.state.files().values() for part in parts} | set(head.catalogues)
        lost = [
            item.key
            for prefix in (FILES, _CATALOGUES, ASSIGNMENTS)
            for item in self.objects.listed(prefix)
            if item.key not in named and item.key not in head.unswept and epoch_of(item.key) <= head.epoch
        ]
        self.objects.delete(lost)
        return len(lost)


def _is_long(head: Head, more: int) -> bool:
    """Whether the changes since the base have become so many that a new base costs little beside them."""
    since = sum(head.changes[1:]) + more
    return len(head.catalogues) >= _MOST_CATALOGUES or since > max(_SMALL, head.changes[0] // 2)
