"""Keeping the memory that a process frees, instead of giving it back to the kernel and taking it again."""

import ctypes
from typing import Final

__all__ = ["keep_freed_memory"]

#: Options of glibc's mallopt(3): one arena, no memory of its own for large blocks, no giving back, and growth
# in large steps.
_OPTIONS: Final = {-8: 1, -4: 0, -1: -1, -2: 256 * 2**20}


def keep_freed_memory() -> bool:
    """Let this process's allocator keep what it frees; returns whether the C library can.

    A training step on a CPU frees gigabytes of activations and wants them back in the next. By default glibc
    maps every large block again, and the kernel clears it page by page: it took up to half of a step's time.
    """
    libc = ctypes.CDLL(None)
    return hasattr(libc, "mallopt") and all(
        libc.mallopt(option, value) == 1 for option, value in _OPTIONS.items()
    )
