"""Labels of one's own: ``labels.csv`` beside the pictures, a row a person, described in docs/datasets.md.

The columns ``image``, ``x1 y1 x2 y2``, ``identity`` and ``part`` have a meaning, of which only ``image`` is
needed; every other column is an attribute: 1, 0, or empty where it is not known.
"""

import codecs
import csv
import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.labelled_set import PARTS, AttributeSet, Split, assemble
from par_core.errors import BadConfigError

__all__ = ["LABELS", "Row", "read_csv_labels", "read_rows"]

_FILE: Final = "labels.csv"
_BOX: Final = ("x1", "y1", "x2", "y2")
_RESERVED: Final = ("image", *_BOX, "identity", "part")
_UNKNOWN: Final = ("NaN", "nan", "NA", "N/A", "<NA>", "None", "NULL")  # as pandas and spreadsheets write it
#: What a cell of an attribute means.
LABELS: Final = {
    **dict.fromkeys(("1", "1.0", "1.00", "1,0", "1.000000", "True", "TRUE", "true"), 1.0),
    **dict.fromkeys(("0", "0.0", "0.00", "0,0", "0.000000", "False", "FALSE", "false"), 0.0),
    **dict.fromkeys(("", *_UNKNOWN), math.nan),
}
_MAY_BE_UNKNOWN: Final = (*_BOX, "identity", "part")
_EXAMPLES: Final = 5
_HAIR: Final = 1.0  # pixels that a box may lie outside of the picture; it is clipped
_SEPARATOR_LINE: Final = re.compile(r"\A\s*sep=([,;\t])[^\S\r\n]*(?:\r\n|\r|\n)", re.IGNORECASE)  # Excel's

Row = dict[str, str]


def read_csv_labels(root: Path, split: Split) -> AttributeSet:
    """Read ``labels.csv`` of a folder, or another file of the same form.

    Args:
        root: The folder, or the file; pictures are named from the file's folder.
        split: 0; the file has at most one split, its column ``part``.

    Raises:
        BadConfigError: The file is missing or wrong; names line and column of the first five mistakes.
    """
    file = root / _FILE if root.is_dir() else root
    columns, lines = read_rows(file)
    rows = list(lines.values())
    attributes = [name for name in columns if name not in _RESERVED]
    boxed = set(_BOX) <= set(columns)
    split_given = "part" in columns and any(row["part"] for row in rows)
    checks: list[Callable[[Row], str | None]] = [_image_mistake, lambda row: _label_mistake(row, attributes)]
    checks += [_box_mistake] if boxed else []
    checks += [_part_mistake] if split_given else []
    mistakes = [
        f"line {number}: {mistake}"
        for number, row in lines.items()
        for check in checks
        if (mistake := check(row))
    ]
    if mistakes:
        more = f"; and {len(mistakes) - _EXAMPLES} more" if len(mistakes) > _EXAMPLES else ""
        raise BadConfigError(f"{file}, {'; '.join(mistakes[:_EXAMPLES])}{more}")
    labels = np.array([[LABELS[row[name]] for name in attributes] for row in rows])
    boxes = (
        np.array([[max(_number(row[name] or "nan"), 0) for name in _BOX] for row in rows], np.float32)
        if boxed
        else None
    )
    parts = (
        {part: [i for i, row in enumerate(rows) if row["part"] == part] for part in PARTS}
        if split_given
        else {}
    )
    identities = (
        [row["identity"] for row in rows]
        if "identity" in columns and any(row["identity"] for row in rows)
        else []
    )
    images = [_file_of(file.parent, row["image"]) for row in rows]
    return assemble("csv", file, attributes, images, labels, identities=identities, parts=parts, boxes=boxes)


def read_rows(file: Path) -> tuple[list[str], dict[int, Row]]:
    """Read column names; and the cells by column, without surrounding spaces, of every line that is not
    empty, by the line's number.

    Raises:
        BadConfigError: The file is missing, is no CSV file in UTF-8, or has no usable header or no rows.
    """
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    try:
        text = _text_of(file.read_bytes())
        start = _SEPARATOR_LINE.match(text)
        reader = csv.reader(
            io.StringIO(text[start.end() if start else 0 :], newline=""),
            strict=True,
            delimiter=start[1] if start else _separator(text),
        )
        numbered = [
            (reader.line_num + (start is not None), [cell.strip() for cell in line]) for line in reader
        ]
    except (UnicodeError, csv.Error) as error:
        raise BadConfigError(f"{file} is no CSV file in UTF-8 ({error})") from error
    cells = {number: line for number, line in numbered if any(line)}
    header = cells.pop(next(iter(cells), 0), [])
    if header[:1] in ([""], ["Unnamed: 0"]):  # the index that pandas writes
        header, cells = header[1:], {number: line[1:] for number, line in cells.items()}
    header, cells = _without_empty_columns(header, cells)
    _require_header(file, header)
    for number, row in cells.items():
        if len(row) != len(header):
            raise BadConfigError(f"{file}, line {number}: {len(row)} cells, but {len(header)} columns")
    if not cells:
        raise BadConfigError(f"{file} has no rows")
    return header, {
        number: {name: _cell(name, cell) for name, cell in zip(header, row, strict=True)}
        for number, row in cells.items()
    }


def _text_of(content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 as spreadsheets write "Unicode text"."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return content.decode("utf-16" if content.startswith(marks) else "utf-8-sig")


def _separator(text: str) -> str:
    """The mark between the cells of a file: the first line tells, which has a column ``image``."""
    line = text.lstrip("\r\n").splitlines()[:1]
    for mark in ",;\t":
        if line and "image" in [cell.strip(' "') for cell in line[0].split(mark)]:
            return mark
    return ","


def _without_empty_columns(
    header: list[str], cells: dict[int, list[str]]
) -> tuple[list[str], dict[int, list[str]]]:
    """Leave out columns behind the last name that hold nothing, as spreadsheets write them."""
    count = len(header)
    while header and not header[-1]:
        header = header[:-1]
    if any(cell for line in cells.values() for cell in line[len(header) : count]):
        return [*header, *[""] * (count - len(header))], cells
    return header, {
        number: line[: len(header)] if len(line) >= len(header) and not any(line[len(header) :]) else line
        for number, line in cells.items()
    }


def _cell(name: str, cell: str) -> str:
    if name == "part":
        cell = cell if cell in _UNKNOWN else cell.lower()
    return "" if name in _MAY_BE_UNKNOWN and cell in _UNKNOWN else cell


def _number(cell: str) -> float:
    """A number, also with a decimal comma."""
    return float(cell.replace(",", "."))


def _file_of(folder: Path, name: str) -> Path:
    """The file of a name, also as Windows writes it, where that is there."""
    turned = folder / name.replace("\\", "/")
    return turned if "\\" in name and not (folder / name).exists() and turned.exists() else folder / name


def _require_header(file: Path, header: list[str]) -> None:
    if "image" not in header:
        raise BadConfigError(
            f"{file}, line 1: there is no column 'image', only: {', '.join(header) or 'nothing'}"
        )
    twice = [name for name in header if header.count(name) > 1 or not name]
    if twice:
        raise BadConfigError(f"{file}, line 1: the column {twice[0]!r} is there twice or has no name")
    sides = [name for name in _BOX if name not in header]
    if 0 < len(sides) < len(_BOX):
        raise BadConfigError(
            f"{file}, line 1: a box needs the columns x1, y1, x2 and y2, and there is no {sides[0]}"
        )
    if set(header) <= set(_RESERVED):
        raise BadConfigError(f"{file}, line 1: there is no column of an attribute, only: {', '.join(header)}")


def _image_mistake(row: Row) -> str | None:
    return None if row["image"] else "'image' is empty"


def _label_mistake(row: Row, attributes: list[str]) -> str | None:
    return next(
        (f"{name!r} is {row[name]!r}, not 1, 0 or empty" for name in attributes if row[name] not in LABELS),
        None,
    )


def _part_mistake(row: Row) -> str | None:
    return None if row["part"] in PARTS else f"'part' is {row['part']!r}, not one of {', '.join(PARTS)}"


def _box_mistake(row: Row) -> str | None:
    cells = [row[name] for name in _BOX]
    if not any(cells):
        return None
    try:
        x1, y1, x2, y2 = map(_number, cells)
    except ValueError:
        return f"the box is {' '.join(cell or '(empty)' for cell in cells)}, not four numbers or nothing"
    if -_HAIR < x1 < x2 < math.inf and -_HAIR < y1 < y2 < math.inf and min(x2, y2) > 0:
        return None
    return f"the box {' '.join(cells)} is not x1 y1 x2 y2 in pixels with x1 < x2 and y1 < y2"
