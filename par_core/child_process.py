"""What a process does that another one of PAR has started."""

import os
import threading
from typing import Final

__all__ = ["end_with_input"]

_INPUT: Final = 0  # not sys.stdin, whose lock the end of a process waits for


def end_with_input() -> None:
    """End this process at once when its standard input ends: with the process that holds the other end,
    however that one ends.
    """

    def wait() -> None:
        while os.read(_INPUT, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, name="par-parent", daemon=True).start()
