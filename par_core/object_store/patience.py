"""Waiting for an object store that is away."""

import time
from collections.abc import Callable, Collection, Iterator
from typing import Final, TypeVar

from par_core.errors import TransientError
from par_core.object_store.client import ObjectInfo, Objects, Stored

__all__ = ["PatientObjects", "patiently"]

_PAUSE_S: Final = 2.0
_Answer = TypeVar("_Answer")


def patiently(ask: Callable[[], _Answer], seconds: float) -> _Answer:
    """Call a function, again and again while it raises TransientError, and return what it returns.

    Args:
        ask: The function.
        seconds: Time after which the error is raised.

    Raises:
        TransientError: It is still raised after that time.
    """
    ends = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except TransientError:
            left = ends - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_PAUSE_S, left))


class PatientObjects:
    """Objects of a server that is waited for, request by request, while it is away.

    Args:
        objects: The objects.
        seconds: Time to wait with each request.
    """

    def __init__(self, objects: Objects, seconds: float) -> None:
        self._objects, self._seconds = objects, seconds

    @property
    def url(self) -> str:
        """See ``Objects``."""
        return self._objects.url

    def get(self, key: str, *, unless: str | None = None) -> Stored | None:
        """See ``Objects``."""
        return patiently(lambda: self._objects.get(key, unless=unless), self._seconds)

    def put(self, key: str, content: bytes) -> str:
        """See ``Objects``."""
        return patiently(lambda: self._objects.put(key, content), self._seconds)

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        """See ``Objects``."""
        return patiently(lambda: self._objects.put_if(key, content, tag), self._seconds)

    def delete(self, keys: Collection[str]) -> None:
        """See ``Objects``."""
        patiently(lambda: self._objects.delete(keys), self._seconds)

    def listed(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ``Objects``."""
        yield from patiently(lambda: list(self._objects.listed(prefix)), self._seconds)

    def erase_versions(self, prefix: str) -> int | None:
        """See ``Objects``."""
        return patiently(lambda: self._objects.erase_versions(prefix), self._seconds)
