"""Photographs with outlined people, read from the published formats of three data sets.

A photograph is an RGB picture and one label map: 0 where no person is, else the number of the person. Labels
of a map are 1 to n without gaps only after ``Scene`` composition; the files may skip numbers.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
import scipy.io
from jaxtyping import UInt8
from pycocotools import mask as coco_mask

from par_core.datasets.folders import dataset_folder
from par_core.errors import BadConfigError, BadInputError
from par_core.types import BoxesXYXY, ImageU8

__all__ = [
    "MOST_PEOPLE",
    "BoxedPhoto",
    "LabelMap",
    "OutlinedSet",
    "Photo",
    "boxed_photos",
    "has_yolo_files",
    "outlined_photos",
    "read_photo",
    "read_picture",
]

OutlinedSet = Literal["pennfudan", "coco", "empty", "ccp", "made"]
LabelMap = UInt8[np.ndarray, "_ _"]

_COCO_PERSON = "1"
_YOLO_PERSON = "0"
_YOLO_PARTS: Final = ("images", "polygons", "boxes")
_CCP_LEAST_PIXELS = 500
#: Numbers that a label map can hold.
MOST_PEOPLE: Final = 255


@dataclass(frozen=True, slots=True)
class Photo:
    """Where a photograph and its outlines are.

    Attributes:
        source: ``pennfudan``, ``coco``, ``empty`` (of COCO, without people) or ``ccp``; of other data sets
            their name.
        image: The picture's file.
        labels: The outlines' file; None where no person is in the picture, or where ``people`` has them.
        people: Segmentations in COCO's JSON (polygons or run lengths), or files of masks.
    """

    source: str
    image: Path
    labels: Path | None
    people: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class BoxedPhoto:
    """A photograph of whose people the boxes are known, and no outlines.

    Attributes:
        image: The picture's file.
        boxes: (n, 4) x1 y1 x2 y2, pixels; n is 0 where nobody is in the picture.
    """

    image: Path
    boxes: BoxesXYXY


def outlined_photos(dataset: OutlinedSet, root: Path) -> list[Photo]:
    """The photographs of a data set, by name.

    Args:
        dataset: ``empty`` are the photographs of ``coco`` without people.
        root: The data set's folder, or the folder that holds it.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    match dataset:
        case "pennfudan":
            return _pennfudan(dataset_folder(root, "pennfudan", ("PNGImages", "PedMasks")))
        case "ccp":
            return _ccp(dataset_folder(root, "ccp", ("photos", "annotations/pixel-level")))
        case "made":
            return _made(dataset_folder(root, "made", ("manifest.json", "masks")))
    folder = dataset_folder(root, "coco_people", _YOLO_PARTS)
    return _coco(folder) if dataset == "coco" else _coco_without_people(folder)


def boxed_photos(root: Path) -> list[BoxedPhoto]:
    """The photographs of ``coco_people`` whose people have boxes but no outlines, by name.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    folder = dataset_folder(root, "coco_people", _YOLO_PARTS)
    outlined = {photo.image for photo in _coco(folder)}
    boxed = []
    for image in sorted((folder / "images").iterdir()):
        rows = _rows(folder / "boxes" / f"{image.stem}.txt")
        people = np.array([row[1:5] for row in rows if row[0] == _YOLO_PERSON], np.float32).reshape(-1, 4)
        if image not in outlined and len(people):
            height, width = np.asarray(cv2.imread(str(image))).shape[:2]
            corners = np.hstack([people[:, :2] - people[:, 2:] / 2, people[:, :2] + people[:, 2:] / 2])
            boxed.append(BoxedPhoto(image, (corners * [width, height, width, height]).astype(np.float32)))
    return boxed


def has_yolo_files(root: Path) -> bool:
    """Whether a folder, or ``coco_people`` in it, holds COCO in YOLO's form."""
    return any(
        all((folder / part).is_dir() for part in _YOLO_PARTS) for folder in (root, root / "coco_people")
    )


def read_picture(image: Path) -> ImageU8:
    """Read a photograph.

    Raises:
        BadInputError: It cannot be read; names it.
    """
    pixels = cv2.imread(str(image))
    if pixels is None:
        raise BadInputError(f"{image} is no picture that can be read")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def read_photo(photo: Photo) -> tuple[ImageU8, LabelMap]:
    """Read a picture and its label map, both of the picture's size."""
    picture = read_picture(photo.image)
    height, width = picture.shape[:2]
    if photo.labels is None:
        labels = np.zeros((height, width), np.uint8)
        for number, person in enumerate(photo.people[:MOST_PEOPLE], start=1):
            mask = _mask_of(person, height, width)
            if mask.shape != labels.shape:
                raise BadInputError(
                    f"{photo.image} has {width}x{height} pixels, but the mask of a person in it"
                    f" {mask.shape[1]}x{mask.shape[0]}"
                )
            labels[mask] = number
    elif photo.labels.suffix == ".png":
        labels = np.asarray(cv2.imread(str(photo.labels), cv2.IMREAD_UNCHANGED))
    elif photo.source == "ccp":
        labels = (scipy.io.loadmat(photo.labels)["groundtruth"] > 0).astype(np.uint8)
    else:
        labels = np.zeros((height, width), np.uint8)
        for number, polygon in enumerate(_person_polygons(photo.labels), start=1):
            cv2.fillPoly(labels, [np.rint(polygon * (width, height)).astype(np.int32)], number)
    return picture, labels


def _mask_of(person: Any, height: int, width: int) -> np.ndarray:
    if isinstance(person, Path):
        mask = cv2.imread(str(person), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise BadInputError(f"{person} is no picture of a mask")
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)) > 0
    compressed = isinstance(person, dict) and isinstance(person["counts"], str)
    runs = person if compressed else coco_mask.frPyObjects(person, height, width)
    return np.asarray(coco_mask.decode(coco_mask.merge(runs) if isinstance(runs, list) else runs)) > 0


def _pennfudan(root: Path) -> list[Photo]:
    return [
        Photo("pennfudan", image, root / "PedMasks" / f"{image.stem}_mask.png")
        for image in sorted((root / "PNGImages").iterdir())
    ]


def _made(root: Path) -> list[Photo]:
    """Composites of ``par generate``."""
    return [
        Photo("made", root / "pictures" / f"{mask.stem}.jpg", mask)
        for mask in sorted((root / "masks").iterdir())
    ]


def _coco(root: Path) -> list[Photo]:
    outlined = [
        (image, root / "polygons" / f"{image.stem}.txt") for image in sorted((root / "images").iterdir())
    ]
    photos = [
        Photo("coco", image, labels)
        for image, labels in outlined
        if labels.exists() and _person_polygons(labels)
    ]
    classes = set() if photos else {row[0] for _, labels in outlined for row in _rows(labels)}
    if classes:
        raise BadConfigError(
            f"nobody is outlined in {root / 'polygons'}: a person is class {_COCO_PERSON} there, and the"
            f" classes are {', '.join(sorted(classes))}"
        )
    return photos


def _coco_without_people(root: Path) -> list[Photo]:
    outlined = {photo.image for photo in _coco(root)}
    boxed = {
        image
        for image in (root / "images").iterdir()
        if any(row[0] == _YOLO_PERSON for row in _rows(root / "boxes" / f"{image.stem}.txt"))
    }
    return [
        Photo("empty", image, None)
        for image in sorted((root / "images").iterdir())
        if image not in outlined | boxed
    ]


def _ccp(root: Path) -> list[Photo]:
    mapped = [
        Photo("ccp", root / "photos" / f"{labels.stem}.jpg", labels)
        for labels in sorted((root / "annotations" / "pixel-level").iterdir())
    ]
    return [photo for photo in mapped if photo.labels and _person_pixels(photo.labels) >= _CCP_LEAST_PIXELS]


def _person_pixels(labels: Path) -> int:
    return int(np.count_nonzero(scipy.io.loadmat(labels)["groundtruth"]))


def _rows(file: Path) -> list[list[str]]:
    """The rows of a YOLO file: class (as a whole number), then numbers; none where the file is missing."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return [_row(file, number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]


def _row(file: Path, number: int, cells: list[str]) -> list[str]:
    try:
        kind, values = float(cells[0]), [float(cell) for cell in cells[1:]]
    except ValueError as error:
        raise BadConfigError(f"{file}, line {number}: {error}") from error
    if len(values) % 2 or not kind.is_integer() or not all(map(math.isfinite, values)):
        raise BadConfigError(
            f"{file}, line {number}: a class that is a whole number and pairs of finite numbers are expected,"
            f" not {len(values)} numbers after {cells[0]!r}"
        )
    return [f"{int(kind)}", *cells[1:]]


@lru_cache(maxsize=1024)
def _person_polygons(labels: Path) -> tuple[np.ndarray, ...]:
    return tuple(np.array(row[1:], float).reshape(-1, 2) for row in _rows(labels) if row[0] == _COCO_PERSON)
