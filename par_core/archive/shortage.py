"""Shortage of memory or of file descriptors: transient trouble of the machine, which says nothing about a
file.
"""

import errno
from typing import Final

import numpy as np

from par_core.errors import TransientError

__all__ = ["can_allocate", "raise_shortage"]

_SHORTAGES: Final = frozenset([errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS])


def raise_shortage(error: Exception) -> None:
    """Raise a transient error if an error means that the machine is short of something; else do nothing.

    Raises:
        TransientError: The machine is short of something; the file may be in order.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SHORTAGES):
        raise TransientError(f"the machine is short of something: {str(error) or 'out of memory'}") from error


def can_allocate(n_bytes: int) -> bool:
    """Whether this process can allocate so many bytes; they are freed at once and never written to."""
    try:
        np.empty(n_bytes, np.uint8)
    except MemoryError:
        return False
    return True
