"""A pool of threads for requests, with limits on calls at a time, calls that wait, and seconds of each."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from par_core.serve.problems import BusyError, TooSlowError

__all__ = ["WorkerPool"]

_NICER: Final = 5  # levels of nice(2): about a third of the processor beside a thread that wants all of it
P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool:
    """A bounded pool of threads.

    Args:
        name: Name of the threads.
        threads: Number of calls at a time.
        waiting: Number of calls that may wait.
        seconds: Longest time of a call, with waiting.
        gives_way: Whether other threads and processes that want the processor get more of it.
    """

    def __init__(
        self, name: str, threads: int, waiting: int, seconds: float, *, gives_way: bool = False
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, name, _give_way if gives_way else None)
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(threads + waiting)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in one of the threads.

        A call that takes too long keeps its thread until it ends, because a thread cannot be stopped, but its
        caller and all others go on.

        Raises:
            BusyError: Too many calls wait already.
            TooSlowError: It took too long.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("too many requests at this moment; try again in a few seconds")
        future = self._pool.submit(work, *args, **kwargs)
        future.add_done_callback(self._free)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError as error:
            if future.done() and not future.cancelled():  # the work itself ran into a time limit
                raise
            raise TooSlowError(
                f"no answer within {self._seconds:g} seconds; narrow the question with a filter, or try again"
                " later"
            ) from error

    def close(self) -> None:
        """Take no more calls, and drop those that wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self, _: "Future[T]") -> None:
        self._places.release()


def _give_way() -> None:
    thread = threading.get_native_id()  # Linux gives each thread a niceness of its own
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
