"""Tokens, by which callers authenticate. They are kept as ``access/tokens.json`` in the store, which only its
owner may read.

A token is 256 random bits, shown once, when it is made. The file holds its SHA-256 only. A fast hash without
salt is right here, though it would be wrong for a password: a slow, salted hash protects passwords because
people choose them and they can be guessed. 256 random bits cannot be guessed, however fast the hash is, and
no two tokens are equal, so a salt would add nothing. A fast hash also keeps each request cheap.
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
_PREFIX: Final = "par_"  # so that secret scanners of repositories and logs recognise a token
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Token:
    """Stored entry of a token.

    Attributes:
        name: Name of the person or program it was made for; the audit log shows it.
        role: Role of its bearer.
        created_at: ISO time (UTC).
        expires_at: ISO time (UTC) from which it is refused, or None.
        sha256: SHA-256 of the token, hexadecimal.
    """

    name: str
    role: Role
    created_at: str
    expires_at: str | None
    sha256: str

    def expired(self, now: datetime) -> bool:
        """Return whether the token has expired."""
        return self.expires_at is not None and now >= datetime.fromisoformat(self.expires_at)


class TokenFile:
    """The tokens of a store. May be shared by threads; several processes may change it at once.

    Args:
        path: ``access/tokens.json`` of the store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # inode, time and size of the file when last read, and its tokens
        self._read: tuple[tuple[int, int, int], tuple[Token, ...]] | None = None

    def exists(self) -> bool:
        """Return whether a token was ever made, revoked and expired ones included.

        Raises:
            StoreError: The file belongs to another user.
        """
        with self._within_reach():
            try:
                # not exists(): an unreadable file or a broken link must not count as "no tokens"
                self.path.lstat()
            except FileNotFoundError:
                return False
            return True

    def all(self) -> tuple[Token, ...]:
        """Return every token that is not revoked, by name. The file is read again only when it has changed.

        Raises:
            StoreError: The file is damaged, belongs to another user, or users other than its owner may write
                to it.
        """
        with self._within_reach():
            try:
                status = self.path.stat()
            except FileNotFoundError:
                return ()
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise StoreError(
                    f"others may write to {self.path}, and so let anybody in; look at it, then: chmod 600"
                    f" {self.path}"
                )
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._read
            if known is None or known[0] != version:
                known = self._read = (version, self._load())
            return known[1]

    def add(self, name: str, role: Role, expires_in_days: int | None = None) -> str:
        """Make a token.

        Args:
            name: Name of the bearer: up to 64 letters, digits, dots, dashes, underscores and ``@``; no two
                tokens share one.
            role: Role of the bearer.
            expires_in_days: Days from now, at least 1; None is never.

        Returns:
            The token. It is not stored and cannot be shown again.

        Raises:
            BadConfigError: The name is taken or holds other characters, or the days are out of range.
            StoreError: The file is damaged or belongs to another user.
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
        """Delete a token, which is refused from now on.

        Raises:
            BadConfigError: There is no token of that name.
            StoreError: The file is damaged or belongs to another user.
        """
        with self._within_reach(), locked(self._lock):
            kept = self._load()
            if all(token.name != name for token in kept):
                raise BadConfigError(
                    f"no token for {name!r}; there are: {', '.join(token.name for token in kept) or 'none'}"
                )
            self._save(tuple(token for token in kept if token.name != name))

    def find(self, secret: str) -> Token | None:
        """Return the entry of a token, or None if it is unknown, revoked or expired.

        It is compared in constant time with every stored token, so that the time of a refusal reveals nothing
        about them.
        """
        digest, now, match = _sha256(secret), datetime.now(UTC), None
        for token in self.all():
            if hmac.compare_digest(token.sha256, digest):
                match = token
        return None if match is None or match.expired(now) else match

    @contextlib.contextmanager
    def _within_reach(self) -> Iterator[None]:
        """Turn a refusal by the operating system into one line that says which user to ask."""
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
                token.expired(datetime.now(UTC))  # fails on an invalid time
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
