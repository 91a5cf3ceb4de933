"""People outlined in the formats of large instance segmentation data sets: COCO's JSON (Lin et al. 2014) and
Open Images (Benenson et al. 2019).
"""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from par_core.datasets.outlines import MOST_PEOPLE, Photo, outlined_photos
from par_core.errors import BadConfigError

__all__ = ["coco_json_photos", "coco_photos", "open_images_photos"]

_LEAST_NUMBERS: Final = 6  # of a polygon: three points
_EXAMPLES: Final = 3

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
    if any((root / "annotations").glob("instances_*.json")):
        return coco_json_photos(root, problems)
    return outlined_photos("coco", root) + outlined_photos("empty", root)


def coco_json_photos(root: Path, problems: list[str] | None = None) -> list[Photo]:
    """Photographs of ``annotations/instances_NAME.json`` whose folder ``NAME`` (or ``images``) is there;
    those without people are ``empty``.

    Crowds (``iscrowd``) are left out with their photographs: no person in them is outlined. So are
    photographs with a person whose outline is missing or wrong, or with more people than a label map can
    hold.

    Args:
        root: The data set's folder.
        problems: A sentence on each photograph that is passed over for such an outline is added.

    Raises:
        BadConfigError: There is no such file, or it is not COCO's JSON; names what is wrong.
    """
    for file in sorted((root / "annotations").glob("instances_*.json")):
        name = file.stem.removeprefix("instances_")
        folder = next((place for place in (root / name, root / "images") if place.is_dir()), None)
        if folder is not None:
            return _of_json(file, folder, [] if problems is None else problems)
    raise BadConfigError(
        f"{root} holds no annotations/instances_NAME.json with a folder NAME of photographs beside it"
    )


def _of_json(file: Path, folder: Path, problems: list[str]) -> list[Photo]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        wanted = {str(each["id"]) for each in content["categories"] if each["name"] == "person"}
        people: dict[str, list[Any]] = defaultdict(list)
        crowded = set()
        for each in content["annotations"]:
            if str(each["category_id"]) in wanted:
                people[str(each["image_id"])].append(each)
                if each.get("iscrowd"):
                    crowded.add(str(each["image_id"]))
        images = {str(each["id"]): each for each in content["images"]}
        places = {number: folder / each["file_name"] for number, each in images.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadConfigError(
            f"{file} is not laid out as COCO's JSON ({type(error).__name__}: {error})"
        ) from error
    if not wanted:
        raise BadConfigError(f"{file} has no category named 'person'")
    nowhere = sorted(people.keys() - images.keys())
    problems += [f"{file}: annotations of an image {number!r}, which it does not list" for number in nowhere]
    there = [number for number, image in places.items() if number not in crowded and image.is_file()]
    if not there:
        raise BadConfigError(f"{file} names no photograph that is in {folder}")
    photos = []
    for number in there:
        try:
            outlines = _outlines_of(people[number], images[number])
        except ValueError as error:
            problems.append(f"{file}, image {number} ({places[number].name}): {error}")
            continue
        photos.append(Photo("coco-json" if outlines else "empty", places[number], None, outlines))
    if not photos:
        raise BadConfigError(f"no photograph of {file} can be used: {'; '.join(problems[:_EXAMPLES])}")
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
            outlines.append(_outline(person.get("segmentation"), image))
        except ValueError as error:
            raise ValueError(f"annotation {person.get('id')}: {error}") from error
    return tuple(outlines)


def _outline(segmentation: Any, image: dict[str, Any]) -> Any:
    """Return a segmentation in a form that pycocotools reads: polygons of at least three points, or run
    lengths of the photograph's size.
    """
    if not segmentation:
        raise ValueError("a box without an outline")
    if isinstance(segmentation, dict):
        size = [image.get("height"), image.get("width")]
        if "counts" not in segmentation or (None not in size and list(segmentation.get("size", ())) != size):
            raise ValueError(f"run lengths of size {segmentation.get('size')}, but the image has {size}")
        return segmentation
    if not isinstance(segmentation, list):
        raise ValueError(f"an outline that is {type(segmentation).__name__}")
    polygons = [segmentation] if all(isinstance(each, int | float) for each in segmentation) else segmentation
    kept = [polygon for polygon in polygons if isinstance(polygon, list) and len(polygon) >= _LEAST_NUMBERS]
    if not kept:
        raise ValueError("no polygon of three points")
    for polygon in kept:
        if len(polygon) % 2:
            raise ValueError(f"a polygon of {len(polygon)} numbers, not of pairs")
        if not all(isinstance(each, int | float) and math.isfinite(each) for each in polygon):
            raise ValueError("a coordinate that is no finite number")
    return kept


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
