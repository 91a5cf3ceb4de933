"""Reading an index into memory while questions go on."""

import logging
import threading
import weakref
from typing import Final

from par_core.errors import IndexChangedError, ParError
from par_core.store.lance import PeopleIndex, time_order

__all__ = ["ResidentReader"]

_log = logging.getLogger(__name__)
_LONGEST_S: Final = 600.0  # of a wait
_APART_FROM: Final = 20_000  # people; fewer are read sooner than a process starts


class ResidentReader:
    """Reads versions of an index into memory, one at a time and each once: large ones in a process of their
    own, small ones in a thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: weakref.ref[PeopleIndex] | None = None  # lets go of a version that nobody reads any more

    def read_soon(self, index: PeopleIndex) -> None:
        """Begin to read an index, unless it was read before or another one is being read."""
        with self._lock:
            if (self._last is not None and self._last() is index) or self.is_reading:
                return
            self._last = weakref.ref(index)
            self._thread = threading.Thread(target=_read, args=(index,), name="par-resident", daemon=True)
            self._thread.start()

    @property
    def is_reading(self) -> bool:
        """Whether an index is being read."""
        return self._thread is not None and self._thread.is_alive()

    def has_read(self, index: PeopleIndex) -> bool:
        """Whether an index was read, as far as its files allow it."""
        return self._last is not None and self._last() is index and not self.is_reading

    def wait(self, seconds: float = _LONGEST_S) -> None:
        """Wait until nothing is being read, for some seconds at most."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)


def _read(index: PeopleIndex) -> None:
    try:
        if len(index) >= _APART_FROM:
            index.read_resident_apart()
        else:
            index.read_resident()
        if index.resident is not None:
            time_order(index.resident)  # so that the first look at the newest people is as quick as the next
    except IndexChangedError:  # the next version is read
        pass
    except (ParError, OSError) as error:
        _log.warning("%s; LanceDB answers instead, slower", error)
