"""One thing that a process keeps from one shard to the next."""

import atexit
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Kept"]

Thing = TypeVar("Thing")


class Kept(Generic[Thing]):
    """At most one thing and its key. Several threads may use it: who takes the thing has it alone.

    Args:
        close: Function that closes a thing that is replaced, or left when the process ends.
    """

    def __init__(self, close: Callable[[Thing], None]) -> None:
        self._close, self._lock = close, threading.Lock()
        self._kept: tuple[Hashable, Thing] | None = None
        atexit.register(self.clear)

    def take(self, key: Hashable) -> Thing | None:
        """Take out the thing that was kept with this key; None if there is none, or another."""
        with self._lock:
            if self._kept is None or self._kept[0] != key:
                return None
            thing, self._kept = self._kept[1], None
            return thing

    def keep(self, key: Hashable, thing: Thing) -> None:
        """Keep a thing instead of the one that is kept, which is closed."""
        with self._lock:
            before, self._kept = self._kept, (key, thing)
        if before is not None:
            self._close(before[1])

    def clear(self) -> None:
        """Close what is kept."""
        with self._lock:
            before, self._kept = self._kept, None
        if before is not None:
            self._close(before[1])
