"""People with attribute labels, as every reader of a data set returns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from par_core.datasets.merged_labels import LabelledPerson
from par_core.errors import BadConfigError
from par_core.types import BoxesXYXY

__all__ = ["PARTS", "AttributeSet", "Split", "assemble"]

PARTS = ("train", "val", "test")

Split = int | Literal["zs"]
"""An official split by its number, or one with each person in one part ("zero-shot": Jia et al. 2021)."""


@dataclass(frozen=True, slots=True)
class AttributeSet:
    """Labelled people and how they are split.

    Attributes:
        name: Name of the data set.
        attributes: Names of the k attributes.
        people: n people; their ``labels`` are by these names: 1, 0, or NaN where the data set does not say.
        identities: Who each of the n people is, "" where that is not known; an empty tuple where the data set
            has no identities.
        parts: Indices of ``train``, ``val`` and ``test``, everybody in exactly one part; empty where there is
            no split.
        boxes: (n, 4) where in the picture each person is, x1 y1 x2 y2 in pixels, NaN for the whole picture;
            None where all pictures are of one person.
    """

    name: str
    attributes: tuple[str, ...]
    people: tuple[LabelledPerson, ...]
    identities: tuple[str, ...]
    parts: dict[str, tuple[int, ...]]
    boxes: BoxesXYXY | None = None


def assemble(
    name: str,
    file: Path,
    attributes: Sequence[str],
    images: Sequence[Path],
    labels: np.ndarray,
    *,
    identities: Sequence[str] = (),
    parts: Mapping[str, Sequence[int]] | None = None,
    boxes: BoxesXYXY | None = None,
) -> AttributeSet:
    """Assemble a data set from what its reader has read.

    Args:
        name: Name of the data set.
        file: Where the labels are from, for messages.
        attributes: k names.
        images: n files.
        labels: (n, k), 1, 0 or NaN.
        identities: n, or none.
        parts: Indices by name; empty parts are left out.
        boxes: (n, 4), or None.

    Raises:
        BadConfigError: Numbers do not go together, a label is something else, or an image is in two parts or
            in none; names file, row and attribute.
    """
    if labels.shape != (len(images), len(attributes)):
        raise BadConfigError(
            f"{file}: {len(images)} images and {len(attributes)} attributes, but labels of shape"
            f" {labels.shape}"
        )
    wrong = np.argwhere(~(np.isin(labels, (0, 1)) | np.isnan(labels)))
    if len(wrong):
        row, column = wrong[0]
        raise BadConfigError(
            f"{file}: the label of image {row + 1}, attribute {attributes[column]!r}, is"
            f" {labels[row, column]:g}, neither 0 nor 1"
        )
    if identities and len(identities) != len(images):
        raise BadConfigError(f"{file}: {len(images)} images, but {len(identities)} identities")
    split = {part: tuple(rows) for part, rows in (parts or {}).items() if rows}
    _require_partition(file, split, len(images))
    weights = (1.0,) * len(attributes)
    people = tuple(
        LabelledPerson(name, image, None, tuple(map(float, row)), weights, ())
        for image, row in zip(images, labels, strict=True)
    )
    return AttributeSet(name, tuple(attributes), people, tuple(identities), split, boxes)


def _require_partition(file: Path, parts: Mapping[str, Sequence[int]], n: int) -> None:
    part_of: dict[int, str] = {}
    for part, rows in parts.items():
        for row in rows:
            if not 0 <= row < n:
                raise BadConfigError(f"{file}: the part {part!r} names image {row + 1} of {n}")
            if row in part_of:
                raise BadConfigError(f"{file}: image {row + 1} is in {part_of[row]!r} and in {part!r}")
            part_of[row] = part
    if parts and len(part_of) < n:
        first = next(row for row in range(n) if row not in part_of)
        raise BadConfigError(f"{file}: image {first + 1} is in no part, and {n - len(part_of) - 1} more")
