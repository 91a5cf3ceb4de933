"""Files of a store that people name, ``NAME.json`` in a folder of their kind: reviews and saved searches."""

import re
from pathlib import Path
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["free_name", "named_file", "names_in"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_LONGEST_OF_A_TEXT: Final = 48


def names_in(folder: Path) -> list[str]:
    """Return the sorted names of the files in a folder, which need not exist."""
    return sorted(path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))


def free_name(folder: Path, text: str, otherwise: str) -> str:
    """Return a name for a new file, made from a text: lower-case letters, digits and hyphens.

    Args:
        folder: The folder.
        text: The text.
        otherwise: Name for a text without a letter or digit.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_OF_A_TEXT].strip("-") or otherwise
    taken = set(names_in(folder))
    names = (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def named_file(folder: Path, name: str, what: str) -> Path:
    """Return the path of a file.

    Args:
        folder: The folder.
        name: Name of the file.
        what: What has the name, for the error, such as "a review's name".

    Raises:
        BadConfigError: This is no name.
    """
    if not _NAME.fullmatch(name):
        raise BadConfigError(f"{what} has lower-case letters, digits and hyphens, 64 at most; got {name!r}")
    return folder / f"{name}.json"
