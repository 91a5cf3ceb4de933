"""The limit on requests of one client."""

import threading
import time
from collections.abc import Callable
from typing import Final

from par_core.serve.recent import Recent

__all__ = ["Rate"]

_CLIENTS: Final = 10_000  # accounts kept; the client that was quiet longest starts with a full one again


class Rate:
    """An account for each client: it holds as many requests as are allowed a minute, and refills
    continuously.

    Args:
        per_minute: Requests a minute.
        now: Returns seconds of a clock that only goes forward.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._now = now
        self._accounts: Recent[str, tuple[float, float]] = Recent(_CLIENTS)  # requests left, and since when
        self._lock = threading.Lock()

    def take(self, client: str) -> bool:
        """Take one request off a client's account; False if nothing is left."""
        with self._lock:
            now = self._now()
            left, since = self._accounts.get(client) or (self._most, now)
            left = min(self._most, left + (now - since) * self._most / 60)
            self._accounts.put(client, (left - 1 if left >= 1 else left, now))
            return left >= 1
