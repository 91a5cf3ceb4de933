"""Which people with attribute labels are trained on, which choose, and which are reported on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool

from par_core.datasets.merged_labels import LabelledPerson, labelled_people
from par_core.training.parts import choosing

__all__ = ["PeopleParts", "held_out_of_ccp", "read_people"]

_HELD_OUT: Final = {"ccp": 0.15, "mit": 0.17}
_MIT_BLOCK: Final = 10  # neighbouring files often show the same person


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """Labelled people in three parts; nobody is in two of them.

    Attributes:
        train: People to learn from.
        choose: People on whom steps, calibration, thresholds and weights are chosen.
        report: People who decide nothing, for figures.
    """

    train: list[LabelledPerson]
    choose: list[LabelledPerson]
    report: list[LabelledPerson]


def read_people(data_dir: Path, seed: int = 0) -> PeopleParts:
    """Read all labelled people of Clothing Co-Parsing and the MIT pedestrians.

    Who is held out from training is a seeded choice; which half of them someone is in, the digest of the
    file's name decides. MIT is cut in blocks of neighbours.

    Args:
        data_dir: Folder of ``ccp`` and ``mit_pedestrian``.
        seed: Seed of the choice of who is held out.

    Raises:
        BadConfigError: The folder does not hold the data sets.
    """
    parts = PeopleParts([], [], [])
    ccp = labelled_people("ccp", data_dir)
    _place(ccp, [person.image.name for person in ccp], held_out_of_ccp(len(ccp), seed), parts)
    mit = labelled_people("mit", data_dir)
    blocks = np.array([int(person.image.name[:5]) // _MIT_BLOCK for person in mit])
    kept_blocks = np.random.default_rng([seed, 2]).random(blocks.max() + 1) < _HELD_OUT["mit"]
    _place(mit, [str(block) for block in blocks], kept_blocks[blocks], parts)
    return parts


def held_out_of_ccp(people: int, seed: int = 0) -> Bool[np.ndarray, " n"]:
    """Return which people of CCP, by file name, are held out from training."""
    return np.random.default_rng([seed, 1]).random(people) < _HELD_OUT["ccp"]


def _place(
    people: Sequence[LabelledPerson],
    groups: Sequence[str],
    kept: Bool[np.ndarray, " n"],
    parts: PeopleParts,
) -> None:
    """Add people to the parts; those of one group stay together."""
    chooses = choosing(group for group, held_out in zip(groups, kept, strict=True) if held_out)
    for person, group, held_out in zip(people, groups, kept, strict=True):
        part = parts.train if not held_out else parts.choose if group in chooses else parts.report
        part.append(person)
