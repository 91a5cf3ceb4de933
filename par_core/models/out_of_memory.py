"""Errors of networks that mean one thing: memory ran out, on the machine or on its GPU.

Libraries report it as different types. PyTorch raises ``torch.OutOfMemoryError`` for a GPU, a RuntimeError of
its allocator for the CPU, and a RuntimeError with a status of cuBLAS or cuDNN where these allocate; OpenVINO
wraps ``std::bad_alloc``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from par_core.errors import TransientError

__all__ = ["give_back_gpu_memory", "is_out_of_memory", "out_of_memory_may_pass"]

_SAID: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "bad_alloc",
    "bad allocation",
    "_status_alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a network says that memory ran out. It tells nothing about the picture then: the
    same call may succeed when other processes hold less, or with fewer pictures.
    """
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _SAID)


def give_back_gpu_memory() -> None:
    """Return the GPU memory that PyTorch holds for later to the device; does nothing without CUDA."""
    torch = sys.modules.get("torch")  # importing it here would cost a second where nothing uses it
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


@contextmanager
def out_of_memory_may_pass(where: str) -> Iterator[None]:
    """Turn a lack of memory within a block into an error that is tried again.

    Args:
        where: What the block works on, for the message.

    Raises:
        TransientError: Memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TransientError(f"out of memory in {where}") from error
