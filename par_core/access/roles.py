"""Roles: each may do what the one before it may, and more.

search    search the archive and see the people who were found
reviewer  also review: answer who of the proposed people fits, which is kept in the store
admin     also read the audit log: who asked what
"""

from enum import StrEnum

from par_core.errors import BadConfigError

__all__ = ["Role"]

_BEFORE = {"judge": "reviewer"}  # names in the release before, as tokens of that time have them


class Role(StrEnum):
    """What a caller may do; in ascending order."""

    SEARCH = "search"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    @classmethod
    def _missing_(cls, value: object) -> "Role | None":
        return cls(_BEFORE[value]) if isinstance(value, str) and value in _BEFORE else None

    @classmethod
    def named(cls, name: str) -> "Role":
        """The role of a name; names of the release before this one count.

        Raises:
            BadConfigError: There is no such role.
        """
        try:
            return cls(name)
        except ValueError as error:
            raise BadConfigError(f"no role {name!r}; there are: {', '.join(cls)}") from error

    def includes(self, needed: "Role") -> bool:
        """Whether a caller of this role may do what the needed role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
