"""lancedb without the checks of the package ``overrides``.

On Python 3.11 lancedb marks its methods with that package. For every mark it disassembles the code that
defines the class, to find the names of its bases: a quarter of the import of PAR's index. On later versions
lancedb uses ``typing.override``, which does nothing, like the stand-in here.
"""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Final, TypeVar

__all__ = ["overrides_unchecked"]

_PACKAGE: Final = "overrides"
_Method = TypeVar("_Method")


@contextlib.contextmanager
def overrides_unchecked() -> Iterator[None]:
    """Let what is imported in the block mark its methods without a check.

    Does nothing where the package is imported already. Whoever imports it after the block gets the package.
    """
    if _PACKAGE in sys.modules:
        yield
        return
    sys.modules[_PACKAGE] = _StandIn(_PACKAGE)
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]


class _Unchecked:
    """Base of classes whose methods are not checked."""


class _StandIn(ModuleType):
    EnforceOverrides = _Unchecked

    @staticmethod
    def override(method: _Method) -> _Method:
        return method
