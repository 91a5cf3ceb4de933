"""People outlined in the formats of large instance segmentation data sets: COCO's JSON (Lin et al. 2014) and
Open Images (Benenson et al. 2019).
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image

from par_core.archive.exif import exif_of
from par_core.datasets.coco_json import is_coco_json, read_label_file
from par_core.datasets.coco_outlines import checked_outline
from par_core.datasets.outlines import MOST_PEOPLE, Photo, has_yolo_files, outlined_photos
from par_core.errors import BadConfigError

__all__ = ["coco_json_photos", "coco_photos", "open_images_photos"]

_EXAMPLES: Final = 3
_TURNED: Final = 4  # EXIF orientations above change width and height

#: Open Images' classes of people: Person, Man, Woman, Girl, Boy.
_PEOPLE: Final = frozenset({"/m/01g317", "/m/04yx4", "/m/03bt1vf", "/m/05r655", "/m/01bl7v"})


def coco_photos(root: Path, problems: list[str] | None = None) -> list[Photo]:
    """Return the photographs of COCO in either form, those without people too: its JSON, else YOLO's files.

    Args:
        root: The data set's folder; of YOLO's form also the folder that holds it.
        problems: A sentence on each photograph that is passed over is added.

    Raises:
        BadConfigError: The folder holds neither.
    """
    published = any((root / "annotations").glob("instances_*.json"))
    if published or (is_coco_json(root) and not has_yolo_files(root)):
        return coco_json_photos(root, problems)
    return outlined_photos("coco", root) + outlined_photos("empty", root)


def coco_json_photos(root: Path, problems: list[str] | None = None) -> list[Photo]:
    """Photographs of COCO's JSON (``coco_json``); those without people are ``empty``.

    Crowds (``iscrowd``) are left out with their photographs: no person in them is outlined. So are
    photographs with a person whose outline is missing or wrong, or with more people than a label map can
    hold.

    Args:
        root: The data set's folder.
        problems: A sentence on what is passed over is added.

    Raises:
        BadConfigError: There is no such file, or it is not COCO's JSON; names what is wrong.
    """
    problems = [] if problems is None else problems
    labels = read_label_file(root)
    problems += labels.problems
    photos = []
    for number, place in labels.places.items():
        if number in labels.crowded:
            continue
        try:
            people = labels.people.get(number, ())
            outlines = _outlines_of(people, labels.images[number])
            if outlines:
                _require_size(place, labels.images[number])
        except ValueError as error:
            problems.append(f"{labels.file}, image {number} ({place.name}): {error}")
            continue
        photos.append(Photo("coco-json" if outlines else "empty", place, None, outlines))
    if not photos:
        raise BadConfigError(
            f"no photograph of {labels.file} can be used: {'; '.join(problems[-_EXAMPLES:])}"
        )
    return photos


def _outlines_of(people: Sequence[dict[str, Any]], image: dict[str, Any]) -> tuple[Any, ...]:
    """Return the outlines of everybody in a photograph.

    Raises:
        ValueError: Somebody has none, or there are too many people.
    """
    if len(people) > MOST_PEOPLE:
        raise ValueError(f"{len(people)} people, and a label map holds {MOST_PEOPLE}")
    outlines = []
    for person in people:
        try:
            outlines.append(checked_outline(person.get("segmentation"), image))
        except ValueError as error:
            raise ValueError(f"annotation {person.get('id')}: {error}") from error
    return tuple(outlines)


def _require_size(place: Path, image: dict[str, Any]) -> None:
    """Compare the size that a file states with that of the photograph, upright, by its header.

    Raises:
        ValueError: They differ, so that the outlines are those of another picture.
    """
    try:
        stated = int(float(image["width"])), int(float(image["height"]))
        with Image.open(place) as picture:
            turned = (exif_of(picture).orientation or 1) > _TURNED
            size = picture.size[::-1] if turned else picture.size
    except (KeyError, TypeError, ValueError, OverflowError, OSError, SyntaxError):
        return  # it states none, or the picture cannot be read, which is told when it is
    if stated != size:
        raise ValueError(
            f"outlines in an image of {stated[0]}x{stated[1]}, but the picture has {size[0]}x{size[1]} pixels"
        )


def open_images_photos(root: Path) -> list[Photo]:
    """Photographs of a ``*-annotations-object-segmentation.csv``, in ``images/``, with the masks in
    ``masks/``.

    Raises:
        BadConfigError: A file or column is missing.
    """
    files = sorted(root.glob("*annotations-object-segmentation.csv"))
    if not files:
        raise BadConfigError(f"{root} holds no *-annotations-object-segmentation.csv of Open Images")
    people: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        with file.open(newline="") as rows:
            reader = csv.DictReader(rows)
            missing = {"MaskPath", "ImageID", "LabelName"} - set(reader.fieldnames or ())
            if missing:
                raise BadConfigError(f"{file} has no column {sorted(missing)[0]!r}")
            for row in reader:
                if row["LabelName"] in _PEOPLE:
                    people[row["ImageID"]].append(root / "masks" / row["MaskPath"])
    labelled = [(root / "images" / f"{identity}.jpg", masks) for identity, masks in sorted(people.items())]
    photos = [
        Photo("openimages", image, None, tuple(masks))
        for image, masks in labelled
        if image.is_file() and all(mask.is_file() for mask in masks)
    ]
    if not photos:
        raise BadConfigError(
            f"none of the {len(labelled)} photographs with people in {files[0].name} is in {root / 'images'}"
            f" with its masks in {root / 'masks'}"
        )
    return photos
