"""Access control: identify a caller, check the caller's role, and record the action in the audit log.
Servers, commands and flows use it through one object.

access = Access.open(store_root, keep_days=365)
caller = access.caller_of(token)               # None: refused
if not caller.may(Role.REVIEWER): ...
with access.recording(caller, "search", "a red coat", how="api", source="10.0.0.7") as outcome:
    outcome.count = len(answer.hits)           # on the disk when the block ends, failed or not
"""

import contextlib
import os
import pwd
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from par_core.access.audit_log import AuditLog, Event
from par_core.access.roles import Role
from par_core.access.tokens import TokenFile
from par_core.errors import BadConfigError, StoreError
from par_core.object_store.places import copy_of
from par_core.store_folder import store_folder

__all__ = ["KEEP_DAYS", "Access", "Caller", "Outcome", "question_text"]

KEEP_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated person or program.

    Attributes:
        name: Name of the token, or of the user of the operating system.
        role: Role, which says what the caller may do.
    """

    name: str
    role: Role

    @classmethod
    def local(cls) -> "Caller":
        """Return the user of the operating system who runs this process. This caller may do everything,
        because the user can read the files anyway.
        """
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run under a user id without a name
            name = f"uid-{os.getuid()}"
        return cls(name, Role.ADMIN)

    def may(self, role: Role | str) -> bool:
        """Return whether the caller may do what a role may.

        Raises:
            BadConfigError: There is no such role.
        """
        return self.role.includes(Role.named(role))


@dataclass(slots=True)
class Outcome:
    """Outcome of a recorded action; the block that carries out the action sets it.

    Attributes:
        count: Number of items returned to the caller, such as hits; None for an action
            that failed or has no items.
    """

    count: int | None = None


class Access:
    """Tokens and audit log of a store.

    Args:
        root: Folder of the store.
        keep_days: Days for which the audit log is kept.
    """

    def __init__(self, root: Path, keep_days: int = KEEP_DAYS) -> None:
        self.tokens = TokenFile(root / "access" / "tokens.json")
        self.log = AuditLog(root / "access" / "audit", keep_days)

    @classmethod
    def open(cls, root: Path, keep_days: int = KEEP_DAYS) -> "Access":
        """Open access control of an existing store.

        Raises:
            BadConfigError: There is no store.
        """
        folder = store_folder(root)
        copy = copy_of(folder)
        if copy is not None:
            copy.open()
        if not (folder / "store.json").is_file():
            raise BadConfigError(f"no store at {root}; make one with: par index SOURCE --store {root}")
        return cls(folder, keep_days)

    def has_tokens(self) -> bool:
        """Return whether callers must show a token. Once a token was made this stays True, even when the last
        one is revoked: a revocation must not open the store to all.
        """
        return self.tokens.exists()

    def caller_of(self, token: str | None) -> Caller | None:
        """Return the caller who shows a token; None without a token, or if it is unknown, revoked or expired.

        Raises:
            StoreError: The file of tokens is damaged: every caller is refused.
        """
        entry = self.tokens.find(token) if token else None
        return None if entry is None else Caller(entry.name, entry.role)

    def record(
        self,
        caller: Caller,
        action: str,
        what: str,
        count: int | None = None,
        *,
        how: str = "cli",
        source: str | None = None,
        status: str = "ok",
    ) -> None:
        """Record an action of a caller in the audit log; it is on the disk when this returns.

        Args:
            caller: The caller.
            action: ``search``, ``picture``, ``export``, ...
            what: The question as the caller wrote it, with any characters; cut after 4,000.
            count: Number of items returned to the caller, or None.
            how: ``cli``, ``python``, ``flow``, ``api`` or ``page``.
            source: Address of the caller; None is this host's name.
            status: ``ok``, ``refused`` or the name of an error.

        Raises:
            StoreError: The log cannot be written; then the action must not be answered.
        """
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        self.log.append(
            Event(
                at,
                caller.name,
                how,
                socket.gethostname() if source is None else source,
                action,
                what,
                count,
                status,
            )
        )

    @contextlib.contextmanager
    def recording(
        self,
        caller: Caller,
        action: str,
        what: str,
        *,
        how: str = "cli",
        source: str | None = None,
        unrecorded: Callable[[str], None] | None = None,
    ) -> Iterator[Outcome]:
        """Record the action of a block when the block ends: ``ok`` with the count that it set, or the name of
        the error that it raised, which is raised further.

        Args:
            caller: See ``record``.
            action: See ``record``.
            what: See ``record``.
            how: See ``record``.
            source: See ``record``.
            unrecorded: Called with the reason if the action cannot be recorded; no error is raised then. For
                commands only: their users can read the files of the store without PAR, so refusing them
                would protect nothing, and a store may be mounted read-only.

        Raises:
            StoreError: The action is done but cannot be recorded; it must not be answered.
        """
        outcome, status = Outcome(), "ok"
        try:
            yield outcome
        except Exception as error:
            outcome.count, status = None, type(error).__name__
            raise
        finally:
            try:
                self.record(caller, action, what, outcome.count, how=how, source=source, status=status)
            except StoreError as error:
                if unrecorded is None:
                    raise
                unrecorded(f"warning: not in the audit log: {error}")


def question_text(text: str | None, image: Path | None, where: str | None) -> str:
    """Return a question as the audit log shows it.

    >>> question_text("a red coat", None, "hat and height_px > 100")
    'a red coat; where: hat and height_px > 100'
    """
    return "; ".join(
        [
            *([text] if text else []),
            *([f"image: {image}"] if image else []),
            *([f"where: {where}"] if where else []),
        ]
    )
