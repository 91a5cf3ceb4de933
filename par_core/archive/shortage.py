"""Lack of memory or of file descriptors: trouble of the machine that may pass, and says nothing of the file
that was read meanwhile.
"""

import errno
from typing import Final

import numpy as np

__all__ = ["can_allocate", "is_shortage"]

_SHORTAGES: Final = frozenset([errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS])


def is_shortage(error: BaseException) -> bool:
    """Whether the machine lacks something, so that the file may be as it should be."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORTAGES)


def can_allocate(n_bytes: int) -> bool:
    """Whether this process is given so many bytes of memory; they are returned at once, and none is written
    to.
    """
    try:
        np.empty(n_bytes, np.uint8)
    except MemoryError:
        return False
    return True
