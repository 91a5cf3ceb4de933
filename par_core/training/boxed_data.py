"""Photographs of Flickr8k (Hodosh, Young, Hockenmaier 2013) in whose pictures every person was boxed by eye.

Flickr8k has captions and no boxes. ``flickr8k-people.csv`` has the boxes that were drawn for PAR, of every
person who can be seen: tight around what is visible, with clothes and hats, without what is carried. A row is
a person; a photograph without people has one row without numbers. The segmenter's weakest proposals were in
view, and were taken where they fitted. Photographs of crowds in which some people could not be boxed are left
out.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from par_core.datasets.folders import dataset_folder
from par_core.datasets.outlines import BoxedPhoto
from par_core.training.parts import divide

__all__ = ["BOXES", "BoxedSplit", "split_boxed"]

BOXES: Final = Path(__file__).with_name("flickr8k-people.csv")
_HELD_OUT: Final = 16


@dataclass(frozen=True, slots=True)
class BoxedSplit:
    """Photographs in three parts, as :class:`par_core.training.segmentation_data.Split`.

    Attributes:
        train: Photographs to learn from.
        choose: Photographs on which weights are chosen.
        report: Photographs that decide nothing.
    """

    train: tuple[BoxedPhoto, ...]
    choose: tuple[BoxedPhoto, ...]
    report: tuple[BoxedPhoto, ...]

    @property
    def held_out(self) -> tuple[BoxedPhoto, ...]:
        """Photographs that nothing was learned from: those of ``choose`` and ``report``."""
        return (*self.choose, *self.report)


def split_boxed(data_dir: Path, seed: int = 0) -> BoxedSplit:
    """Divide the boxed photographs, as ``split_photos`` divides the outlined ones.

    Args:
        data_dir: The folder of Flickr8k, or the folder that holds ``flickr8k``.
        seed: Of the permutation that says who is held out.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    images = dataset_folder(data_dir, "flickr8k", ("images",)) / "images"
    boxes: dict[str, list[list[float]]] = defaultdict(list)
    with BOXES.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            corners = [float(row[edge]) for edge in ("x1", "y1", "x2", "y2") if row[edge]]
            boxes[row["image"]] += [corners] if corners else []
    photos = [
        BoxedPhoto(images / name, np.array(boxes[name], np.float32).reshape(-1, 4)) for name in sorted(boxes)
    ]
    return BoxedSplit(*divide(photos, _HELD_OUT, seed))
