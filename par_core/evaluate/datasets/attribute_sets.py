"""Data sets of people with attribute labels, each in the format that it is published in.

name         images                               labels
peta         images/00001.png ...                 PETA.mat (Deng et al. 2014, in the form that the field shares), 35 attributes
rapv2        RAP_dataset/                         RAP_annotation/RAP_annotation.mat (Li et al. 2019), 54 selected attributes
pa100k       data/                                annotation.mat (Liu et al. 2017), 26 attributes
market1501   bounding_box_train, bounding_box_test  market_attribute.mat (Lin et al. 2019), 27 attributes by identity
ccp          photos/                              tags and pixel maps (Yang et al. 2014), PAR's clothing attributes
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.io
from jaxtyping import Float32

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.errors import BadConfigError
from par_core.evaluate.datasets.labels import NAMES, LabelledPerson, labelled_people

__all__ = ["ATTRIBUTE_SETS", "AttributeSet", "read_attribute_set"]

_PETA_EVALUATED: Final = 35  # the first columns after four of other kinds; the rest are colours and what is too rare


@dataclass(frozen=True, slots=True)
class AttributeSet:
    """Labelled people and their official split.

    Attributes:
        name: Of the data set.
        attributes: Names of the k attributes.
        people: Their ``labels`` are by these names.
        identities: Who each person is, or an empty tuple where the data set does not say.
        parts: Indices of ``train``, ``val`` and ``test`` where there is an official split; of PETA and RAPv2 the first of five.
    """

    name: str
    attributes: tuple[str, ...]
    people: tuple[LabelledPerson, ...]
    identities: tuple[str, ...]
    parts: dict[str, tuple[int, ...]]


def read_attribute_set(name: str, root: Path) -> AttributeSet:
    """Read a data set.

    Raises:
        BadConfigError: The name is unknown, a file is missing, or its content is not as published; names file and place.
    """
    if name not in ATTRIBUTE_SETS:
        raise BadConfigError(f"no data set {name!r} of people with attributes; there are: {', '.join(ATTRIBUTE_SETS)}")
    found = ATTRIBUTE_SETS[name](root)
    absent = next((person.image for person in found.people if not person.image.is_file()), None)
    if absent is not None:
        raise BadConfigError(f"{name}: the labels name {absent}, which is not there")
    return found


def _peta(root: Path) -> AttributeSet:
    content = _mat(root / "PETA.mat", "peta")
    try:
        cell = content[0][0]
        labels = np.asarray(cell[0], float)[:, 4 : 4 + _PETA_EVALUATED]
        names = tuple(str(row[0][0]) for row in cell[1])[:_PETA_EVALUATED]
        split = cell[3][0][0][0][0]
        parts = {part: _from_one(split[i][:, 0]) for i, part in enumerate(("train", "val", "test"))}
    except (IndexError, TypeError, ValueError) as error:
        raise _not_as_published(root / "PETA.mat", error) from error
    images = [root / "images" / f"{number:05}.png" for number in range(1, len(labels) + 1)]
    return _set("peta", names, images, labels, (), parts)


def _rapv2(root: Path) -> AttributeSet:
    file = root / "RAP_annotation" / "RAP_annotation.mat"
    content = _mat(file, "RAP_annotation")
    try:
        wanted = content["selected_attribute"][0][0][0].astype(int) - 1
        names = tuple(str(content["attribute"][0][0][i][0][0]) for i in wanted)
        labels = np.asarray(content["data"][0][0], float)[:, wanted]
        images = [root / "RAP_dataset" / str(row[0][0]) for row in content["name"][0][0]]
        split = content["partition_attribute"][0][0][0][0][0][0]
        parts = {part: _from_one(split[f"{part}_index"].ravel()) for part in ("train", "val", "test")}
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise _not_as_published(file, error) from error
    labels[labels == 2] = 0  # "uncertain" counts as absent, as in the field
    return _set("rapv2", names, images, labels, (), parts)


def _pa100k(root: Path) -> AttributeSet:
    file = root / "annotation.mat"
    content = _mat(file, "attributes", whole=True)
    try:
        names = tuple(str(row[0][0]) for row in content["attributes"])
        images, labels, parts, start = [], [], {}, 0
        for part in ("train", "val", "test"):
            listed = [root / "data" / str(row[0][0]) for row in content[f"{part}_images_name"]]
            images += listed
            labels.append(np.asarray(content[f"{part}_label"], float))
            parts[part] = tuple(range(start, start + len(listed)))
            start += len(listed)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise _not_as_published(file, error) from error
    return _set("pa100k", names, images, np.concatenate(labels), (), parts)


def _market1501(root: Path) -> AttributeSet:
    """Labels are 1 and 2 by identity, "no" and "yes" but for gender (1 male) and clothes' lengths; ``age`` has four values, one column each."""
    file = root / "market_attribute.mat"
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    content: Any = scipy.io.loadmat(file, simplify_cells=True).get("market_attribute")
    images: list[Path] = []
    rows: list[Float32[np.ndarray, " k"]] = []
    identities: list[str] = []
    parts: dict[str, tuple[int, ...]] = {}
    names: tuple[str, ...] = ()
    try:
        for part, folder in (("train", "bounding_box_train"), ("test", "bounding_box_test")):
            told = dict(content[part])
            people = [str(identity) for identity in told.pop("image_index")]
            ages = np.asarray(told.pop("age"))
            columns = {name: np.asarray(values) == 2 for name, values in told.items()} | {f"age{value}": ages == value for value in range(1, 5)}
            names = tuple(sorted(columns))
            matrix = np.stack([columns[name] for name in names], axis=1).astype(np.float32)
            label_of = dict(zip(people, matrix, strict=True))
            start = len(images)
            for image in sorted((root / folder).glob("*.jpg")):
                identity = image.name.split("_")[0]
                if identity in label_of:  # "-1" and "0000" are junk and distractors
                    images.append(image)
                    rows.append(label_of[identity])
                    identities.append(identity)
            parts[part] = tuple(range(start, len(images)))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_as_published(file, error) from error
    if not images:
        raise BadConfigError(f"no photographs of labelled people in {root / 'bounding_box_train'} and {root / 'bounding_box_test'}")
    return _set("market1501", names, images, np.array(rows), tuple(identities), parts)


def _ccp(root: Path) -> AttributeSet:
    wanted = [NAMES.index(attribute.name) for attribute in ATTRIBUTES if attribute.ccp]
    people = labelled_people("ccp", root)
    narrowed = [_narrowed(person, wanted) for person in people]
    return AttributeSet("ccp", tuple(NAMES[i] for i in wanted), tuple(narrowed), (), {})


def _narrowed(person: LabelledPerson, wanted: list[int]) -> LabelledPerson:
    labels, weights = (tuple(values[i] for i in wanted) for values in (person.labels, person.weights))
    return LabelledPerson(person.source, person.image, person.label_map, labels, weights, person.colours)


def _set(name: str, attributes: tuple[str, ...], images: list[Path], labels: np.ndarray, identities: tuple[str, ...], parts: dict[str, Any]) -> AttributeSet:
    if labels.shape != (len(images), len(attributes)):
        raise BadConfigError(f"{name}: {len(images)} images and {len(attributes)} attributes, but labels of shape {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        row, column = np.argwhere(~np.isin(labels, (0, 1)))[0]
        raise BadConfigError(f"{name}: the label of image {row + 1}, attribute {attributes[column]!r}, is {labels[row, column]}, neither 0 nor 1")
    wrong = [part for part, rows in parts.items() if rows and not 0 <= min(rows) <= max(rows) < len(images)]
    if wrong:
        raise BadConfigError(f"{name}: the part {wrong[0]!r} names images beyond the {len(images)} that there are")
    weights = (1.0,) * len(attributes)
    people = tuple(LabelledPerson(name, image, None, tuple(map(float, row)), weights, ()) for image, row in zip(images, labels, strict=True))
    return AttributeSet(name, attributes, people, identities, parts)


def _mat(file: Path, key: str, *, whole: bool = False) -> Any:
    if not file.is_file():
        raise BadConfigError(f"{file} is missing")
    content = scipy.io.loadmat(file)
    if key not in content:
        raise BadConfigError(f"{file} has no {key!r}; it has: {', '.join(_keys(content))}")
    return content if whole else content[key]


def _keys(content: dict[str, Any]) -> Iterator[str]:
    return (key for key in content if not key.startswith("__"))


def _from_one(numbers: np.ndarray) -> tuple[int, ...]:
    return tuple(int(number) - 1 for number in numbers)


def _not_as_published(file: Path, error: Exception) -> BadConfigError:
    return BadConfigError(f"{file} is not laid out as published ({type(error).__name__}: {error})")


ATTRIBUTE_SETS: Final[dict[str, Callable[[Path], AttributeSet]]] = {
    "peta": _peta,
    "rapv2": _rapv2,
    "pa100k": _pa100k,
    "market1501": _market1501,
    "ccp": _ccp,
}
