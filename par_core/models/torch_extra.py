"""PyTorch and the libraries on it, which come with the extra ``torch``: only the ``clip`` profile, CUDA
devices and training need them.
"""

import importlib.util
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["LIBRARIES", "has_torch", "needs_torch", "require_torch"]

#: Names of the modules that the extra brings.
LIBRARIES: Final = ("torch", "torchvision", "timm", "open_clip")


def has_torch() -> bool:
    """Whether the extra is installed."""
    return all(importlib.util.find_spec(name) is not None for name in LIBRARIES)


def require_torch(what: str) -> None:
    """Refuse what cannot be done without the extra.

    Args:
        what: What needs it, such as ``the clip profile``.

    Raises:
        BadConfigError: The extra is not installed; names in one line what to install.
    """
    if not has_torch():
        raise BadConfigError(needs_torch(what))


def needs_torch(what: str) -> str:
    """Return the line that says what to install."""
    return f"{what} needs PyTorch: pip install 'par-search[torch]'"
