"""Where tasks are carried out, behind one interface: hand out a task, wait until some have ended.

A pool does not decide what is tried again; ``flows.fan_out`` does, the same for every pool.
"""

import os
import queue
from collections.abc import Callable
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
    RETURNED = "returned"  # nobody is known to have tried it to the end: the scheduler went


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that is over.

    Attributes:
        key: As it was handed out.
        how: It ended.
        error: What it raised, or why it is lost; None if it is done.
    """

    key: str
    how: How
    error: BaseException | None = None


class PoolGoneError(ParError):
    """Nothing can be carried out here any more, for as long as a run is willing to wait."""


class Pool(Protocol):
    """Carries out tasks."""

    @property
    def capacity(self) -> int:
        """Tasks to have handed out at a time: enough that no worker waits."""

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Hand out a task under a key of its own."""

    def wait(self, seconds: float) -> list[Ended]:
        """The tasks that ended since the last call; empty if none does within some seconds.

        Raises:
            PoolGoneError: No worker is there, and none has come in time.
        """


class ThreadPool:
    """Threads of this process.

    Args:
        threads: Their number.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="par")
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    @property
    def capacity(self) -> int:
        """One task a thread, and one that waits."""
        return self._threads + 1

    def submit(self, key: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Hand out a task under a key of its own."""

        def run() -> None:
            try:
                function(*arguments)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the task's end and goes to whoever waits
                self._ended.put(Ended(key, How.FAILED, error))
            else:
                self._ended.put(Ended(key, How.DONE))

        self._executor.submit(run)

    def wait(self, seconds: float) -> list[Ended]:
        """The tasks that ended since the last call; empty if none does within some seconds."""
        return drain(self._ended, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=kind is None, cancel_futures=True)


def drain(ended: "queue.SimpleQueue[Any]", seconds: float) -> list[Any]:
    """Everything that a queue holds, or gets within some seconds."""
    try:
        found = [ended.get(timeout=seconds)]
    except queue.Empty:
        return []
    while not ended.empty():
        found.append(ended.get())
    return found


def one_thread_each(threads: int) -> dict[str, str]:
    """The environment of a worker process: more threads than these would fight for the same cores."""
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
