"""How commands that index are stopped."""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from flows.console.lines import say

__all__ = ["stop_on_signals"]


def stop_on_signals() -> None:
    """Install the handlers of Ctrl-C and SIGTERM.

    On Ctrl-C the process ends at once: finished shards are on disk and unfinished ones do not count, so
    nothing needs to be cleaned up. On SIGTERM, which supervisors send, it stops the work and commits the
    finished shards; on a second one it ends at once.
    """
    stopping = False

    def stop(signum: int, _: object) -> NoReturn:
        nonlocal stopping
        say(
            "par: stopped; finished shards are kept. Run the same command again to continue.",
            event="stopped",
            level="warning",
        )
        if signum == signal.SIGTERM and not stopping:
            stopping = True
            raise SystemExit(128 + signum)
        import multiprocessing

        for child in multiprocessing.active_children():  # Dask workers
            child.kill()
        os._exit(128 + signum)

    handler: Callable[[int, Any], NoReturn] = stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)
