"""Members of zip and tar files: their headers in one form for both."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from par_core.archive.entries import Place

__all__ = ["LARGEST_SIZE", "STORED", "Member", "readable", "unique_name"]

STORED: Final = "stored"
#: Bytes, the largest number that a listing can hold.
LARGEST_SIZE: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """The header of a member of a zip or tar file, in one form for both.

    Attributes:
        name: Name that is unique in the archive: a second member of a name gets ``#2``.
        path: Name as it is in the archive.
        kind: ``file``, ``directory``, ``link`` (another name of an earlier file of a tar), ``lost link`` (the
            file is not in the archive) or ``other`` (symbolic links and devices, which are never followed).
        size: Size in bytes by the header.
        version: Text that changes when the content does, as far as the header shows it.
        encrypted: Whether it needs a password.
        place: Where it is.
        inherited: Attributes that earlier headers of a tar set for all later members.
        target: Name that stands at its place, if that is another one; of a link, the name of its file.
    """

    name: str
    path: str
    kind: str
    size: int
    version: str
    encrypted: bool
    place: Place
    inherited: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


def readable(name: str) -> str:
    """Return a name of an archive as text that is UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unique_name(name: str, names: Counter[str]) -> str:
    """Return a name of an archive that no member before it has; ``names`` counts them."""
    text = readable(name)
    names[text] += 1
    return text if names[text] == 1 else f"{text}#{names[text]}"
