"""People outlined in the formats of large instance segmentation data sets: COCO's JSON (Lin et al. 2014) and
Open Images (Benenson et al. 2019).
"""

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from par_core.datasets.outlines import Photo
from par_core.errors import BadConfigError

__all__ = ["coco_json_photos", "open_images_photos"]

#: Open Images' classes of people: Person, Man, Woman, Girl, Boy.
_PEOPLE: Final = frozenset({"/m/01g317", "/m/04yx4", "/m/03bt1vf", "/m/05r655", "/m/01bl7v"})


def coco_json_photos(root: Path) -> list[Photo]:
    """Photographs of ``annotations/instances_NAME.json`` whose folder ``NAME`` (or ``images``) is there;
    those without people are ``empty``.

    Crowds (``iscrowd``) are left out with their photographs: no person in them is outlined.

    Raises:
        BadConfigError: There is no such file, or it is not COCO's JSON; names what is wrong.
    """
    for file in sorted((root / "annotations").glob("instances_*.json")):
        name = file.stem.removeprefix("instances_")
        folder = next((place for place in (root / name, root / "images") if place.is_dir()), None)
        if folder is not None:
            return _of_json(file, folder)
    raise BadConfigError(
        f"{root} holds no annotations/instances_NAME.json with a folder NAME of photographs beside it"
    )


def _of_json(file: Path, folder: Path) -> list[Photo]:
    try:
        content = json.loads(file.read_text())
        wanted = {each["id"] for each in content["categories"] if each["name"] == "person"}
        people: dict[int, list[Any]] = defaultdict(list)
        crowded = set()
        for each in content["annotations"]:
            if each["category_id"] in wanted:
                people[each["image_id"]].append(each["segmentation"])
                if each.get("iscrowd"):
                    crowded.add(each["image_id"])
        images = [(each["id"], folder / each["file_name"]) for each in content["images"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise BadConfigError(
            f"{file} is not laid out as COCO's JSON ({type(error).__name__}: {error})"
        ) from error
    if not wanted:
        raise BadConfigError(f"{file} has no category named 'person'")
    there = [(number, image) for number, image in images if number not in crowded and image.is_file()]
    if not there:
        raise BadConfigError(f"{file} names no photograph that is in {folder}")
    return [
        Photo("coco-json" if people[number] else "empty", image, None, tuple(people[number]))
        for number, image in there
    ]


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
