"""People with attribute labels, from Clothing Co-Parsing and the MIT pedestrians, merged into one vocabulary.

A label is 1, 0, or NaN where a data set does not say. CCP gives clothing (from pixel maps where they exist,
else from tags), garment colours and the length of hair (from pixel maps); MIT gives gender and orientation.
CCP does not label gender: garments that only women wear in that set count as weak evidence, with a low
weight. Where ``annotations/gender.csv`` has a reader's impressions, these are the labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import scipy.io
from jaxtyping import Float32, UInt8

from par_core.attributes.clothing_parts import OTHER_PART
from par_core.attributes.colours import dominant_colour
from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.datasets.folders import dataset_folder
from par_core.datasets.impressions import read_impressions
from par_core.errors import BadConfigError
from par_core.types import ImageU8

__all__ = [
    "IMPRESSIONS",
    "NAMES",
    "OTHER_PART",
    "LabelledPerson",
    "attribute_regions",
    "labelled_people",
    "labels_of",
    "read_label_map",
    "with_gender",
]

#: Where a reader's impressions of gender lie in CCP's folder, if there are any.
IMPRESSIONS: Final = "annotations/gender.csv"

NAMES: Final = tuple(attribute.name for attribute in ATTRIBUTES)
_INDEX: Final = {name: i for i, name in enumerate(NAMES)}
_LEAST_PIXELS: Final = 60
_LEAST_FOREGROUND: Final = 500
_WEAKLY_FEMALE: Final = ("dress", "skirt", "heels", "stockings")
_WEAK: Final = 0.3


@dataclass(frozen=True, slots=True)
class LabelledPerson:
    """One labelled photograph of one person.

    Attributes:
        source: ``ccp-pixels``, ``ccp-tags`` or ``mit``; ``made`` of people who were made (docs/made.md).
        image: The picture's file.
        label_map: CCP's pixel map, or the map of a made person, if there is one.
        labels: By the order of ``NAMES``: 1, 0 or NaN.
        weights: How much each label counts in training, in [0, 1].
        colours: Colour terms of the garments whose pixels are known, by attribute name.
        drawn_outline: Outline from a segmenter, as a picture that is zero outside.
    """

    source: str
    image: Path
    label_map: Path | None
    labels: tuple[float, ...]
    weights: tuple[float, ...]
    colours: tuple[tuple[str, str], ...]
    drawn_outline: Path | None = None


def labelled_people(dataset: Literal["ccp", "mit"], root: Path) -> list[LabelledPerson]:
    """The people of a data set, by file name.

    Args:
        dataset: Clothing Co-Parsing, or the MIT pedestrians.
        root: The data set's folder, or the folder that holds it.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    if dataset == "ccp":
        folder = dataset_folder(
            root, "ccp", ("photos", "annotations/pixel-level", "annotations/image-level", "label_list.mat")
        )
        people = sorted([*_ccp_pixels(folder), *_ccp_tags(folder)], key=lambda person: person.image.name)
        impressions = folder / IMPRESSIONS
        return with_gender(people, read_impressions(impressions)) if impressions.exists() else people
    folder = root / "mit_pedestrian" if (root / "mit_pedestrian").is_dir() else root
    people = _mit(folder)
    if not people:
        raise BadConfigError(
            f"{root} holds no MIT pedestrians: there is no NNNNN_(male|female)_(fore|back).jpg, neither in it"
            f" nor in {root / 'mit_pedestrian'}"
        )
    return people


def with_gender(people: Sequence[LabelledPerson], labels: Mapping[str, float]) -> list[LabelledPerson]:
    """Return the people with full labels of ``female`` instead of weak evidence.

    Args:
        people: People of CCP.
        labels: 1, 0 or NaN by name of picture; who is not in it stays as they are.
    """
    return [
        replace(
            person,
            labels=_with(person.labels, labels[person.image.name]),
            weights=_with(person.weights, 1.0),
        )
        if person.image.name in labels
        else person
        for person in people
    ]


def _with(values: tuple[float, ...], female: float) -> tuple[float, ...]:
    place = _INDEX["female"]
    return (*values[:place], female, *values[place + 1 :])


def labels_of(people: list[LabelledPerson]) -> Float32[np.ndarray, "n k"]:
    """The labels of many people as a matrix."""
    return np.array([person.labels for person in people], np.float32)


def read_label_map(path: Path) -> np.ndarray:
    """CCP's pixel map: (h, w), 0 for background, else an index into its label list; or an outline as PNG, 0
    for background.
    """
    if path.suffix == ".png":
        return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    return scipy.io.loadmat(path)["groundtruth"]


def attribute_regions(person: LabelledPerson) -> UInt8[np.ndarray, "h w"] | None:
    """Which attribute each pixel of a person shows: 0 for none, else 1 + its place in ``NAMES``; None where
    there is no pixel map.

    The pixels of ``long_hair`` are those of hair of any length. A map in PNG, as of made people, holds these
    numbers itself, and ``OTHER_PART`` where the person shows no attribute.
    """
    if person.label_map is None:
        return None
    label_map = read_label_map(person.label_map)
    if person.label_map.suffix == ".png":
        return np.where(label_map == OTHER_PART, 0, label_map).astype(np.uint8)
    return _ccp_regions(person.label_map.parents[2])[label_map]


@lru_cache(maxsize=4)
def _ccp_regions(root: Path) -> UInt8[np.ndarray, " labels"]:
    """For each label of CCP the code of its attribute."""
    names = _ccp_names(root)
    codes = np.zeros(len(names), np.uint8)
    for i, attribute in enumerate(ATTRIBUTES, start=1):
        codes[[names.index(label) for label in attribute.ccp]] = i
    codes[names.index("hair")] = 1 + _INDEX["long_hair"]
    return codes


def _ccp_pixels(root: Path) -> list[LabelledPerson]:
    names = _ccp_names(root)
    people = []
    for path in sorted((root / "annotations" / "pixel-level").glob("*.mat")):
        label_map = read_label_map(path)
        if np.count_nonzero(label_map) < _LEAST_FOREGROUND:
            continue
        picture = root / "photos" / f"{path.stem}.jpg"
        counts = np.bincount(label_map.ravel(), minlength=len(names))
        labels, weights = _clothing({names[i] for i in np.flatnonzero(counts >= _LEAST_PIXELS)})
        labels[_INDEX["long_hair"]] = _hair(label_map == names.index("hair"), label_map > 0)
        people.append(
            LabelledPerson(
                "ccp-pixels",
                picture,
                path,
                tuple(labels),
                tuple(weights),
                _garments(picture, label_map, names),
            )
        )
    return people


def _ccp_tags(root: Path) -> list[LabelledPerson]:
    names = _ccp_names(root)
    people = []
    for path in sorted((root / "annotations" / "image-level").glob("*.mat")):
        labels, weights = _clothing({names[i] for i in scipy.io.loadmat(path)["tags"].ravel()})
        people.append(
            LabelledPerson(
                "ccp-tags", root / "photos" / f"{path.stem}.jpg", None, tuple(labels), tuple(weights), ()
            )
        )
    return people


def _clothing(worn: set[str]) -> tuple[list[float], list[float]]:
    labels = [
        float(bool(worn & set(attribute.ccp))) if attribute.ccp else float("nan") for attribute in ATTRIBUTES
    ]
    weights = [1.0] * len(labels)
    if any(labels[_INDEX[name]] == 1 for name in _WEAKLY_FEMALE):
        labels[_INDEX["female"]] = 1.0
        weights[_INDEX["female"]] = _WEAK
    return labels, weights


def _hair(hair: np.ndarray, person: np.ndarray) -> float:
    """1 for hair that reaches the shoulders, 0 for hair that ends at the ears, NaN between (measured against
    the person's height).
    """
    rows, body = np.flatnonzero(hair.any(axis=1)), np.flatnonzero(person.any(axis=1))
    if len(rows) < 2 or hair.sum() < _LEAST_PIXELS:
        return float("nan")
    reach = (rows[-1] - rows[0]) / (body[-1] - body[0])
    return 1.0 if reach > 0.145 else 0.0 if reach < 0.10 else float("nan")


def _garments(picture: Path, label_map: np.ndarray, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pixels = _read(picture)
    garments = []
    for attribute in ATTRIBUTES:
        codes = [names.index(label) for label in attribute.ccp]
        worn = np.isin(label_map, codes) if codes else np.zeros(1, bool)
        if worn.sum() >= 2 * _LEAST_PIXELS and worn.shape == pixels.shape[:2]:
            colour, share = dominant_colour(pixels, worn)
            if colour is not None and share is not None and share >= 0.4:
                garments.append((attribute.name, colour))
    return tuple(garments)


def _mit(root: Path) -> list[LabelledPerson]:
    people = []
    for path in sorted(root.glob("[0-9]*_*male_*.jpg")):
        _, gender, orientation = path.stem.split("_")
        labels = [float("nan")] * len(NAMES)
        labels[_INDEX["female"]] = float(gender == "female")
        labels[_INDEX["front"]] = float(orientation == "fore")
        people.append(LabelledPerson("mit", path, None, tuple(labels), (1.0,) * len(NAMES), ()))
    return people


@lru_cache(maxsize=4)
def _ccp_names(root: Path) -> tuple[str, ...]:
    return tuple(str(cell[0]) for cell in scipy.io.loadmat(root / "label_list.mat")["label_list"][0])


def _read(path: Path) -> ImageU8:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
