"""Finding a data set on disk."""

import os
from collections.abc import Sequence
from pathlib import Path

from par_core.errors import BadConfigError

__all__ = ["dataset_folder", "name_of", "photographs"]


def dataset_folder(root: Path, name: str, parts: Sequence[str]) -> Path:
    """The folder of a data set: the root itself, or the folder of the usual name in it.

    Args:
        root: As the user gave it.
        name: The usual name.
        parts: What must be in the folder.

    Raises:
        BadConfigError: Neither holds all parts; names what is missing.
    """
    for folder in (root / name, root):
        if all((folder / part).exists() for part in parts):
            return folder
    missing = [part for part in parts if not (root / part).exists()]
    raise BadConfigError(
        f"{root} holds no {name}: there is no {' and no '.join(missing)}, neither in it nor in {root / name}"
    )


def name_of(image: Path) -> str:
    """Folder and file, the same wherever the data set lies; bytes that are no text are spelt out."""
    return os.fsencode(f"{image.parent.name}/{image.name}").decode("utf-8", "backslashreplace")


def photographs(folder: Path) -> list[Path]:
    """The JPEGs of a folder by name, whatever the case of their suffix; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
