"""PAR makes very large image archives searchable by what the people in them look like.

>>> import par_core as par
>>> archive = par.open("store")
>>> archive.index("photos/")  # doctest: +SKIP
>>> hits = archive.search("a woman in a red coat", top=20)  # doctest: +SKIP

Importing this package loads none of the models or databases; each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from par_core.version import __version__

if TYPE_CHECKING:
    from par_core.api import Archive, open
    from par_core.errors import (
        BadConfigError,
        FilterError,
        FingerprintError,
        ParError,
        StoreError,
        TransientError,
        WeightsError,
    )
    from par_core.export.folder import ExportReport
    from par_core.query.answer import Hit
    from par_core.query.notebook import Results
    from par_core.serve.problems import GoneError, UnknownIdError
    from par_core.stages.here import IndexSummary
    from par_core.store.status_file import StatusReport

__all__ = [
    "Archive",
    "BadConfigError",
    "ExportReport",
    "FilterError",
    "FingerprintError",
    "GoneError",
    "Hit",
    "IndexSummary",
    "ParError",
    "Results",
    "StatusReport",
    "StoreError",
    "TransientError",
    "UnknownIdError",
    "WeightsError",
    "__version__",
    "open",
]

_HOMES: Final = {
    "Archive": "par_core.api",
    "open": "par_core.api",
    "ExportReport": "par_core.export.folder",
    "GoneError": "par_core.serve.problems",
    "Hit": "par_core.query.answer",
    "IndexSummary": "par_core.stages.here",
    "Results": "par_core.query.notebook",
    "StatusReport": "par_core.store.status_file",
    "UnknownIdError": "par_core.serve.problems",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "par_core.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
