"""Market-1501-attribute (Lin et al. 2019): ``market_attribute.mat`` labels the 1,501 identities of
Market-1501's photographs.

Values are 1 and 2: "no" and "yes", but ``gender`` 2 is female, ``hair`` 2 long, ``up`` 2 short sleeves,
``down`` 2 short lower clothing and ``clothes`` 2 trousers. ``age`` has four values and becomes one column
each. ``bounding_box_train/`` and ``bounding_box_test/`` hold the photographs, whose names begin with the
identity: ``0002_c1s1_000451_03.jpg``.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from par_core.datasets.folders import photographs
from par_core.datasets.labelled_set import AttributeSet, Split, assemble
from par_core.datasets.mat_files import as_published, read_mat
from par_core.errors import BadConfigError

__all__ = ["read_market1501"]

_FOLDERS: Final = {"train": "bounding_box_train", "test": "bounding_box_test"}
_AGES: Final = (1, 2, 3, 4)


def read_market1501(root: Path, split: Split) -> AttributeSet:
    """Read the labels and the photographs of labelled people; "-1" and "0000" are junk and distractors and
    are passed over.

    Raises:
        BadConfigError: A file is missing or not as published; names the person and the attribute.
    """
    file = root / "market_attribute.mat"
    content = read_mat(file, "market_attribute")["market_attribute"]
    images: list[Path] = []
    rows: list[np.ndarray] = []
    identities: list[str] = []
    parts = {}
    names: list[str] = []
    for part, folder in _FOLDERS.items():
        with as_published(file):
            names, label_of = _labels(file, content[part][0][0][0][0])
        start = len(images)
        for image in photographs(root / folder):
            identity = image.name.split("_")[0]
            if identity in label_of:
                images.append(image)
                rows.append(label_of[identity])
                identities.append(identity)
        parts[part] = range(start, len(images))
    if not images:
        raise BadConfigError(
            f"no photographs of labelled people in {root / _FOLDERS['train']} and {root / _FOLDERS['test']}"
        )
    return assemble("market1501", file, names, images, np.array(rows), identities=identities, parts=parts)


def _labels(file: Path, content: Any) -> tuple[list[str], dict[str, np.ndarray]]:
    """Attribute names in order, and a row of labels by identity."""
    people = [str(cell[0]) for cell in content["image_index"].ravel()]
    columns: dict[str, np.ndarray] = {}
    for name in sorted(set(content.dtype.names) - {"image_index"}):
        values = content[name].ravel().astype(int)
        allowed = _AGES if name == "age" else (1, 2)
        strange = np.flatnonzero(~np.isin(values, allowed))
        if len(strange):
            raise BadConfigError(
                f"{file}: {name!r} of person {people[strange[0]]} is {values[strange[0]]}, not one of"
                f" {', '.join(map(str, allowed))}"
            )
        columns |= {f"age{age}": values == age for age in _AGES} if name == "age" else {name: values == 2}
    names = sorted(columns)
    return names, dict(
        zip(people, np.stack([columns[name] for name in names], axis=1).astype(float), strict=True)
    )
