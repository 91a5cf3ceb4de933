"""Modules that something else stands for while another module is imported."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

__all__ = ["standing_in"]


@contextmanager
def standing_in(name: str, module: ModuleType | None) -> Iterator[None]:
    """Let what is imported in the block get something else for a module. Does nothing where the module is
    imported already; whoever imports it after the block gets the module.

    Args:
        name: Name of the module.
        module: What stands for it; None makes importing it fail, as if it were not installed.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
