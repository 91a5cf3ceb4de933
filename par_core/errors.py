"""Every error that PAR raises on purpose.

    ParError
    ├── BadConfigError            a setting is wrong; raised before any work starts (exit code 2)
    │   ├── WeightsError          a weights file is missing, damaged, or not the one expected
    │   └── FilterError           a ``--where`` filter does not parse or names an unknown column
    ├── BadInputError             a contract is broken (schema, shape, count); stops the shard
    │   └── UnreadableImageError  one image cannot be used; becomes a row with ``status``
    ├── StoreError                the store is missing, of another format, or inconsistent
    │   ├── FingerprintError      the store was written with other models than the query's
    │   └── IndexChangedError     the version of the index that is being read was erased meanwhile
    ├── TransientError            storage or memory trouble; the task may be tried again
    └── WorkerLostError           the process that worked on a shard was lost; others may get its halves

Wrong *settings* raise before work starts, wrong *items* become rows with a status, broken *contracts*
stop the shard, and the class alone decides whether a task is retried.
"""

from par_core.status import Status

__all__ = [
    "BadConfigError",
    "BadInputError",
    "FilterError",
    "FingerprintError",
    "IndexChangedError",
    "ParError",
    "StoreError",
    "TransientError",
    "UnreadableImageError",
    "WeightsError",
    "WorkerLostError",
]


class ParError(Exception):
    """Base of all errors that PAR raises on purpose."""


class BadConfigError(ParError):
    """A setting is wrong."""


class WeightsError(BadConfigError):
    """A weights file is missing, damaged, or not the one expected."""


class FilterError(BadConfigError):
    """A filter expression does not parse, or names an unknown column."""


class BadInputError(ParError):
    """A contract between two parts of PAR is broken."""


class UnreadableImageError(BadInputError):
    """One image cannot be used.

    Args:
        status: The reason, as stored in the ``status`` column.
        message: One plain sentence for the ``message`` column.
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def __reduce__(self) -> tuple[type["UnreadableImageError"], tuple[Status, str]]:
        return type(self), (self.status, self.message)


class StoreError(ParError):
    """The store is missing, of another format, or inconsistent."""


class FingerprintError(StoreError):
    """The store was written with other models than the query's."""


class IndexChangedError(StoreError):
    """The version of the index that is being read was erased meanwhile, as when somebody is forgotten. The
    newest version can be read.
    """


class TransientError(ParError):
    """Storage, network or memory trouble that may pass."""


class WorkerLostError(ParError):
    """The process that worked on a task was killed, or cannot be reached any more."""
