"""The user's request to forget something: sources by any of their paths, images or people by id."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from par_core.archive.canonical import CanonicalUris
from par_core.archive.entries import is_remote, path_of
from par_core.errors import BadConfigError
from par_core.object_store.slashes import refuse_without_slashes

__all__ = ["Request"]

Kind = Literal["source", "image", "person"]
_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Request:
    """The user's request to forget something.

    Attributes:
        kind: ``source``, ``image`` or ``person``.
        values: Uris (of folders and archives with everything below them), or ids.
    """

    kind: Kind
    values: tuple[str, ...]

    @classmethod
    def of(
        cls, sources: Sequence[str] = (), images: Sequence[str] = (), people: Sequence[str] = ()
    ) -> "Request":
        """Return the request of a command line; it names one or more values of exactly one kind.

        Raises:
            BadConfigError: No kind or several kinds are named, or a value is not an id.
        """
        every: tuple[tuple[Kind, Sequence[str]], ...] = (
            ("source", sources),
            ("image", images),
            ("person", people),
        )
        named = [(kind, values) for kind, values in every if values]
        if len(named) != 1:
            raise BadConfigError("name what to forget, of one kind: --source URI, --image ID or --person ID")
        kind, values = named[0]
        if kind == "source":
            return cls(kind, tuple(dict.fromkeys(map(_as_uri, values))))
        for value in values:
            if len(value) != _ID_DIGITS or any(digit not in "0123456789abcdef" for digit in value):
                raise BadConfigError(
                    f"--{kind} {value!r}: no id; ids have {_ID_DIGITS} digits 0-9a-f, as par search --json"
                    " prints them"
                )
        return cls(kind, tuple(dict.fromkeys(values)))


def _as_uri(source: str) -> str:
    if not source.strip():
        raise BadConfigError("an empty source; name a file, a folder, an archive or a URL")
    refuse_without_slashes(source)
    if is_remote(source):
        return source.rstrip("/")
    local = os.fsdecode(path_of(source)) if source.startswith("file://") else os.path.expanduser(source)
    named = CanonicalUris().named(local)
    if named == "/":
        raise BadConfigError("/ is everything; to forget a whole store, delete its folder")
    return named
