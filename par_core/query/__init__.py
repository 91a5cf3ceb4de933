"""Questions and answers: filters, search, contact sheets.

For programs and notebooks::

    from par_core.query import search

    search("a man with a red jacket", store="store", top=50)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from par_core.query.notebook import Results, search

__all__ = ["Results", "search"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562), so that importing a part of this package is cheap."""
    if name in __all__:
        from par_core.query import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
