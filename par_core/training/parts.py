"""The three parts of a data set: people and photographs that train, that choose, and that are reported on.

Whatever is picked by its score (a step of a run, a calibration, a threshold, a weight) is picked on the part
that chooses. Figures come from the part to report on, which decided nothing of that kind.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np

from par_core.ids import digest_of

__all__ = ["choosing", "divide"]


@runtime_checkable
class _Pictured(Protocol):
    @property
    def image(self) -> Path: ...


P = TypeVar("P", bound=_Pictured)


def choosing(names: Iterable[str]) -> frozenset[str]:
    """Return which of the names that were held out from training choose: the first half by the digests of the
    names (one less of an odd number); the others are reported on.

    Args:
        names: Names of files, or of groups of files that stay together; repeated ones count once.
    """
    ordered = sorted(set(names), key=lambda name: digest_of("part", name))
    return frozenset(ordered[: len(ordered) // 2])


def divide(
    photos: Sequence[P], held_out: int, seed: int
) -> tuple[tuple[P, ...], tuple[P, ...], tuple[P, ...]]:
    """Divide photographs into those to train on, to choose on and to report on.

    Args:
        photos: Sorted by name.
        held_out: How many are held out from training: the first of a seeded permutation.
        seed: Of the permutation.
    """
    order = np.random.default_rng(seed).permutation(len(photos))
    kept = [photos[i] for i in sorted(order[:held_out].tolist())]
    chooses = choosing(photo.image.name for photo in kept)
    return (
        tuple(photos[i] for i in sorted(order[held_out:].tolist())),
        tuple(photo for photo in kept if photo.image.name in chooses),
        tuple(photo for photo in kept if photo.image.name not in chooses),
    )
