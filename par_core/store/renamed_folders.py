"""Folders of a store that had another name in the release before."""

import itertools
from pathlib import Path

__all__ = ["renamed_folder"]


def renamed_folder(old: Path, new: Path) -> Path:
    """Return the path of a folder. Where the old one exists it is renamed, or its files are moved if both
    exist; where the store cannot be written to, it keeps its name.
    """
    if old.is_dir():
        try:
            _move_files(old, new) if new.exists() else old.rename(new)
        except FileNotFoundError:  # another process has just renamed it
            pass
        except OSError:
            return new if new.exists() else old
    return new


def _move_files(old: Path, new: Path) -> None:
    """Move the files of a folder into another. A file whose name is taken there gets the next free one, such
    as ``hat-2.json``.
    """
    for path in sorted(old.iterdir()):
        others = (f"{path.stem}-{number}{path.suffix}" for number in itertools.count(2))
        names = itertools.chain([path.name], others)
        path.rename(next(new / name for name in names if not (new / name).exists()))
    old.rmdir()
