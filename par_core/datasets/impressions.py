"""Impressions of gender, written down by people who looked at photographs whose data set does not label it.

A file of them has the columns ``image`` (name of the file) and ``gender``: ``man``, ``woman`` or ``unclear``.
They say how the people of the photographs appear to one reader, and nothing else.
"""

import csv
from pathlib import Path
from typing import Final

from par_core.errors import BadConfigError

__all__ = ["read_impressions"]

_LABELS: Final = {"man": 0.0, "woman": 1.0, "unclear": float("nan")}


def read_impressions(file: Path) -> dict[str, float]:
    """Return the label of ``female`` by name of picture: 1, 0, or NaN where the reader was not sure.

    Raises:
        BadConfigError: The file is missing or another column or word is in it; names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            if rows.fieldnames != ["image", "gender"]:
                raise BadConfigError(f"{file}: the columns are {rows.fieldnames}, expected image, gender")
            labels = {}
            for row in rows:
                if row["gender"] not in _LABELS:
                    raise BadConfigError(
                        f"{file}, line {rows.line_num}: gender is one of {', '.join(_LABELS)},"
                        f" got {row['gender']!r}"
                    )
                labels[row["image"]] = _LABELS[row["gender"]]
            return labels
    except OSError as error:
        raise BadConfigError(f"cannot read impressions of gender: {error}") from error
