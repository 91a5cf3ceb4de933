"""Roles: each may do what the one before it may, and more.

search    ask the archive and see who was found
judge     also hunt: judge who is proposed, which is kept in the store
admin     also read the audit log: who asked what
"""

from enum import StrEnum

from par_core.errors import BadConfigError

__all__ = ["Role"]


class Role(StrEnum):
    """What a caller may do; in ascending order."""

    SEARCH = "search"
    JUDGE = "judge"
    ADMIN = "admin"

    @classmethod
    def named(cls, name: str) -> "Role":
        """The role of a name.

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
