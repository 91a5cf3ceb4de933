"""Tokens: what a caller shows to be let in. Kept as ``access/tokens.json`` in the store, readable by its
owner alone.

A token is 256 random bits, shown once, when it is made. The file holds its SHA-256 only. That is right here,
where it would be wrong for a password: a slow, salted hash protects what people choose, because that can be
guessed; 256 random bits cannot be, however quick the hash is, and no two tokens are equal, so a salt would
tell apart what differs already. A quick hash also keeps each request cheap.
"""

import contextlib
import hashlib
import hmac
import json
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from par_core.access.files import locked, write_private
from par_core.access.roles import Role
from par_core.errors import BadConfigError, StoreError

__all__ = ["Token", "TokenFile"]

_BITS: Final = 256
_PREFIX: Final = "par_"  # so that scanners of repositories and logs know one when they see it
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token.

    Attributes:
        name: Of the person or program it was made for; the audit log shows it.
        role: What its bearer may do.
        created_at: ISO time (UTC).
        expires_at: ISO time (UTC) from which it is refused, or None.
        sha256: Of the token, hexadecimal.
    """

    name: str
    role: Role
    created_at: str
    expires_at: str | None
    sha256: str

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= datetime.fromisoformat(self.expires_at)


class TokenFile:
    """The tokens of a store. May be shared by threads; several processes may change it at once.

    Args:
        path: ``access/tokens.json`` of the store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # the file as last seen: inode, time, size
        self._read: tuple[tuple[int, int, int], tuple[Token, ...]] | None = None

    def exists(self) -> bool:
        """Whether a token was ever made, revoked and expired ones included.

        Raises:
            StoreError: The file belongs to somebody else.
        """
        with self._within_reach():
            try:
                # not exists(): what cannot be looked at, and a link to nowhere, must not open the door
                self.path.lstat()
            except FileNotFoundError:
                return False
            return True

    def all(self) -> tuple[Token, ...]:
        """Every token that is not revoked, by name; read again only when the file has changed.

        Raises:
            StoreError: The file is damaged, belongs to somebody else, or others than its owner may write to
                it.
        """
        with self._within_reach():
            try:
                found = self.path.stat()
            except FileNotFoundError:
                return ()
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise StoreError(
                    f"others may write to {self.path}, and so let anybody in; look at it, then: chmod 600"
                    f" {self.path}"
                )
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            known = self._read
            if known is None or known[0] != seen:
                known = self._read = (seen, self._load())
            return known[1]

    def add(self, name: str, role: Role, expires_in_days: int | None = None) -> str:
        """Make a token.

        Args:
            name: Of the bearer: up to 64 letters, digits, dots, dashes, underscores and ``@``; no two tokens
                share one.
            role: What the bearer may do.
            expires_in_days: From now, at least 1; None is never.

        Returns:
            The token. It is kept nowhere and cannot be shown again.

        Raises:
            BadConfigError: The name is taken or holds other characters, or the days are out of range.
            StoreError: The file is damaged or belongs to somebody else.
        """
        if not _NAME.fullmatch(name):
            raise BadConfigError(
                f"no name for a token: {name!r}; take up to 64 letters, digits, dots, dashes, underscores and"
                " @, such as anna or gate-3@night"
            )
        if expires_in_days is not None and not 1 <= expires_in_days <= 36_500:
            raise BadConfigError(f"a token expires in 1 to 36500 days, not in {expires_in_days}")
        secret = _PREFIX + secrets.token_urlsafe(_BITS // 8)
        now = datetime.now(UTC)
        ends = (
            None
            if expires_in_days is None
            else (now + timedelta(days=expires_in_days)).isoformat(timespec="seconds")
        )
        token = Token(name, role, now.isoformat(timespec="seconds"), ends, _sha256(secret))
        with self._within_reach(), locked(self._lock):
            kept = self._load()
            if any(other.name == name for other in kept):
                raise BadConfigError(
                    f"there is a token for {name} already; revoke it first: par tokens revoke {name}"
                )
            self._save((*kept, token))
        return secret

    def revoke(self, name: str) -> None:
        """Refuse a token from now on.

        Raises:
            BadConfigError: There is no token of that name.
            StoreError: The file is damaged or belongs to somebody else.
        """
        with self._within_reach(), locked(self._lock):
            kept = self._load()
            if all(token.name != name for token in kept):
                raise BadConfigError(
                    f"no token for {name!r}; there are: {', '.join(token.name for token in kept) or 'none'}"
                )
            self._save(tuple(token for token in kept if token.name != name))

    def find(self, secret: str) -> Token | None:
        """The token that was shown, or None if it is unknown, revoked or expired.

        Compared in constant time with every token there is, so that the time of a refusal tells nothing about
        them.
        """
        shown, now, found = _sha256(secret), datetime.now(UTC), None
        for token in self.all():
            if hmac.compare_digest(token.sha256, shown):
                found = token
        return None if found is None or found.expired(now) else found

    @contextlib.contextmanager
    def _within_reach(self) -> Iterator[None]:
        """Turn what the operating system refuses into one line that says whom to ask."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.path} is out of reach ({error.strerror}): tokens belong to the user of the system who"
                " made the first one"
            ) from error

    @property
    def _lock(self) -> Path:
        return self.path.with_suffix(".lock")

    def _load(self) -> tuple[Token, ...]:
        try:
            content = json.loads(self.path.read_bytes())
            tokens = tuple(Token(**{**entry, "role": Role(entry["role"])}) for entry in content["tokens"])
            for token in tokens:
                token.expired(datetime.now(UTC))  # fails on a time that is none
            return tokens
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.path} is damaged ({error}); nobody is let in; delete it and make new tokens with: par"
                " tokens add"
            ) from error

    def _save(self, tokens: tuple[Token, ...]) -> None:
        content = {
            "format": 1,
            "tokens": [asdict(token) for token in sorted(tokens, key=lambda token: token.name)],
        }
        write_private(self.path, json.dumps(content, indent=1).encode())


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
