"""What an object store must do for a store to live there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from par_core.errors import StoreError

__all__ = ["MissingObjectError", "ObjectInfo", "Objects", "Stored"]


class MissingObjectError(StoreError):
    """There is no object of that name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read.

    Attributes:
        content: Its bytes.
        tag: The server's tag of this content (ETag); another one after each change.
    """

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object in a list.

    Attributes:
        key: Name below the prefix.
        size: Bytes.
        tag: See ``Stored``.
    """

    key: str
    size: int
    tag: str


@runtime_checkable
class Objects(Protocol):
    """The objects below a prefix. May be shared by threads. Every method raises TransientError if the server
    cannot be reached or fails, also after some tries, and BadConfigError if it refuses the credentials.
    """

    @property
    def url(self) -> str:
        """URL of the prefix, as a user writes it."""

    def get(self, key: str, *, unless: str | None = None) -> Stored | None:
        """Return an object; None if its tag is still ``unless``.

        Raises:
            MissingObjectError: There is none.
        """

    def put(self, key: str, content: bytes) -> str:
        """Write an object, in place of one of that name; return its tag."""

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        """Write an object only if it has a tag at this moment, or, for None, if there is none.

        Returns:
            The new tag; None if the condition did not hold. An answer that was lost and asked for again can
            say so too, although the object was written: the caller must look.
        """

    def delete(self, keys: Collection[str]) -> None:
        """Delete objects; those that are gone count as deleted."""

    def listed(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with a text."""

    def erase_versions(self, prefix: str) -> int | None:
        """Delete older versions of objects that a bucket with versioning keeps; what is an object now stays,
        also one that another host writes meanwhile.

        Args:
            prefix: Only of objects whose keys begin so.

        Returns:
            Number of versions and marks of deletion that were removed; None if the bucket keeps none.
        """
