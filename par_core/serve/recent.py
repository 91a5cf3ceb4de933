"""A bounded memory of recent answers, shared by threads: cachetools' LRUCache under a lock."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

__all__ = ["Recent"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps the values that were used last, up to a total weight.

    Args:
        most: Total weight.
        weigh: Returns the weight of one value; 1 each by default.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._values: LRUCache[K, V] = LRUCache(most, weigh)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None if it is not kept (any more)."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop those that were used longest ago where there is no room.

        A value that weighs more than the total is not kept.
        """
        with self._lock:
            self._values.pop(key, None)
            if self._values.getsizeof(value) <= self._values.maxsize:
                self._values[key] = value

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, made and kept where it is missing. Two threads may make the same at
        once.
        """
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
