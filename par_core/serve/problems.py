"""Errors of requests, each with its HTTP status. :func:`problem_of` gives one to the errors of the rest of
PAR.

ServeError
├── UnauthorizedError   401  no token, or one that is not valid
├── ForbiddenError      403  the token's role may not do this, or the request comes from another site
├── UnknownIdError      404  no person in the index has this id
├── GoneError           410  the file is not there any more, or is another one now
├── TooLargeError       413  the body is larger than is taken
├── TooManyError        429  the client asks more often than is allowed
├── NotReadyError       503  there are no people in the index yet
├── BusyError           503  too many requests wait already
└── TooSlowError        504  the answer took longer than is allowed
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from par_core.errors import (
    BadConfigError,
    FilterError,
    FingerprintError,
    ParError,
    StoreError,
    TransientError,
    UnreadableImageError,
    WeightsError,
)

__all__ = [
    "UNKNOWN_CALLER",
    "BadParameterError",
    "BusyError",
    "ForbiddenError",
    "GoneError",
    "NotReadyError",
    "Problem",
    "ServeError",
    "TooLargeError",
    "TooManyError",
    "TooSlowError",
    "UnauthorizedError",
    "UnknownIdError",
    "problem_of",
]

UNKNOWN_CALLER: Final = (
    "a valid token is needed; ask the person who runs this server for one (made with: par tokens add)"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """The answer to a request that failed.

    Attributes:
        status: HTTP status.
        kind: One word for programs, such as ``bad_query``.
        message: One or more lines for people; a line with ``^`` points to a place in the line before.
        retry_after: Seconds after which it may work, or None.
    """

    status: int
    kind: str
    message: str
    retry_after: int | None = None


class ServeError(ParError):
    """A request that failed."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    retry_after: ClassVar[int | None] = None


class UnauthorizedError(ServeError):
    """No token, or one that is not valid."""

    status, kind = 401, "unauthorized"


class ForbiddenError(ServeError):
    """The token's role may not do this, or the request comes from another site."""

    status, kind = 403, "forbidden"


class UnknownIdError(ServeError):
    """Nothing has this id or name: no person, image or saved search."""

    status, kind = 404, "unknown_id"


class GoneError(ServeError):
    """The file is not there any more, or is another one now."""

    status, kind = 410, "gone"


class TooLargeError(ServeError):
    """The body is larger than is taken."""

    status, kind = 413, "too_large"


class BadParameterError(ServeError):
    """A parameter is given twice, or there is none of that name."""

    status, kind = 422, "bad_parameter"


class TooManyError(ServeError):
    """The client asks more often than is allowed."""

    status, kind, retry_after = 429, "too_many", 5


class NotReadyError(ServeError):
    """There are no people in the index yet."""

    status, kind, retry_after = 503, "not_ready", 60


class BusyError(ServeError):
    """Too many requests wait already."""

    status, kind, retry_after = 503, "busy", 2


class TooSlowError(ServeError):
    """The answer took longer than is allowed."""

    status, kind = 504, "too_slow"


_KINDS: dict[type[ParError], tuple[int, str]] = {
    FilterError: (400, "bad_query"),
    WeightsError: (503, "models_missing"),
    BadConfigError: (400, "bad_query"),
    UnreadableImageError: (400, "bad_picture"),
    FingerprintError: (503, "other_embedding"),
    StoreError: (503, "store"),
    TransientError: (503, "busy"),
}
_TRY_AGAIN_S: Final = 10  # after trouble that may pass


def problem_of(error: ParError) -> Problem:
    """Return the problem of an error that PAR raised on purpose."""
    if isinstance(error, ServeError):
        return Problem(error.status, error.kind, str(error), error.retry_after)
    for kind, (status, name) in _KINDS.items():
        if isinstance(error, kind):
            return Problem(status, name, str(error), _TRY_AGAIN_S if kind is TransientError else None)
    return Problem(500, "internal", str(error))
