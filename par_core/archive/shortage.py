"""Lack of memory or of file descriptors: trouble of the machine that may pass, and says nothing of a file."""

import errno
from typing import Final

import numpy as np

from par_core.errors import TransientError

__all__ = ["can_allocate", "raise_shortage"]

_SHORTAGES: Final = frozenset([errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS])


def raise_shortage(error: Exception) -> None:
    """Nothing, unless an error says that the machine lacks something.

    Raises:
        TransientError: It does; the file may be as it should be.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORTAGES):
        raise TransientError(f"the machine is short of something: {str(error) or 'out of memory'}") from error


def can_allocate(n_bytes: int) -> bool:
    """Whether this process can have so many bytes of memory; they are freed at once, and none is written to."""
    try:
        np.empty(n_bytes, np.uint8)
    except MemoryError:
        return False
    return True
