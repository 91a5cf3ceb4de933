"""Catalogues: which objects make up each file of a version. A base names all files, a change those that one
commit wrote or deleted, so that a commit costs what it changed.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from par_core.errors import StoreError

__all__ = ["Catalogue", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """An object that holds a part of a file. It is never replaced.

    Attributes:
        key: Its name, which no other object ever has.
        sha256: Digest of its content, hexadecimal.
        size: Bytes.
    """

    key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Files that are written or replaced, and names of those that go.

    Attributes:
        files: Parts of each file by its path in the store, in order.
        deleted: Paths that are gone.
        dropped: Keys of objects that no file needs any more.
    """

    files: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    deleted: Sequence[str] = ()
    dropped: Sequence[str] = ()

    def encoded(self) -> bytes:
        """Return it as compressed JSON."""
        files = {
            path: [[part.key, part.sha256, part.size] for part in parts] for path, parts in self.files.items()
        }
        content = {"files": files, "deleted": list(self.deleted), "dropped": list(self.dropped)}
        return gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 6, mtime=0)

    @classmethod
    def of(cls, content: bytes, name: str) -> "Catalogue":
        """Read it.

        Raises:
            StoreError: It is damaged.
        """
        try:
            stored = json.loads(gzip.decompress(content))
            files = {path: [Part(*part) for part in parts] for path, parts in stored["files"].items()}
            for path in files:
                if path.startswith("/") or ".." in path.split("/"):
                    raise ValueError(f"{path!r} is no path in a store")
            return cls(files, stored["deleted"], stored["dropped"])
        except (ValueError, KeyError, TypeError, EOFError, OSError) as error:
            raise StoreError(f"{name} is damaged ({error}); bring it back from a backup") from error
