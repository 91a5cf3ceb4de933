"""Reading an index into memory while questions go on."""

import contextlib
import threading
import weakref
from typing import Final

from par_core.errors import ParError
from par_core.store.lance import PeopleIndex

__all__ = ["ResidentReader"]

_LONGEST_S: Final = 600.0  # of a wait


class ResidentReader:
    """Reads versions of an index into memory, in a thread, one at a time and each once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: weakref.ref[PeopleIndex] | None = None  # lets go of a version that nobody reads any more

    def read_soon(self, index: PeopleIndex) -> None:
        """Begin to read an index, unless it was read before or another one is being read."""
        with self._lock:
            if (self._last is not None and self._last() is index) or (
                self._thread is not None and self._thread.is_alive()
            ):
                return
            self._last = weakref.ref(index)
            self._thread = threading.Thread(target=_read, args=(index,), name="par-resident", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait until nothing is being read."""
        thread = self._thread
        if thread is not None:
            thread.join(_LONGEST_S)


def _read(index: PeopleIndex) -> None:
    with contextlib.suppress(ParError):  # it was erased meanwhile: the next version is read
        index.read_resident()
