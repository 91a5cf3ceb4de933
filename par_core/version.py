"""The version of PAR, and those of other packages."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

__all__ = ["__version__", "installed_versions"]

__version__: Final = "0.1.0"


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those of some packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    versions = dict[str, str]()
    for name in packages:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
