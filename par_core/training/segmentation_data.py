"""Which photographs with outlined people are trained on, which choose, and which are reported on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.outlines import OutlinedSet, Photo, outlined_photos
from par_core.errors import BadConfigError
from par_core.training.parts import divide

__all__ = ["Split", "shuffled_split", "split_photos"]


@dataclass(frozen=True, slots=True)
class Split:
    """Photographs in three parts, by source.

    Attributes:
        train: Photographs to learn from.
        choose: Photographs on which steps, sizes and thresholds are chosen.
        report: Photographs that decide nothing, for figures; empty where there is no such part.
    """

    train: dict[str, tuple[Photo, ...]]
    choose: dict[str, tuple[Photo, ...]]
    report: dict[str, tuple[Photo, ...]]

    @property
    def held_out(self) -> dict[str, tuple[Photo, ...]]:
        """Photographs that nothing was learned from: those of ``choose`` and ``report``."""
        return {source: (*listed, *self.report.get(source, ())) for source, listed in self.choose.items()}


_SOURCES: Final[tuple[OutlinedSet, ...]] = ("pennfudan", "coco", "empty", "ccp")
_HELD_OUT: Final = {"pennfudan": 25, "coco": 12, "empty": 12, "ccp": 24}


def split_photos(data_dir: Path, seed: int = 0) -> Split:
    """List all photographs and keep some back: of each source, the first of a seeded permutation of the
    sorted names; the digests of their names decide which half of these choose.
    """
    split = Split({}, {}, {})
    for source in _SOURCES:
        listed = outlined_photos(source, data_dir)
        split.train[source], split.choose[source], split.report[source] = divide(
            listed, _HELD_OUT[source], seed
        )
    return split


def shuffled_split(photos: Mapping[str, Sequence[Photo]], held_out: float, seed: int) -> Split:
    """Keep a share of each source back to choose on, by a seeded choice; nothing is left to report on.

    Raises:
        BadConfigError: There are too few photographs with people to learn from and to score on.
    """
    split = Split({}, {}, {})
    for source, listed in photos.items():
        order = np.random.default_rng(seed).permutation(len(listed))
        n = max(1, round(held_out * len(listed))) if len(listed) > 1 else 0
        split.choose[source] = tuple(listed[i] for i in sorted(order[:n]))
        split.train[source] = tuple(listed[i] for i in sorted(order[n:]))
    if not any(split.choose[source] and source != "empty" for source in photos):
        raise BadConfigError(
            "too few photographs with people to learn from and to score on:"
            f" { ({name: len(listed) for name, listed in photos.items()}) }"
        )
    return split
