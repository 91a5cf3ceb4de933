"""Reading a data set as training and evaluation will, and telling what is in it and what is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from par_core.datasets.attribute_sets import AttributeSet, read_attribute_set
from par_core.datasets.captioned import read_captioned
from par_core.datasets.instances import coco_photos, open_images_photos
from par_core.datasets.labelled_set import Split
from par_core.datasets.merged_labels import labels_of
from par_core.datasets.outlines import Photo, outlined_photos, read_photo
from par_core.datasets.sizes import upright_size
from par_core.datasets.splits import IdentityReport, identity_report
from par_core.errors import BadConfigError, ParError

__all__ = [
    "AttributeReport",
    "CaptionReport",
    "OutlineReport",
    "check_attributes",
    "check_captions",
    "check_outlines",
]

_DECODED: Final = 500
_UNREADABLE: Final = (ParError, cv2.error, IndexError, KeyError, OSError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class AttributeReport:
    """What is in a data set of people with attributes.

    Attributes:
        people: How many.
        parts: People by part; empty without a split.
        prevalence: Prevalence of each attribute among the people with a label; None where no person has one.
        labelled: Number of people with a label of each attribute.
        identities: Who is in which part; None where the data set has no identities.
        problems: One sentence each; empty if all is well.
    """

    people: int
    parts: dict[str, int]
    prevalence: dict[str, float | None]
    labelled: dict[str, int]
    identities: IdentityReport | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionReport:
    """What is in a data set of people with captions.

    Attributes:
        images: How many pictures.
        captions: How many sentences.
        parts: Pictures by part.
        identities: Who is in which part; None where the data set cannot be read.
        problems: One sentence each; empty if all is well.
    """

    images: int
    captions: int
    parts: dict[str, int]
    identities: IdentityReport | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutlineReport:
    """What is in a data set of outlined people.

    Attributes:
        photographs: How many.
        without_people: Photographs without people.
        decoded: Photographs that were read with their outlines, spread evenly over all.
        people: Outlined people in these.
        problems: One sentence each; empty if all is well.
    """

    photographs: int
    without_people: int
    decoded: int
    people: int
    problems: tuple[str, ...]


def check_attributes(name: str, root: Path, split: Split = 0) -> AttributeReport:
    """Read labels and split, and the head of every picture. What is not as published becomes a problem.

    Args:
        name: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        split: As of ``read_attribute_set``.
    """
    try:
        data = read_attribute_set(name, root, split)
    except _UNREADABLE as error:
        return AttributeReport(0, {}, {}, {}, None, (str(error),))
    labels = labels_of(list(data.people))
    known = ~np.isnan(labels)
    labelled = {
        attribute: int(count) for attribute, count in zip(data.attributes, known.sum(axis=0), strict=True)
    }
    positive = dict(zip(data.attributes, np.nansum(labels, axis=0).tolist(), strict=True))
    return AttributeReport(
        len(data.people),
        {part: len(rows) for part, rows in data.parts.items()},
        {attribute: positive[attribute] / count if count else None for attribute, count in labelled.items()},
        labelled,
        identity_report(data.identities, data.parts) if any(data.identities) else None,
        tuple(_picture_problems(data)),
    )


def check_captions(name: str, root: Path) -> CaptionReport:
    """Read pictures, captions and split, and the head of every picture. What is not as published becomes a
    problem.

    Args:
        name: One of ``CAPTIONED_SETS``.
        root: Its folder.
    """
    try:
        data = read_captioned(name, root)
    except _UNREADABLE as error:
        return CaptionReport(0, 0, {}, None, (str(error),))
    problems = []
    for image in dict.fromkeys(data.images):
        try:
            upright_size(image)
        except BadConfigError as error:
            problems.append(str(error))
    return CaptionReport(
        len(data.images),
        sum(map(len, data.captions)),
        {part: len(rows) for part, rows in data.parts.items()},
        identity_report(data.identities, data.parts),
        tuple(problems),
    )


def _picture_problems(data: AttributeSet) -> Iterator[str]:
    sizes: dict[Path, tuple[int, int] | None] = {}
    for row, person in enumerate(data.people):
        if person.image not in sizes:
            try:
                sizes[person.image] = upright_size(person.image)
            except BadConfigError as error:
                sizes[person.image] = None
                yield str(error)
        size = sizes[person.image]
        if size and data.boxes is not None and (data.boxes[row, :2] >= size).any():
            yield (
                f"row {row + 1}: the box {data.boxes[row].tolist()} lies outside of {person.image} ({size[0]}"
                f" x {size[1]})"
            )


def check_outlines(name: str, root: Path) -> OutlineReport:
    """Read which photographs there are, and up to 500 of them with their outlines. What is not as published
    becomes a problem.

    Args:
        name: ``coco`` (either form), ``openimages``, ``pennfudan`` or ``ccp``.
        root: Its folder.
    """
    people, problems = 0, list[str]()
    try:
        photos = _OUTLINES[name](root, problems)
    except _UNREADABLE as error:
        return OutlineReport(0, 0, 0, 0, (f"{root}: {error}",))
    step = max(1, -(-len(photos) // _DECODED))
    decoded = photos[::step]
    for photo in decoded:
        try:
            _, outlines = read_photo(photo)
        except _UNREADABLE as error:
            problems.append(
                f"{photo.image} cannot be read with its outlines ({type(error).__name__}: {error})"
            )
            continue
        people += len(np.unique(outlines[outlines > 0]))
    empty = sum(photo.labels is None and not photo.people for photo in photos)
    return OutlineReport(len(photos), empty, len(decoded), people, tuple(problems))


_OUTLINES: Final[dict[str, Callable[[Path, list[str]], list[Photo]]]] = {
    "coco": coco_photos,
    "openimages": lambda root, _: open_images_photos(root),
    "pennfudan": lambda root, _: outlined_photos("pennfudan", root),
    "ccp": lambda root, _: outlined_photos("ccp", root),
}
