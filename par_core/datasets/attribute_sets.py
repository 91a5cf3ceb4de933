"""Data sets of people with attribute labels, each read from the format that it is published in.
docs/datasets.md describes the formats.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from par_core.datasets.csv_labels import read_csv_labels
from par_core.datasets.labelled_set import AttributeSet, Split
from par_core.datasets.market1501 import read_market1501
from par_core.datasets.merged_labels import labels_of
from par_core.datasets.msp60k import read_msp60k
from par_core.datasets.open_images import read_open_images
from par_core.datasets.own_words import read_ccp, read_mit
from par_core.datasets.pa100k import read_pa100k
from par_core.datasets.peta import read_peta
from par_core.datasets.rap import read_rapv1, read_rapv2
from par_core.datasets.splits import identity_disjoint_split
from par_core.datasets.upar import read_upar
from par_core.errors import BadConfigError

__all__ = ["ATTRIBUTE_SETS", "SPLITS", "AttributeSet", "read_attribute_set", "require_split"]

_EXAMPLES: Final = 5
_ZS_SEED: Final = 0

#: Readers take a folder and a split; for ``zs`` they return everybody, and say who is who.
ATTRIBUTE_SETS: Final[dict[str, Callable[[Path, Split], AttributeSet]]] = {
    "peta": read_peta,
    "rapv1": read_rapv1,
    "rapv2": read_rapv2,
    "pa100k": read_pa100k,
    "market1501": read_market1501,
    "upar": read_upar,
    "msp60k": read_msp60k,
    "openimages": read_open_images,
    "ccp": read_ccp,
    "mit": read_mit,
    "csv": read_csv_labels,
}

_FIVE: Final[tuple[Split, ...]] = (0, 1, 2, 3, 4)
#: The splits to choose from, where there are others than the one that is published.
SPLITS: Final[dict[str, tuple[Split, ...]]] = {
    "peta": (*_FIVE, "zs"),
    "rapv1": _FIVE,
    "rapv2": (*_FIVE, "zs"),
    "market1501": (0, "zs"),
    "upar": tuple(range(10)),
    "msp60k": (0, 1, 2),
    "csv": (0, "zs"),
}


def read_attribute_set(name: str, root: Path, split: Split = 0, also: Collection[str] = ()) -> AttributeSet:
    """Read a data set.

    Args:
        name: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        split: Number of an official split, from 0; or ``zs``: the people whose identity is known, none
            of them in two parts.
        also: Attributes to read beside those that are evaluated, where the data set has them (rapv2).

    Raises:
        BadConfigError: Name or split is unknown, a file is missing, or its content is not as published; names
            file and place.
    """
    require_split(name, split)
    data = read_rapv2(root, split, also) if name == "rapv2" else ATTRIBUTE_SETS[name](root, split)
    if split == "zs":
        data = _zero_shot(data)
    absent = list(dict.fromkeys(person.image for person in data.people if not person.image.is_file()))
    if absent:
        more = f" and {len(absent) - _EXAMPLES} more" if len(absent) > _EXAMPLES else ""
        raise BadConfigError(
            f"{name}: the labels name pictures that are not there:"
            f" {', '.join(map(str, absent[:_EXAMPLES]))}{more}"
        )
    return data


def require_split(name: str, split: Split) -> None:
    """Raise where there is no such data set, or where it has no such split.

    Raises:
        BadConfigError: Names what there is.
    """
    if name not in ATTRIBUTE_SETS:
        raise BadConfigError(
            f"no data set {name!r} of people with attributes; there are: {', '.join(ATTRIBUTE_SETS)}"
        )
    allowed = SPLITS.get(name, (0,))
    if split not in allowed:
        raise BadConfigError(f"{name} has no split {split!r}; there are: {', '.join(map(str, allowed))}")


def _zero_shot(data: AttributeSet) -> AttributeSet:
    known = [i for i, who in enumerate(data.identities) if who]
    if not known:
        raise BadConfigError(f"{data.name}: the split 'zs' needs identities, and the labels give none")
    people = tuple(data.people[i] for i in known)
    identities = tuple(data.identities[i] for i in known)
    parts = identity_disjoint_split(identities, labels_of(list(people)), seed=_ZS_SEED)
    boxes = None if data.boxes is None else data.boxes[known]
    return replace(data, people=people, identities=identities, parts=parts, boxes=boxes)
