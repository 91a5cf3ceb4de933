"""Worker pools behind one interface: submit a task, wait until some have ended.

A pool does not decide which tasks are tried again; ``flows.fan_out`` does, in the same way for every pool.
"""

import os
import queue
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self

from par_core.errors import ParError

__all__ = ["Ended", "How", "Pool", "PoolGoneError", "ThreadPool"]


class How(Enum):
    """How a task ended."""

    DONE = "done"
    FAILED = "failed"  # it raised an error
    LOST = "lost"  # its worker died or was cut off
    RETURNED = "returned"  # the scheduler was lost, and whether a worker tried the task is not known


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that has ended.

    Attributes:
        key: Key under which the task was submitted.
        how: How the task ended.
        error: Error that the task raised, or the reason why it is lost; None if it is done.
    """

    key: str
    how: How
    error: BaseException | None = None


class PoolGoneError(ParError):
    """No task can be carried out here, for longer than a run is willing to wait."""


class Pool(Protocol):
    """A worker pool: carries out tasks."""

    @property
    def capacity(self) -> int:
        """Number of tasks to submit at a time, so that no worker waits."""

    def workers(self) -> Mapping[str, int]:
        """Return the number of workers that can take tasks, by host; may be called from another thread."""

    def nodes(self) -> str:
        """Return one phrase on what the workers have; empty if they are threads of this process."""

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Submit a task under a unique key."""

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended since the last call; empty if none ends within the given seconds.

        Raises:
            PoolGoneError: There is no worker, and none has come in time.
        """


class ThreadPool:
    """A worker pool of threads of this process.

    Args:
        threads: Number of threads.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="par")
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    @property
    def capacity(self) -> int:
        """One task for each thread, and one that waits."""
        return self._threads + 1

    def workers(self) -> Mapping[str, int]:
        """Return the number of threads, under the name of this host."""
        return {socket.gethostname(): self._threads}

    def nodes(self) -> str:
        """Return nothing: the machine is the user's own."""
        return ""

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Submit a task under a unique key."""

        def run() -> None:
            try:
                function(*arguments)
            except Exception as error:  # noqa: BLE001 - any error ends the task and is reported by wait
                self._ended.put(Ended(key, How.FAILED, error))
            else:
                self._ended.put(Ended(key, How.DONE))

        self._executor.submit(run)

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended since the last call; empty if none ends within the given seconds."""
        return drain(self._ended, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=kind is None, cancel_futures=True)


def drain(ended: "queue.SimpleQueue[Any]", seconds: float) -> list[Any]:
    """Return all items of a queue; if it is empty, wait for the first up to the given seconds."""
    try:
        items = [ended.get(timeout=seconds)]
    except queue.Empty:
        return []
    while not ended.empty():
        items.append(ended.get())
    return items


def one_thread_each(threads: int) -> dict[str, str]:
    """Return the environment that limits the threads of a worker process: more would compete for cores."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
    return dict.fromkeys(names, str(threads))


def n_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0))
