"""lancedb without the checks of the package ``overrides``.

On Python 3.11 lancedb marks its methods with that package. For every mark it disassembles the code that
defines the class, to find the names of its bases: a quarter of the import of PAR's index. On later versions
lancedb uses ``typing.override``, which does nothing, like the stand-in here.
"""

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Final, TypeVar

from par_core.module_stand_ins import standing_in

__all__ = ["overrides_unchecked"]

_PACKAGE: Final = "overrides"
_Method = TypeVar("_Method")


def overrides_unchecked() -> AbstractContextManager[None]:
    """Let what is imported in the block mark its methods without a check; see ``standing_in``."""
    return standing_in(_PACKAGE, _StandIn(_PACKAGE))


class _Unchecked:
    """Base of classes whose methods are not checked."""


class _StandIn(ModuleType):
    EnforceOverrides = _Unchecked

    @staticmethod
    def override(method: _Method) -> _Method:
        return method
