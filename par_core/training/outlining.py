"""Outlines of labelled people as PAR's own segmenter finds them, so that training sees the cut-outs that
indexing will make.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from par_core.atomic import write_atomic
from par_core.datasets.merged_labels import LabelledPerson
from par_core.ids import digest_of
from par_core.models.base import PersonSegmenter
from par_core.people.masks import decode_mask, mask_area

__all__ = ["outline_people"]

Follow = Callable[[Sequence[LabelledPerson], str], Iterable[LabelledPerson]]


def outline_people(
    people: Sequence[LabelledPerson], segmenter: PersonSegmenter, folder: Path, follow: Follow
) -> list[LabelledPerson]:
    """The same people with the outline of the largest person that the segmenter finds in each picture.

    Args:
        people: People in pictures that show one person each.
        segmenter: Finds them.
        folder: Where outlines are kept; those that are there, by the same segmenter, are not made again.
        follow: Shows how far it is.
    """
    kept = folder / segmenter.fingerprint
    kept.mkdir(parents=True, exist_ok=True)
    return [
        _outline(person, segmenter, kept / f"{digest_of(str(person.image))}.png")
        for person in follow(people, "outlines")
    ]


def _outline(person: LabelledPerson, segmenter: PersonSegmenter, file: Path) -> LabelledPerson:
    if not file.exists():
        picture = cv2.cvtColor(cv2.imread(str(person.image)), cv2.COLOR_BGR2RGB)
        (people,) = segmenter.segment([picture])
        areas = [mask_area(mask) for mask in people.masks]
        mask = (
            decode_mask(people.masks[int(np.argmax(areas))])
            if any(areas)
            else np.zeros(picture.shape[:2], bool)
        )
        encoded = cv2.imencode(".png", mask.astype(np.uint8) * 255)[1]
        write_atomic(file, encoded.tobytes())  # several runs may share the folder
    outline = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    return replace(person, drawn_outline=file) if outline is not None and outline.any() else person
