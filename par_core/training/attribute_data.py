"""Which people with attribute labels are trained on, and which are held out."""

from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.merged_labels import LabelledPerson, labelled_people

__all__ = ["read_people"]

_HELD_OUT: Final = {"ccp": 0.15, "mit": 0.17}
_MIT_BLOCK: Final = 10  # neighbouring files often show the same person


def read_people(data_dir: Path, seed: int = 0) -> tuple[list[LabelledPerson], list[LabelledPerson]]:
    """All labelled people: those to train on, and those held out (by seeded choice; MIT in blocks of
    neighbours).
    """
    train: list[LabelledPerson] = []
    kept: list[LabelledPerson] = []
    ccp = labelled_people("ccp", data_dir)
    chosen = np.random.default_rng([seed, 1]).random(len(ccp)) < _HELD_OUT["ccp"]
    for person, keep in zip(ccp, chosen, strict=True):
        (kept if keep else train).append(person)
    mit = labelled_people("mit", data_dir)
    blocks = [int(person.image.name[:5]) // _MIT_BLOCK for person in mit]
    held = np.random.default_rng([seed, 2]).random(max(blocks) + 1) < _HELD_OUT["mit"]
    for person, block in zip(mit, blocks, strict=True):
        (kept if held[block] else train).append(person)
    return train, kept
