"""RAP, people in a shopping centre: version 1 (Li et al. 2016) and version 2 (Li et al. 2019),
``RAP_annotation/RAP_annotation.mat`` and ``RAP_dataset/``.

Version 1 has 41,585 images, 92 attributes of which the first 51 are evaluated, and five splits into train and
test. Version 2 has 84,928 images, 152 attributes of which 54 are selected, five splits into train, val and
test, and knows who is on 26,638 images. A label of 2, "uncertain", counts as absent, as the field has it.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.labelled_set import PARTS, AttributeSet, Split, assemble
from par_core.datasets.mat_files import as_published, from_one, read_mat, texts

__all__ = ["read_rapv1", "read_rapv2"]

_FILE: Final = Path("RAP_annotation") / "RAP_annotation.mat"
_UNCERTAIN: Final = 2
_EVALUATED_V1: Final = 51
# fields of version 1, which its readers know by position
_PARTITION, _LABELS, _ATTRIBUTES, _IMAGES = 0, 1, 3, 5
_NOT_IN_ZS: Final = "Age46-60"  # hardly anybody whose identity is known


def read_rapv1(root: Path, split: Split) -> AttributeSet:
    """Read RAPv1; it does not say who is who.

    Raises:
        BadConfigError: The file is missing or not as published.
    """
    file = root / _FILE
    content = read_mat(file, "RAP_annotation")["RAP_annotation"]
    with as_published(file):
        fields = content[0][0]
        names = texts(fields[_ATTRIBUTES])[:_EVALUATED_V1]
        labels = np.asarray(fields[_LABELS], float)[:, :_EVALUATED_V1]
        images = [root / "RAP_dataset" / name for name in texts(fields[_IMAGES])]
        partition = fields[_PARTITION][split][0][0][0]
        parts = {"train": from_one(partition[0]), "test": from_one(partition[1])}
    labels[labels == _UNCERTAIN] = 0
    return assemble("rapv1", file, names, images, labels, parts=parts)


def read_rapv2(root: Path, split: Split, also: Collection[str] = ()) -> AttributeSet:
    """Read RAPv2; for the split ``zs`` without the attribute that RAPzs leaves out.

    Args:
        root: Folder.
        split: 0 to 4, or ``zs``.
        also: Attributes to read beside the selected ones, after them, as far as the file has them.

    Raises:
        BadConfigError: The file is missing or not as published.
    """
    file = root / _FILE
    content = read_mat(file, "RAP_annotation")["RAP_annotation"]
    with as_published(file):
        wanted = content["selected_attribute"][0][0].ravel().astype(int) - 1
        every = texts(content["attribute"][0][0])
        selected = set(wanted.tolist())
        more = [i for i, name in enumerate(every) if name in also and i not in selected]
        wanted = np.array([*wanted.tolist(), *more])
        names = np.array(every)[wanted]
        labels = np.asarray(content["data"][0][0], float)[:, wanted]
        images = [root / "RAP_dataset" / name for name in texts(content["name"][0][0])]
        numbers = np.zeros(len(images), int)
        people = content["person_identity"][0][0].ravel()
        numbers[: len(people)] = np.nan_to_num(people)
        parts = {}
        if split != "zs":
            partition = content["partition_attribute"][0][0][0][split][0][0]
            parts = {part: from_one(partition[f"{part}_index"]) for part in PARTS}
    labels[labels == _UNCERTAIN] = 0
    if split == "zs":
        names, labels = names[names != _NOT_IN_ZS], labels[:, names != _NOT_IN_ZS]
    identities = [str(number) if number > 0 else "" for number in numbers]
    return assemble(
        "rapv2", file, [str(name) for name in names], images, labels, identities=identities, parts=parts
    )
