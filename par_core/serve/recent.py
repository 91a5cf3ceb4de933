"""A bounded memory of recent answers, shared by threads: cachetools' LRUCache under a lock."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

__all__ = ["Recent"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps what was used last, up to a weight in all.

    Args:
        most: Weight in all.
        weigh: Weight of one value; 1 each unless given.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._values: LRUCache[K, V] = LRUCache(most, weigh)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value of a key, or None if it is not kept (any more)."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop those that were not used for longest where there is no room.

        A value that weighs more than all values may is not kept.
        """
        with self._lock:
            self._values.pop(key, None)
            if self._values.getsizeof(value) <= self._values.maxsize:
                self._values[key] = value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made and kept where it is not there. Two threads may make the same one at once."""
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found
