"""People whom the segmenter finds on photographs with outlined people, with their measures, and whether each
is one of the outlined people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from par_core.archive.quality import sharpness
from par_core.config import RunConfig
from par_core.datasets.outlines import OutlinedSet, Photo, outlined_photos, read_photo
from par_core.evaluate.segmentation import outlines
from par_core.metrics.coco_ap import match_people
from par_core.people.cutout_quality import MEASURES, cutout_measures
from par_core.people.geometry import whole_pixels
from par_core.people.second_cuts import covered_shares
from par_core.predictions.cache import PredictionCache
from par_core.training.segmentation_data import split_photos
from par_core.types import ImageU8, PersonInstances

__all__ = ["PARTS", "FoundPeople", "find_people"]

#: Parts of the photographs: weights are fitted on the first, the spread of the prior and the threshold are
#: chosen on the second, figures come from the third.
PARTS: Final = ("fit", "choose", "report")

_SETS: Final[tuple[OutlinedSet, ...]] = ("pennfudan", "coco", "empty", "ccp")
_SHARES: Final = (0.5, 0.25, 0.25)
_ALSO_EMPTY: Final = {"empty": "coco"}  # photographs without people are weighed with those of their set


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """n people whom the segmenter has found.

    Attributes:
        sources: Data set of each: ``pennfudan``, ``coco`` or ``ccp``.
        photos: Photograph of each.
        parts: Part of its photograph, of ``PARTS``.
        measures: Measures, as ``cutout_measures`` gives them.
        covered: Share of the mask inside those of more certain people.
        real: Whether each matches an outlined person at a mask IoU of at least one half.
    """

    sources: np.ndarray
    photos: np.ndarray
    parts: np.ndarray
    measures: Float64[np.ndarray, "n k"]
    covered: Float64[np.ndarray, " n"]
    real: Bool[np.ndarray, " n"]

    def of(self, rows: Bool[np.ndarray, " n"]) -> "FoundPeople":
        """Return some of the people."""
        return FoundPeople(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def find_people(
    data_dir: Path, config: RunConfig, cache: PredictionCache, *, most: int, seed: int
) -> FoundPeople:
    """Segment the photographs of all outlined sets as indexing does.

    Args:
        data_dir: Folder of ``ccp``, ``pennfudan`` and ``coco_people``.
        config: Names the segmenter and its settings.
        cache: Predictions, computed where missing.
        most: Largest number of photographs of one set, by a seeded draw; those that the shipped segmenter was
            not trained on come first.
        seed: Seed of the draws.
    """
    held_out = {photo.image for photos in split_photos(data_dir).held_out.values() for photo in photos}
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, np.ndarray, float, bool]] = []
    for source in _SETS:
        listed = outlined_photos(source, data_dir)
        order = sorted(rng.permutation(len(listed)).tolist(), key=lambda i: listed[i].image not in held_out)
        photos = [listed[i] for i in order[:most]]
        drawn = rng.choice(PARTS, len(photos), p=_SHARES)
        (found,) = cache.outlines([photo.image for photo in photos], [config])
        for photo, people, part in zip(photos, found, drawn, strict=True):
            part = "report" if photo.image in held_out else str(part)
            measures, real = _looked_at(photo, people)
            rows += [
                (_ALSO_EMPTY.get(source, source), photo.image.name, part, *values)
                for values in zip(measures, covered_shares(people).tolist(), real.tolist(), strict=True)
            ]
    return _joined(rows)


def _looked_at(photo: Photo, people: PersonInstances) -> tuple[np.ndarray, np.ndarray]:
    picture, labels = read_photo(photo)
    sharp = np.array([sharpness(_inside(picture, box)) for box in people.boxes], np.float64)
    return cutout_measures(people, sharp), match_people(outlines(labels), people.masks).right


def _inside(picture: ImageU8, box: np.ndarray) -> ImageU8:
    left, top, right, bottom = whole_pixels(box, width=picture.shape[1], height=picture.shape[0])
    return picture[top:bottom, left:right]


def _joined(rows: Sequence[tuple[str, str, str, np.ndarray, float, bool]]) -> FoundPeople:
    sources, photos, parts, measures, covered, real = zip(*rows, strict=True)
    return FoundPeople(
        np.array(sources),
        np.array(photos),
        np.array(parts),
        np.array(measures, np.float64).reshape(-1, len(MEASURES)),
        np.array(covered, np.float64),
        np.array(real, bool),
    )
