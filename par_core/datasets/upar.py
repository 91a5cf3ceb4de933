"""UPAR (Specker, Cormier and Beyerer, WACV 2023): 40 attributes that are the same in PA-100K, PETA, RAPv2 and
Market-1501.

It goes about in two forms, both beside the folders of the data sets themselves, ``PA100k/``, ``PETA/``,
``RAP2/`` and ``Market1501/``. ``UPAR/dataset_all.pkl`` (github.com/speckean/upar_dataset) has ten partitions.
The challenge of 2024 (github.com/speckean/upar_challenge) has ``phase1/train/train.csv``, later ones
``annotations/task1/train/gt.csv`` and ``val/gt.csv``: a row a picture, its path and 40 times 0 or 1. The
header begins with ``# image``; that of 2024 lacks the word and has 40 names over 41 columns.
"""

import csv
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.csv_labels import LABELS
from par_core.datasets.labelled_set import AttributeSet, Split, assemble
from par_core.datasets.pickled_sets import read_pickled_set
from par_core.errors import BadConfigError

__all__ = ["UPAR_ATTRIBUTES", "read_upar"]

_COLOURS: Final = (
    *("Black", "Blue", "Brown", "Green", "Grey", "Orange"),
    *("Pink", "Purple", "Red", "White", "Yellow", "Other"),
)
#: In the order of the files.
UPAR_ATTRIBUTES: Final = (
    *("Age-Young", "Age-Adult", "Age-Old", "Gender-Female"),
    *("Hair-Length-Short", "Hair-Length-Long", "Hair-Length-Bald"),
    "UpperBody-Length-Short",
    *(f"UpperBody-Color-{colour}" for colour in _COLOURS),
    "LowerBody-Length-Short",
    *(f"LowerBody-Color-{colour}" for colour in _COLOURS),
    *("LowerBody-Type-Trousers&Shorts", "LowerBody-Type-Skirt&Dress", "Accessory-Backpack", "Accessory-Bag"),
    *("Accessory-Glasses-Normal", "Accessory-Glasses-Sun", "Accessory-Hat"),
)
_PICKLE: Final = "UPAR/dataset_all.pkl"
#: Files of labels by part, of each release of the challenge.
_RELEASES: Final = (
    {"train": "annotations/task1/train/gt.csv", "val": "annotations/task1/val/gt.csv"},
    {"train": "annotations/phase1/train/train.csv"},
    {"train": "phase1/train/train.csv"},
)
_EXAMPLES: Final = 5


def read_upar(root: Path, split: Split) -> AttributeSet:
    """Read UPAR from its pickle, or from the files of the challenge, which have one split; it does not say
    who is who.

    Raises:
        BadConfigError: Neither is there, or not as published; names file and line.
    """
    if (root / _PICKLE).is_file():
        data = read_pickled_set("upar", root / _PICKLE, root, int(split))
        if set(data.attributes) != set(UPAR_ATTRIBUTES):
            raise BadConfigError(f"{root / _PICKLE} does not have the 40 attributes of UPAR")
        return data
    for release in _RELEASES:
        files = {part: root / name for part, name in release.items() if (root / name).is_file()}
        if "train" in files:
            if split != 0:
                raise BadConfigError(f"{files['train']} has one split, 0; {_PICKLE} has ten")
            return _from_csv(root, files)
    raise BadConfigError(
        f"{root} holds no UPAR: {_PICKLE} is missing, and so is {' or '.join(r['train'] for r in _RELEASES)}"
    )


def _from_csv(root: Path, files: dict[str, Path]) -> AttributeSet:
    images: list[Path] = []
    labels: list[list[float]] = []
    parts = {}
    names: tuple[str, ...] = ()
    for part, file in files.items():
        columns, rows = _rows(file)
        if names and columns != names:
            raise BadConfigError(f"{file}, line 1: another order of attributes than in {files['train']}")
        names = columns
        parts[part] = range(len(images), len(images) + len(rows))
        images += [root / path for path, _ in rows]
        labels += [values for _, values in rows]
    return assemble(
        "upar", files["train"], names, images, np.array(labels).reshape(-1, len(names)), parts=parts
    )


def _rows(file: Path) -> tuple[tuple[str, ...], list[tuple[str, list[float]]]]:
    """Names of the attributes; and path and labels of each row."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.reader(text, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader if any(line)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadConfigError(f"{file} is no CSV file in UTF-8 ({error})") from error
    first = header[0].removeprefix("#").strip() if header else ""
    names = tuple(header[1:] if first == "image" else [first, *header[1:]])
    if sorted(names) != sorted(UPAR_ATTRIBUTES):
        wrong = next((name for name in names if name not in UPAR_ATTRIBUTES), f"{len(names)} columns")
        raise BadConfigError(f"{file}, line 1: expected the 40 attributes of UPAR, got {wrong!r}")
    mistakes = [f"line {number}: {mistake}" for number, line in lines if (mistake := _mistake(line, names))]
    if mistakes or not lines:
        more = f"; and {len(mistakes) - _EXAMPLES} more" if len(mistakes) > _EXAMPLES else ""
        raise BadConfigError(f"{file}, {'; '.join(mistakes[:_EXAMPLES]) or 'there are no rows'}{more}")
    return names, [(line[0], [LABELS[cell] for cell in line[1:]]) for _, line in lines]


def _mistake(line: list[str], names: tuple[str, ...]) -> str | None:
    if len(line) != len(names) + 1:
        return f"{len(line)} cells instead of {len(names) + 1}"
    path = Path(line[0])
    if not line[0] or path.is_absolute() or ".." in path.parts:
        return f"{line[0]!r} is no path of a picture in the folder"
    wrong = [i for i, cell in enumerate(line[1:]) if not cell or cell not in LABELS]
    return f"{names[wrong[0]]!r} is {line[wrong[0] + 1]!r}, not 1 or 0" if wrong else None
