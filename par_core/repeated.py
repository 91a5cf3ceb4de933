"""Work that is repeated beside other work."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["repeated"]


@contextlib.contextmanager
def repeated(work: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call a function at once, and again every few seconds while the block runs, in a thread of its own. The
    thread ends with the block.

    Args:
        work: The function; it must raise nothing.
        every_s: Seconds between the end of one call and the next.
    """
    over = threading.Event()

    def keep() -> None:
        work()
        while not over.wait(every_s):
            work()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
