"""Clothing Co-Parsing and the MIT pedestrians, by the attributes of PAR's own vocabulary that each of them
labels.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from par_core.attributes.vocabulary import ATTRIBUTES
from par_core.datasets.labelled_set import AttributeSet, Split
from par_core.datasets.merged_labels import NAMES, labelled_people

__all__ = ["read_ccp", "read_mit"]


def read_ccp(root: Path, split: Split) -> AttributeSet:
    """Read CCP's photographs with their clothing (Yang et al. 2014); no split.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    return _narrowed("ccp", root, tuple(attribute.name for attribute in ATTRIBUTES if attribute.ccp))


def read_mit(root: Path, split: Split) -> AttributeSet:
    """Read the MIT pedestrians with gender and orientation, which are in the files' names; no split.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    return _narrowed("mit", root, ("female", "front"))


def _narrowed(name: Literal["ccp", "mit"], root: Path, wanted: tuple[str, ...]) -> AttributeSet:
    columns = [NAMES.index(attribute) for attribute in wanted]
    people = [
        replace(
            person,
            labels=tuple(person.labels[i] for i in columns),
            weights=tuple(person.weights[i] for i in columns),
        )
        for person in labelled_people(name, root)
    ]
    return AttributeSet(name, wanted, tuple(people), (), {})
