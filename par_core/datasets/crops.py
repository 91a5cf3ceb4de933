"""Pictures of one person each, cut out of photographs in which a data set says where people are."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from par_core.atomic import write_atomic
from par_core.datasets.labelled_set import AttributeSet
from par_core.datasets.merged_labels import LabelledPerson
from par_core.errors import BadConfigError
from par_core.ids import digest_of

__all__ = ["crop_people"]

_MARGIN: Final = 0.05  # of the box on each side, as cut-outs of the pipeline have it


def crop_people(data: AttributeSet, folder: Path) -> AttributeSet:
    """The same people, each with a picture of its own where the data set has boxes.

    Args:
        data: Any data set; without boxes it is returned as it is.
        folder: Where the pictures are kept; those that are there are not made again.

    Raises:
        BadConfigError: A photograph cannot be read, or a box lies outside of it; names the row.
    """
    if data.boxes is None:
        return data
    people = [
        person if np.isnan(box).any() else replace(person, image=_cropped(person, box, folder, number))
        for number, (person, box) in enumerate(zip(data.people, data.boxes, strict=True), start=1)
    ]
    return replace(data, people=tuple(people), boxes=None)


def _cropped(person: LabelledPerson, box: np.ndarray, folder: Path, number: int) -> Path:
    file = folder / f"{digest_of(str(person.image), *map(str, box.tolist()))}.png"
    if not file.exists():
        picture = cv2.imread(str(person.image))
        if picture is None:
            raise BadConfigError(f"{person.image} cannot be read")
        grown = box + _MARGIN * np.array([-1, -1, 1, 1]) * np.tile(box[2:] - box[:2], 2)
        left, top, right, bottom = np.clip(np.rint(grown), 0, np.tile(picture.shape[1::-1], 2)).astype(int)
        if left >= right or top >= bottom:
            raise BadConfigError(
                f"{person.source}: the box of row {number}, {box.tolist()}, lies outside of {person.image}"
                f" ({picture.shape[1]} x {picture.shape[0]})"
            )
        write_atomic(file, cv2.imencode(".png", picture[top:bottom, left:right])[1].tobytes())
    return file
