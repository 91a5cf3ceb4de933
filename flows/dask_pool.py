"""A Dask scheduler and its workers as a worker pool.

Each worker must state its version of PAR before it gets a task. A worker that does not answer is named and
left out. The return value of a task is never fetched: results are files in the store, so nothing is lost
when a worker ends after its task.
"""

import asyncio
import queue
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from flows.dask_workers import Worker, host_of, introduction, offered, phrase
from flows.pools import Ended, How, PoolGoneError, drain
from par_core.errors import BadConfigError, WorkerLostError
from par_core.object_store.assignments import AssignedStore
from par_core.version import __version__

__all__ = ["DaskPool"]

_LOOK_EVERY_S: Final = 2.0
_ANSWER_S: Final = 10.0  # time for a worker to state its version
_MEANT_FOR: Final = 32  # workers that one task may go to; Dask takes the least busy
_ASK_AGAIN_S: Final = 10.0  # of a worker for which the object store was away
_RESTART_S: Final = 10.0  # time that a supervisor takes to restart workers; not worth a line


@dataclass(slots=True)
class _Out:
    future: Future
    allowed: frozenset[str]


@dataclass
class DaskPool:
    """Carries out tasks on the workers of a scheduler.

    Attributes:
        client: Client that is connected to the scheduler.
        resources: Resources that a worker needs for a task, such as ``{"GPU": 1}``.
        patience: Seconds to wait for a lost scheduler, or for a worker that can take a task.
        say: Function that prints a line for the user: what the pool waits for, which workers are left out.
        revive: Function that restarts the run's own dead workers, where no supervisor does; called now and
            then.
        store: Store on an object store that every worker must be able to use by itself; None: one in a
            folder.
    """

    client: Client
    resources: Mapping[str, float]
    patience: float
    say: Callable[[str], None]
    revive: Callable[[], None] = lambda: None
    store: AssignedStore | None = None
    _workers: dict[str, Worker] = field(default_factory=dict)
    _threads: dict[str, int] = field(default_factory=dict)
    _offers: dict[str, str] = field(default_factory=dict)
    _out: dict[str, _Out] = field(default_factory=dict)
    _ended: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    _looked_at: float = -_LOOK_EVERY_S
    _well_at: float = field(default_factory=time.monotonic)
    _waits: str = ""
    _began: bool = False
    _handed_out: int = 0
    _addresses: tuple[str, ...] = ()

    def start(self) -> None:
        """Wait until a worker can take a task.

        Raises:
            BadConfigError: A worker has another version of PAR.
            PoolGoneError: No worker can take a task in time.
        """
        while True:
            self._look()
            other = {
                address: worker.version
                for address, worker in self._workers.items()
                if worker.version not in (None, __version__)
            }
            wrong = {address: version for address, version in other.items() if isinstance(version, str)}
            if wrong:
                raise BadConfigError(
                    f"{len(wrong)} workers at {self._scheduler} have another version of PAR than this one"
                    f" ({__version__}), such as {next(iter(wrong.items()))}"
                )
            answered = all(
                worker.version is not None or time.monotonic() - worker.asked_at > _ANSWER_S
                for worker in self._workers.values()
            )
            if self._usable and answered:
                self._addresses = tuple(self._usable)
                return
            time.sleep(0.1)

    @property
    def capacity(self) -> int:
        """Two tasks for each thread of the workers: one running, one queued."""
        return 2 * sum(self._threads[address] for address in self._usable)

    def workers(self) -> Mapping[str, int]:
        """Return the number of workers that can take tasks, by the host of their address; may be called from
        another thread.
        """
        addresses = self._addresses
        return Counter(map(host_of, addresses))

    def nodes(self) -> str:
        """Return what the workers have that can take tasks, those of one host and kind together."""
        return phrase(
            (address, self._workers[address].has, self._offers.get(address, "")) for address in self._usable
        )

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Submit a task under a unique key, to workers of this version of PAR with the resources."""
        usable = self._usable
        first = self._handed_out % max(len(usable), 1)
        allowed = (usable + usable)[first : first + min(len(usable), _MEANT_FOR)]
        self._handed_out += 1
        where = {"workers": allowed, "allow_other_workers": False, "resources": dict(self.resources) or None}
        future = self.client.submit(function, *arguments, key=key, pure=False, **where)
        self._out[key] = _Out(future, frozenset(allowed))
        future.add_done_callback(lambda _: self._ended.put(key))

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended since the last call; empty if none ends within the given seconds.

        Raises:
            PoolGoneError: For longer than the patience the scheduler was away, or no worker could take a
                task.
        """
        keys = drain(self._ended, seconds)
        ended = [end for key in keys if (end := self._end(key)) is not None]
        self._look()
        return ended + self._stranded()

    def _end(self, key: str) -> Ended | None:
        out = self._out.pop(key, None)
        if out is None:
            return None
        try:
            if out.future.status == "finished":
                return Ended(key, How.DONE)
            if out.future.status != "error":
                return Ended(key, How.RETURNED)
            error = out.future.exception()
        finally:
            out.future.release()
        if isinstance(error, KilledWorker):
            return Ended(
                key,
                How.LOST,
                WorkerLostError(
                    f"{error.last_worker.address}, the last of {error.allowed_failures + 1} that were lost"
                    " with the same task"
                ),
            )
        return Ended(key, How.FAILED, error)

    def _look(self) -> None:
        """Update the known workers, and give up when none could take a task for too long."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S and self._usable:
            return
        self._looked_at = now
        if self.client.status == "running":
            self.revive()
            try:
                self._meet(self.client.scheduler_info(n_workers=-1)["workers"])
            except OSError:
                self._threads.clear()  # the scheduler is going away; the client's status will show it
        self._addresses = tuple(self._usable)
        if self._usable:
            self._well_at, self._waits, self._began = time.monotonic(), "", True
            return
        waits = self._lack()
        asking = any(
            worker.version is None and now - worker.asked_at <= _ANSWER_S for worker in self._workers.values()
        )
        restarting = self._began and now - self._well_at < min(_RESTART_S, self.patience / 2)
        if waits != self._waits and not asking and not restarting:
            self.say(f"par: {waits}; waiting up to {self.patience:.0f} s (machine.patience_s)")
            self._waits = waits
        # a client that is closed has waited for the same time itself
        if time.monotonic() - self._well_at > self.patience or self.client.status == "closed":
            raise PoolGoneError(f"{waits}, and did not change within {self.patience:.0f} s")

    def _meet(self, connected: Mapping[str, Mapping[str, Any]]) -> None:
        """Ask new workers for their version, and say which are left out."""
        fit = {
            address: worker
            for address, worker in connected.items()
            if all(worker["resources"].get(name, 0) >= need for name, need in self.resources.items())
        }
        self._threads = {address: worker["nthreads"] for address, worker in fit.items()}
        self._offers = {address: offered(worker["resources"]) for address, worker in fit.items()}
        self._workers = {address: self._known(address) or self._ask(address) for address in connected}
        for address, known in self._workers.items():
            version = known.version
            overdue = version is None and time.monotonic() - known.asked_at > _ANSWER_S
            if known.named or self._is_fit(known) or (version is None and not overdue):
                continue
            known.named = True
            why = (
                "does not answer"
                if overdue
                else (
                    f"cannot be asked: {version}"
                    if not isinstance(version, str)
                    else f"has PAR {version}, not {__version__}"
                    if version != __version__
                    else f"cannot work on this store: {known.lack}"
                )
            )
            self.say(f"par: warning: the worker {address} is left out: it {why}")

    def _ask(self, address: str) -> Worker:
        asking = self.client._run(introduction(self.store), workers=[address], on_error="raise")
        return Worker(
            asyncio.run_coroutine_threadsafe(asking, self.client.loop.asyncio_loop), time.monotonic()
        )

    def _known(self, address: str) -> Worker | None:
        """The worker of an address as it is known; None if it must be asked, also again."""
        known = self._workers.get(address)
        if known is None or not isinstance(known.version, str) or not known.lack_may_pass:
            return known
        if time.monotonic() - known.asked_at < _ASK_AGAIN_S:
            return known
        again = self._ask(address)
        again.named = known.named
        return again

    @staticmethod
    def _is_fit(worker: Worker) -> bool:
        return worker.version == __version__ and not worker.lack

    def _lack(self) -> str:
        if self.client.status != "running":
            return f"the Dask scheduler at {self._scheduler} does not answer"
        if self._workers and self.resources and not self._threads:
            wanted = " ".join(f"{name}={need:g}" for name, need in self.resources.items())
            lacking = f"no worker of {len(self._workers)} at {self._scheduler} has the resource {wanted}"
            return f"{lacking}; start some with: PYTHONSAFEPATH=1 dask worker ... --resources {wanted}"
        if self._workers and all(worker.named for worker in self._workers.values()):
            return f"every worker at {self._scheduler} is left out"
        if self._workers:
            return f"no worker of {len(self._workers)} at {self._scheduler} answers yet"
        return (
            f"the Dask scheduler at {self._scheduler} has no workers; start some with: PYTHONSAFEPATH=1 dask"
            f" worker {self._scheduler} --nthreads 1"
        )

    def _stranded(self) -> list[Ended]:
        """Tasks whose permitted workers have all left: a restarted worker has another address."""
        if self.client.status != "running":
            return []
        stranded = [key for key, out in self._out.items() if not out.allowed & self._workers.keys()]
        return [Ended(key, How.LOST, self._cancelled(self._out.pop(key))) for key in stranded]

    @staticmethod
    def _cancelled(out: _Out) -> WorkerLostError:
        out.future.cancel()
        return WorkerLostError(
            f"{min(out.allowed)} is gone"
            if len(out.allowed) == 1
            else f"{len(out.allowed)} workers that it was meant for are gone"
        )

    @property
    def _usable(self) -> list[str]:
        if self.client.status != "running":
            return []
        return [
            address
            for address in self._threads
            if address in self._workers and self._is_fit(self._workers[address])
        ]

    @property
    def _scheduler(self) -> str:
        return (
            str(self.client.scheduler.address) if self.client.scheduler is not None else "the address given"
        )
