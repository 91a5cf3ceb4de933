"""Work for workers on hosts that share no folder with the run, and what they answer, on the object store.

assignments/<epoch>/<attempt>/work             what one task is to do; written by the run
assignments/<epoch>/<attempt>/<shard>.begun    a worker works on this shard, or was lost while it did
assignments/<epoch>/<attempt>/<shard>.done     which objects hold the files of the finished shard

Each name is used once: an attempt has a name of its own, and of two workers that carry out the same attempt
(Dask may give a task to another worker when one does not answer) the first to begin a shard works on it, and
the first answer counts. A worker writes the files of a shard under names that nobody else uses, and no
catalogue names them before the run has adopted them. So whatever a worker does that is late, cut off or
killed, it leaves objects that nobody reads, and these are deleted. It needs the rights to read and to write
objects; it never deletes one, nor replaces one that is not its own.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from par_core.errors import ParError, StoreError, TransientError, WorkerLostError
from par_core.object_store.catalogue import Catalogue, Part
from par_core.object_store.client import MissingObjectError, Objects
from par_core.object_store.head import HEAD, Head
from par_core.object_store.names import ASSIGNMENTS, epoch_of
from par_core.object_store.opening import open_objects
from par_core.object_store.patience import PatientObjects
from par_core.object_store.transfer import FILES
from par_core.object_store.working_copy import WorkingCopy

__all__ = ["Answers", "AssignedStore", "Assignment", "Assignments", "lack_of"]

_WORK: Final = "work"
_BEGUN: Final = ".begun"
_DONE: Final = ".done"
_ENDED: Final = b"ended"


@dataclass(frozen=True, slots=True)
class AssignedStore:
    """The store of a run, as workers know it. It holds no credentials: a worker has its own.

    Attributes:
        url: URL of the store.
        store: Random id of the store.
        epoch: Epoch in which the run holds it.
    """

    url: str
    store: str
    epoch: int

    @classmethod
    def held(cls, copy: WorkingCopy) -> "AssignedStore":
        """The store that this process holds."""
        head = copy.held_head
        return cls(copy.url, head.store, head.epoch)

    @property
    def folder(self) -> str:
        """What the keys of its assignments begin with."""
        return f"{ASSIGNMENTS}{self.epoch}/"


class Assignment:
    """One attempt, as a worker sees it.

    Args:
        store: The store.
        attempt: Name of the attempt.
        who: Host and process of this worker, for people.
        patience: Seconds to wait for an object store that is away, with each request.

    Raises:
        BadConfigError: The object store cannot be opened with the settings of this worker.
    """

    def __init__(self, store: AssignedStore, attempt: str, who: str, patience: float = 0.0) -> None:
        self._impatient = open_objects(store.url)
        self.objects: Objects = PatientObjects(self._impatient, patience)
        self._store, self._who = store, who
        self._folder = f"{store.folder}{attempt}/"
        self._token = secrets.token_hex(8)
        self._head_tag: str | None = None

    @property
    def epoch(self) -> int:
        """Epoch for names of objects."""
        return self._store.epoch

    def work(self) -> bytes:
        """Return what is to be done.

        Raises:
            StoreError: The run has ended, or this worker sees another store.
        """
        self.require_held()
        try:
            stored = self.objects.get(self._folder + _WORK)
        except MissingObjectError:
            raise _ended(self._store) from None
        assert stored is not None
        return stored.content

    def require_held(self) -> None:
        """Refuse to go on for a run that has ended or has lost the store: nobody would read what is written
        for it.

        Raises:
            StoreError: The run does not hold the store any more, or this worker sees another store.
        """
        try:
            stored = self.objects.get(HEAD, unless=self._head_tag)
        except MissingObjectError:
            raise StoreError(f"there is no store at {self._store.url}, as this worker sees it") from None
        if stored is None:
            return
        head = Head.of(stored.content, self._store.url)
        if head.store != self._store.store:
            raise StoreError(f"there is another store at {self._store.url}, as this worker sees it")
        if head.epoch != self._store.epoch or head.lease is None:
            raise _ended(self._store)
        self._head_tag = stored.tag

    def begin(self, shard_id: str) -> bool:
        """Mark a shard as begun.

        Returns:
            Whether it is still to be done; False if it is finished already.

        Raises:
            WorkerLostError: Another worker has begun it in this attempt, and was lost or is cut off.
            StoreError: As ``require_held``.
        """
        self.require_held()
        key, content = f"{self._folder}{shard_id}{_BEGUN}", f"{self._token} {self._who}".encode()
        tag: str | None = None
        while self.objects.put_if(key, content, tag) is None:
            stored = self.objects.get(key)
            assert stored is not None
            if stored.content == content:  # the answer to an earlier request was lost
                return True
            if stored.content != _ENDED:
                break
            tag = stored.tag
        else:
            return True
        try:
            self.objects.get(f"{self._folder}{shard_id}{_DONE}")
        except MissingObjectError:
            other = _who(stored.content)
            raise WorkerLostError(
                f"the worker on {other} was lost while it worked on shard {shard_id}"
            ) from None
        return False

    def end(self, shard_id: str) -> None:
        """Note that the work on a shard has ended with an error: its worker was not lost. Not waited for."""
        self._impatient.put(f"{self._folder}{shard_id}{_BEGUN}", _ENDED)

    def answer(self, shard_id: str, files: Mapping[str, Sequence[Part]]) -> None:
        """Say which objects hold the files of a finished shard; the first answer counts."""
        self.objects.put_if(f"{self._folder}{shard_id}{_DONE}", Catalogue(files).encoded(), None)


@dataclass(frozen=True, slots=True)
class Answers:
    """What workers have answered in one attempt.

    Attributes:
        done: Parts of the files of each finished shard, by its id.
        begun: Host and process by the id of each shard that a worker works on, or was lost with.
    """

    done: Mapping[str, Mapping[str, Sequence[Part]]]
    begun: Mapping[str, str]


@dataclass
class Assignments:
    """The assignments of a run, which holds the store.

    Attributes:
        copy: Its working copy.
        store: The store as workers know it.
        patience: Seconds to wait for an object store that is away, with each request.
        untidy: Whether a worker may have been lost after it wrote objects that it named in no answer.
    """

    copy: WorkingCopy
    store: AssignedStore
    patience: float
    untidy: bool = False
    _adopted: set[str] = field(default_factory=set)

    @cached_property
    def _objects(self) -> Objects:
        return PatientObjects(self.copy.objects, self.patience)

    def hand_out(self, attempt: str, work: bytes) -> None:
        """Write what an attempt is to do."""
        self._objects.put(f"{self.store.folder}{attempt}/{_WORK}", work)

    def answers(self, attempt: str) -> Answers:
        """Return what was answered in an attempt.

        Raises:
            StoreError: An answer is damaged.
        """
        folder = f"{self.store.folder}{attempt}/"
        names = {item.key.removeprefix(folder) for item in self._objects.listed(folder)}
        done = {
            name.removesuffix(_DONE): self._answer(folder + name) for name in names if name.endswith(_DONE)
        }
        begun = {}
        for name in names:
            shard_id = name.removesuffix(_BEGUN)
            if name.endswith(_BEGUN) and shard_id not in done:
                stored = self._objects.get(folder + name)
                assert stored is not None
                if stored.content != _ENDED:
                    begun[shard_id] = _who(stored.content)
        return Answers(done, begun)

    def adopt(self, attempt: str, answers: Answers) -> None:
        """Take the files of finished shards; the next commit names their objects."""
        files = {path: parts for of_shard in answers.done.values() for path, parts in of_shard.items()}
        self.copy.adopt(files)
        self._adopted |= {f"{self.store.folder}{attempt}/{shard_id}{_DONE}" for shard_id in answers.done}

    def begin(self) -> None:
        """Delete what workers wrote for runs that had ended. Before anything is handed out."""
        if any(self._objects.listed(ASSIGNMENTS)):
            self.copy.sweep_all()

    def clear(self) -> None:
        """Delete all assignments, and the objects that workers wrote whom nobody asks any more. Only when
        nobody waits for a task any more.

        Raises:
            LeaseLostError: Another writer has taken the store; nothing is deleted.
            TransientError: The object store cannot be reached.
        """
        self.copy.renew()
        listed = (item.key for item in self.copy.objects.listed(ASSIGNMENTS))
        keys = [key for key in listed if epoch_of(key) <= self.store.epoch]
        for key in keys:
            if key.endswith(_DONE) and key not in self._adopted:
                late = self._answer(key)
                kept = {part for parts in self.copy.state.parts_of(late).values() for part in parts}
                self.copy.objects.delete(
                    [part.key for parts in late.values() for part in parts if part not in kept]
                )
        self.copy.objects.delete(keys)
        if self.untidy:
            self.copy.sweep_all()

    def _answer(self, key: str) -> Mapping[str, Sequence[Part]]:
        stored = self._objects.get(key)
        assert stored is not None
        place = f"{self.store.url}/{key}"
        files = Catalogue.of(stored.content, place).files
        shard_id = key.rpartition("/")[2].removesuffix(_DONE)
        strange = [path for path in files if path.split("/")[::2][:2] not in _of_shard(shard_id)]
        strange += [part.key for parts in files.values() for part in parts if not part.key.startswith(FILES)]
        if strange:
            raise StoreError(f"{place} is damaged: it names {strange[0]}")
        return files


def lack_of(store: AssignedStore) -> tuple[str, bool]:
    """Return what keeps this process from working for a run, and whether it may pass; empty if nothing does.

    It reads the head of the store and writes an object, which the run deletes.
    """
    try:
        assignment = Assignment(store, "", "")
        assignment.require_held()
        assignment.objects.put(f"{store.folder}probe-{secrets.token_hex(8)}", b"")
    except TransientError as error:
        return str(error), True
    except ParError as error:
        return str(error), False
    return "", False


def _of_shard(shard_id: str) -> list[list[str]]:
    return [["segment", shard_id], ["describe", shard_id]]


def _who(content: bytes) -> str:
    return content.decode(errors="replace").partition(" ")[2] or "an unknown host"


def _ended(store: AssignedStore) -> StoreError:
    return StoreError(f"the run that handed this work out does not hold {store.url} any more")
