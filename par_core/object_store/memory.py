"""An object store within this process: ``memory://name``. It ends with the process; for tests."""

import hashlib
import threading
from collections.abc import Collection, Iterator
from typing import Final

from par_core.object_store.client import MissingObjectError, ObjectInfo, Stored

__all__ = ["MemoryObjects"]

_STORES: Final[dict[str, dict[str, bytes]]] = {}
_LOCK: Final = threading.Lock()


class MemoryObjects:
    """The objects of a name; all with the same name share them.

    Args:
        url: ``memory://name``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._objects = _STORES.setdefault(url, {})

    @property
    def url(self) -> str:
        """The URL."""
        return self._url

    def get(self, key: str, *, unless: str | None = None) -> Stored | None:
        """See ``Objects``."""
        with _LOCK:
            if key not in self._objects:
                raise MissingObjectError(f"there is no {self._url}/{key}")
            content = self._objects[key]
        tag = _tag(content)
        return None if tag == unless else Stored(content, tag)

    def put(self, key: str, content: bytes) -> str:
        """See ``Objects``."""
        with _LOCK:
            self._objects[key] = content
        return _tag(content)

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        """See ``Objects``."""
        with _LOCK:
            known = self._objects.get(key)
            if (None if known is None else _tag(known)) != tag:
                return None
            self._objects[key] = content
        return _tag(content)

    def delete(self, keys: Collection[str]) -> None:
        """See ``Objects``."""
        with _LOCK:
            for key in keys:
                self._objects.pop(key, None)

    def listed(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ``Objects``."""
        with _LOCK:
            found = sorted((key, content) for key, content in self._objects.items() if key.startswith(prefix))
        for key, content in found:
            yield ObjectInfo(key, len(content), _tag(content))

    def erase_versions(self, prefix: str) -> int | None:
        """See ``Objects``; nothing keeps versions here."""
        return None


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
