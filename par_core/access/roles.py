"""Roles: each role may do what the role before it may, and more.

metrics   read the metrics of a server, and see nothing of the archive
search    also search the archive and see the hits
reviewer  also review: judge proposed people, which is saved in the store
admin     also read the audit log
"""

from enum import StrEnum

from par_core.errors import BadConfigError

__all__ = ["Role"]

_BEFORE = {"judge": "reviewer"}  # names of roles in tokens of the previous release


class Role(StrEnum):
    """Role of a caller; in ascending order."""

    METRICS = "metrics"
    SEARCH = "search"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    @classmethod
    def _missing_(cls, value: object) -> "Role | None":
        return cls(_BEFORE[value]) if isinstance(value, str) and value in _BEFORE else None

    @classmethod
    def named(cls, name: str) -> "Role":
        """Return the role of a name, which may be a name of the previous release.

        Raises:
            BadConfigError: There is no such role.
        """
        try:
            return cls(name)
        except ValueError as error:
            raise BadConfigError(f"no role {name!r}; there are: {', '.join(cls)}") from error

    def includes(self, needed: "Role") -> bool:
        """Return whether a caller of this role may do what the needed role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
