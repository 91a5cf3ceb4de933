"""Which photographs with outlined people are trained on, and which are held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.outlines import OutlinedSet, Photo, outlined_photos
from par_core.errors import BadConfigError

__all__ = ["Split", "shuffled_split", "split_photos"]


@dataclass(frozen=True, slots=True)
class Split:
    """Photographs to train on and photographs held out, by source."""

    train: dict[str, tuple[Photo, ...]]
    validation: dict[str, tuple[Photo, ...]]


_SOURCES: Final[tuple[OutlinedSet, ...]] = ("pennfudan", "coco", "empty", "ccp")
_HELD_OUT: Final = {"pennfudan": 25, "coco": 12, "empty": 12, "ccp": 24}


def split_photos(data_dir: Path, seed: int = 0) -> Split:
    """List all photographs and keep some back: of each source, the first of a seeded permutation of the
    sorted names.
    """
    train: dict[str, tuple[Photo, ...]] = {}
    validation: dict[str, tuple[Photo, ...]] = {}
    for source in _SOURCES:
        listed = outlined_photos(source, data_dir)
        order = np.random.default_rng(seed).permutation(len(listed))
        held_out = set(order[: _HELD_OUT[source]].tolist())
        validation[source] = tuple(photo for index, photo in enumerate(listed) if index in held_out)
        train[source] = tuple(photo for index, photo in enumerate(listed) if index not in held_out)
    return Split(train, validation)


def shuffled_split(photos: Mapping[str, Sequence[Photo]], held_out: float, seed: int) -> Split:
    """Keep a share of each source back, by a seeded choice.

    Raises:
        BadConfigError: There are too few photographs with people to learn from and to score on.
    """
    train: dict[str, tuple[Photo, ...]] = {}
    validation: dict[str, tuple[Photo, ...]] = {}
    for source, listed in photos.items():
        order = np.random.default_rng(seed).permutation(len(listed))
        n = max(1, round(held_out * len(listed))) if len(listed) > 1 else 0
        validation[source] = tuple(listed[i] for i in sorted(order[:n]))
        train[source] = tuple(listed[i] for i in sorted(order[n:]))
    if not any(validation[source] and source != "empty" for source in photos):
        raise BadConfigError(
            "too few photographs with people to learn from and to score on:"
            f" { ({name: len(listed) for name, listed in photos.items()}) }"
        )
    return Split(train, validation)
