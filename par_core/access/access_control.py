"""The one object that a server, a command or a flow holds: who is it, may they, write it down.

access = Access.open(store_root, keep_days=365)
caller = access.who(token)                     # None: not let in
if not caller.may(Role.REVIEWER): ...
with access.recording(caller, "search", "a red coat", how="api", source="10.0.0.7") as found:
    found.count = len(answer.hits)             # on the disk when the block ends, failed or not
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
from par_core.config import store_folder
from par_core.errors import BadConfigError, StoreError

__all__ = ["KEEP_DAYS", "Access", "Caller", "Found", "question_text"]

KEEP_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in.

    Attributes:
        name: Of the token, or of the user of the operating system.
        role: What they may do.
    """

    name: str
    role: Role

    @classmethod
    def local(cls) -> "Caller":
        """The user of the operating system who runs this process: may do everything, for the files are
        theirs.
        """
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container may run under a number that has no name
            name = f"uid-{os.getuid()}"
        return cls(name, Role.ADMIN)

    def may(self, role: Role | str) -> bool:
        """Whether the caller may do what a role may.

        Raises:
            BadConfigError: There is no such role.
        """
        return self.role.includes(Role.named(role))


@dataclass(slots=True)
class Found:
    """What a recorded block found; filled in by the block.

    Attributes:
        count: Of what was given, such as hits; None where nothing was.
    """

    count: int | None = None


class Access:
    """Tokens and audit log of a store.

    Args:
        root: Folder of the store.
        keep_days: For how long the audit log is kept.
    """

    def __init__(self, root: Path, keep_days: int = KEEP_DAYS) -> None:
        self.tokens = TokenFile(root / "access" / "tokens.json")
        self.log = AuditLog(root / "access" / "audit", keep_days)

    @classmethod
    def open(cls, root: Path, keep_days: int = KEEP_DAYS) -> "Access":
        """Of a store that is there.

        Raises:
            BadConfigError: There is no store.
        """
        if not (store_folder(root) / "store.json").is_file():
            raise BadConfigError(f"no store at {root}; make one with: par index SOURCE --store {root}")
        return cls(root, keep_days)

    def has_tokens(self) -> bool:
        """Whether callers must show a token. Once one was made this stays so, also when the last is revoked:
        a revocation must not open the door.
        """
        return self.tokens.exists()

    def who(self, token: str | None) -> Caller | None:
        """The caller who shows a token; None if there is none, or it is unknown, revoked or expired.

        Raises:
            StoreError: The file of tokens is damaged: nobody is let in.
        """
        found = self.tokens.find(token) if token else None
        return None if found is None else Caller(found.name, found.role)

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
        """Write down what a caller did; on the disk when this returns.

        Args:
            caller: Who.
            action: ``search``, ``picture``, ``export``, ...
            what: The question as asked, of any characters; cut after 4,000.
            count: Of what was given, or None.
            how: ``cli``, ``python``, ``flow``, ``api`` or ``page``.
            source: Address of the caller; None is this host's name.
            status: ``ok``, ``refused`` or the name of an error.

        Raises:
            StoreError: It cannot be written; then nothing may be answered.
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
    ) -> Iterator[Found]:
        """Record a block when it ends: ``ok`` with the count that it has set, or the name of the error that
        it raised, which goes on.

        Args:
            caller: Who.
            action: See ``record``.
            what: See ``record``.
            how: See ``record``.
            source: See ``record``.
            unrecorded: Is told why the block could not be recorded, and the answer is given all the same. For
                commands only: their users can read the files of the store without PAR, so to refuse them
                would keep nothing from them, and a store may be mounted read-only.

        Raises:
            StoreError: The block is done and cannot be recorded; its answer must not be given.
        """
        found, status = Found(), "ok"
        try:
            yield found
        except Exception as error:
            found.count, status = None, type(error).__name__
            raise
        finally:
            try:
                self.record(caller, action, what, found.count, how=how, source=source, status=status)
            except StoreError as error:
                if unrecorded is None:
                    raise
                unrecorded(f"warning: not in the audit log: {error}")


def question_text(text: str | None, image: Path | None, where: str | None) -> str:
    """One question in the words of the audit log.

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
