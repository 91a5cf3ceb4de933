"""The classes of Lance's REST servers, imported when one of them is used.

lancedb imports some 300 pydantic classes of the package ``lance_namespace_urllib3_client``, requests and
answers of a server of tables. PAR reads folders and asks no such server; without the classes a process that
opens an index takes 0.9 CPU seconds and 29 MB less. While lancedb is imported, each of them is a stand-in,
which imports the class itself once it is called or looked into. So lancedb works in full for a program that
uses it beside PAR.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, Final

__all__ = ["rest_classes_on_demand"]

_PACKAGE: Final = "lance_namespace_urllib3_client"


@contextlib.contextmanager
def rest_classes_on_demand() -> Iterator[None]:
    """Import the classes of the REST client that are named in the block when they are first used.

    Does nothing where the package is imported already.
    """
    if _PACKAGE in sys.modules:
        yield
        return
    finder = _StandIns()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _in_package(name)]:
            del sys.modules[name]


class _StandIns(MetaPathFinder, Loader):
    """Finds modules of the package whose names are stand-ins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find any module of the package; it counts as a package, so that it may have modules."""
        return spec_from_loader(fullname, self, is_package=True) if _in_package(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that has every name."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run no code."""


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Class(name, (), {"__module__": self.__name__})


class _Class(type):
    """Type of the stand-ins of classes."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        return cls._itself()(*arguments, **named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):  # Python and typing look for these in every class
            raise AttributeError(name)
        return getattr(cls._itself(), name)

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, cls._itself())

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls._itself())

    def _itself(cls) -> type:
        found: type = getattr(importlib.import_module(cls.__module__), cls.__name__)
        return found


def _in_package(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE
