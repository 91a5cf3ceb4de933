"""The head of a store on an object store: the one object that is replaced.

It names the catalogues of the version that readers see, and the lease of the writer. Every writer replaces it
on the condition that it is still the object that the writer knows, so that of two writers one fails, and a
writer that was cut off cannot commit once another has taken the lease.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from par_core.errors import StoreError, TransientError
from par_core.object_store.client import MissingObjectError, Objects

__all__ = ["HEAD", "Head", "HeadChangedError", "HeadFile", "KnownHead", "Lease"]

HEAD: Final = "head.json"
FORMAT: Final = 1


class HeadChangedError(StoreError):
    """Another writer has replaced the head."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write.

    Attributes:
        holder: Id of the working copy that holds it.
        who: Host and process, for people.
        until: Time (seconds since 1970, by the holder's clock) after which others may take it.
    """

    holder: str
    who: str
    until: float


@dataclass(frozen=True, slots=True)
class Head:
    """The content of the head.

    Attributes:
        store: Random id of the store.
        epoch: How often the lease was taken; names of objects begin with it.
        generation: Number of commits.
        catalogues: Keys of the catalogues, the base first, then the changes in their order.
        changes: Number of files in each of them.
        unswept: Keys of catalogues whose dropped objects may not be deleted yet.
        lease: The lease, or None if nobody writes.
        write: Random text of each replacement, by which a writer knows its own.
    """

    store: str
    epoch: int = 0
    generation: int = 0
    catalogues: tuple[str, ...] = ()
    changes: tuple[int, ...] = ()
    unswept: tuple[str, ...] = ()
    lease: Lease | None = None
    write: str = ""

    def encoded(self) -> bytes:
        """Return it as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()

    @classmethod
    def of(cls, content: bytes, url: str) -> "Head":
        """Read it from JSON.

        Raises:
            StoreError: It is damaged, or of another format.
        """
        try:
            stored: dict[str, Any] = json.loads(content)
            if stored.pop("format") != FORMAT:
                raise StoreError(
                    f"{url} was written by another version of PAR; this one reads format {FORMAT}"
                )
            lease = stored.pop("lease")
            stored |= {name: tuple(stored[name]) for name in ("catalogues", "changes", "unswept")}
            return cls(**stored, lease=Lease(**lease) if lease else None)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{url}/{HEAD} is damaged ({error}); bring it back from a backup") from error


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head, and the tag that it was read or written with."""

    head: Head
    tag: str


class HeadFile:
    """Reads the head, and replaces it.

    Args:
        objects: The object store.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._pending: set[str] = set()  # writes of this process whose outcome is not known

    def read(self) -> KnownHead | None:
        """Return the head; None if there is no store."""
        try:
            stored = self._objects.get(HEAD)
        except MissingObjectError:
            return None
        assert stored is not None
        return KnownHead(Head.of(stored.content, self._objects.url), stored.tag)

    def read_unless(self, known: KnownHead | None) -> KnownHead | None:
        """Return the head if it is another than the known one; the known one if it has not changed."""
        if known is None:
            return self.read()
        try:
            stored = self._objects.get(HEAD, unless=known.tag)
        except MissingObjectError:
            return None
        return known if stored is None else KnownHead(Head.of(stored.content, self._objects.url), stored.tag)

    def replace(self, head: Head, known: KnownHead | None) -> KnownHead:
        """Replace the known head, or make the first one.

        An answer may be lost after the head was written. Then the head is read: it tells whose it is. A
        request may also arrive late, after this has given up; the next replacement finds that out.

        Raises:
            HeadChangedError: Another writer has replaced it.
            TransientError: Whether it was replaced is not known.
        """
        for _ in range(3):
            new = replace(head, write=secrets.token_hex(8))
            self._pending.add(new.write)
            trouble: TransientError | None = None
            try:
                tag = self._objects.put_if(HEAD, new.encoded(), None if known is None else known.tag)
            except TransientError as error:
                tag, trouble = None, error
            if tag is not None:
                self._pending.clear()
                return KnownHead(new, tag)
            found = self.read()
            if found is not None and found.head.write == new.write:
                self._pending.clear()
                return found
            if found is not None and found.head.write in self._pending:
                known = found  # an earlier request of this process has arrived late
                continue
            if (found.tag if found else None) == (known.tag if known else None):
                if trouble is not None:
                    raise trouble  # it did not arrive, so far
                continue  # refused although nothing has changed: two requests of this process met
            raise HeadChangedError(f"another writer has replaced {self._objects.url}/{HEAD}")
        raise TransientError(f"{self._objects.url}/{HEAD} could not be replaced; try again")
