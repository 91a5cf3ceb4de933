"""URLs that lack their slashes, which would be folders of strange names."""

import re
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["refuse_without_slashes"]

_LACKING: Final = re.compile(r"(s3|s3a|memory|gs|gcs|https?):(?!//)(/?)(.*)", re.IGNORECASE | re.DOTALL)


def refuse_without_slashes(place: str, *, one_will_do: bool = False) -> None:
    """Refuse a store or source such as ``s3:people``: the URL is meant, and would be taken for a folder.

    Args:
        place: As a user has typed it.
        one_will_do: Whether ``s3:/people`` is the URL, since pathlib makes that of ``s3://people``.

    Raises:
        BadConfigError: It begins with the name of a protocol and a colon, without slashes after it.
    """
    found = _LACKING.fullmatch(place)
    if found is None or not found[3] or (one_will_do and found[2]):
        return
    kind, rest = found[1], "..." if "@" in found[3] else found[3]  # what is before it may be a password
    raise BadConfigError(
        f"{kind}:{found[2]}{rest} has no // after the colon: write {kind.lower()}://{rest}; a file or folder"
        " of that name is named by its whole path"
    )
