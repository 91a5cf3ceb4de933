"""People of Open Images (Kuznetsova et al. 2020) whose class says more than "Person": gender and age group by
the class of their box.

``train-annotations-bbox.csv``, ``validation-...`` and ``test-...`` (with or without ``oidv6-`` before) stand
beside ``images/IMAGEID.jpg``. Groups, depictions (drawings, statues) and boxes without area are passed over,
and so are photographs that are not there: few copies hold all nine million. Boxes that stand out of their
picture by a hair are clipped.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.folders import photographs
from par_core.datasets.labelled_set import AttributeSet, Split, assemble
from par_core.datasets.sizes import upright_size
from par_core.errors import BadConfigError

__all__ = ["read_open_images"]

_ATTRIBUTES: Final = ("female", "child")
#: Man, Woman, Boy, Girl.
_CLASSES: Final = {
    "/m/04yx4": (0.0, 0.0),
    "/m/03bt1vf": (1.0, 0.0),
    "/m/01bl7v": (0.0, 1.0),
    "/m/05r655": (1.0, 1.0),
}
_TRUE: Final = ("1", "1.0", "true")
_HAIR: Final = 1e-3  # of width and height: so far outside of the picture is a matter of rounding
_PARTS: Final = {"train": "train", "validation": "val", "test": "test"}
_SIDES: Final = ("XMin", "YMin", "XMax", "YMax")
_COLUMNS: Final = ("ImageID", "LabelName", *_SIDES, "IsGroupOf", "IsDepiction")


def read_open_images(root: Path, split: Split) -> AttributeSet:
    """Read the boxes of men, women, boys and girls; the parts are those of the files' names.

    Raises:
        BadConfigError: A file or column is missing, or a cell is wrong; names file and line.
    """
    images: list[Path] = []
    labels: list[tuple[float, float]] = []
    boxes: list[np.ndarray] = []
    parts: dict[str, list[int]] = {}
    files = sorted(root.glob("*annotations-bbox.csv"))
    if not files:
        raise BadConfigError(
            f"{root} holds no train-annotations-bbox.csv (or validation-, test-) of Open Images"
        )
    for file in files:
        part = next((part for word, part in _PARTS.items() if f"{word}-annotations" in file.name), None)
        if part is None:
            raise BadConfigError(f"{file}: the name says neither train nor validation nor test")
        for image, label, box in _people(file, root / "images"):
            parts.setdefault(part, []).append(len(images))
            images.append(image)
            labels.append(label)
            boxes.append(box)
    if not images:
        raise BadConfigError(
            f"no photograph with a man, woman, boy or girl of {', '.join(file.name for file in files)} is in"
            f" {root / 'images'}"
        )
    return assemble(
        "openimages",
        root,
        _ATTRIBUTES,
        images,
        np.array(labels),
        parts=parts,
        boxes=np.array(boxes, np.float32),
    )


def _people(file: Path, folder: Path) -> Iterator[tuple[Path, tuple[float, float], np.ndarray]]:
    """Photograph, labels and box in pixels of everybody in a file whose photograph is there."""
    sizes: dict[Path, np.ndarray] = {}
    there = {path.stem: path for path in photographs(folder)}
    with file.open(newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise BadConfigError(f"{file} has no column {missing[0]!r}")
        for number, row in enumerate(rows, start=2):
            image = there.get(row["ImageID"])
            if (
                image is None
                or row["LabelName"] not in _CLASSES
                or row["IsGroupOf"].strip().lower() in _TRUE
                or row["IsDepiction"].strip().lower() in _TRUE
            ):
                continue
            try:
                shares = np.array([float(row[side]) for side in _SIDES])
            except (TypeError, ValueError) as error:
                raise BadConfigError(f"{file}, line {number}: {error}") from error
            if not ((shares >= -_HAIR) & (shares <= 1 + _HAIR)).all() or not (shares[:2] <= shares[2:]).all():
                raise BadConfigError(
                    f"{file}, line {number}: the box {' '.join(f'{share:g}' for share in shares)} is no box"
                    " in shares of width and height"
                )
            shares = shares.clip(0, 1)
            if not (shares[:2] < shares[2:]).all():  # a box without area, as the set has some
                continue
            if image not in sizes:
                sizes[image] = np.tile(upright_size(image), 2)
            yield image, _CLASSES[row["LabelName"]], shares * sizes[image]
