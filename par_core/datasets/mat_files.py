"""Reading MATLAB files whose layout is published."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from par_core.errors import BadConfigError

__all__ = ["as_published", "from_one", "read_mat", "texts"]


def read_mat(file: Path, *keys: str) -> dict[str, Any]:
    """The variables of a file.

    Args:
        file: File of MATLAB 4 to 7.2.
        keys: Variables that must be there.

    Raises:
        BadConfigError: The file is missing, of another kind, or has not these variables.
    """
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    try:
        content = scipy.io.loadmat(file)
    except (MatReadError, NotImplementedError, OSError, TypeError, ValueError) as error:
        raise BadConfigError(f"{file} is no MATLAB file of version 4 to 7.2 ({error})") from error
    for key in keys:
        if key not in content:
            there = ", ".join(name for name in content if not name.startswith("__"))
            raise BadConfigError(f"{file} has no {key!r}; it has: {there}")
    return content


@contextmanager
def as_published(file: Path) -> Iterator[None]:
    """Turn errors about missing content into one sentence about the file.

    Raises:
        BadConfigError: Instead of an index, key, type or value error.
    """
    try:
        yield
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise BadConfigError(
            f"{file} is not laid out as published ({type(error).__name__}: {error})"
        ) from error


def texts(cells: Any) -> list[str]:
    """The strings of a cell array of n strings, a column."""
    return [str(cell[0][0]) for cell in cells]


def from_one(numbers: Any) -> tuple[int, ...]:
    """Positions that MATLAB counts from one, counted from zero."""
    return tuple(int(number) - 1 for number in np.asarray(numbers).ravel())
