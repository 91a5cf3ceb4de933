"""Scores of a model by picture quality: on people of rising height, sharpness and naturalness, a tenth of the
people at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float64

from par_core.archive import decode
from par_core.archive.brisque import brisque_features
from par_core.archive.brisque_model import BrisqueModel
from par_core.archive.quality import glvn
from par_core.config import ArchiveConfig
from par_core.errors import UnreadableImageError
from par_core.evaluate.items import AttributeItems
from par_core.metrics.bootstrap import Interval, bootstrap_sums
from par_core.metrics.label_based import LabelCounts, label_terms
from par_core.types import BoxesXYXY

__all__ = ["MEASURES", "Band", "bands_object", "measure_people", "quality_bands"]

#: What people are ordered by: height of the box in pixels, and GLVN and BRISQUE of the pixels inside of it.
MEASURES: Final = ("height_px", "glvn", "brisque")
_BANDS: Final = 10
_LEAST: Final = 20  # people a band

Measured = dict[str, Float64[np.ndarray, " n"]]


@dataclass(frozen=True, slots=True)
class Band:
    """People of about the same quality.

    Attributes:
        low: Least value of the quality.
        high: Largest value.
        people: Number of people.
        accuracy: Share of right answers to all known labels.
        ma: mA: the mean over the attributes that some of them have and some lack.
    """

    low: float
    high: float
    people: int
    accuracy: Interval
    ma: Interval


def measure_people(
    images: Sequence[Path],
    boxes: BoxesXYXY,
    config: ArchiveConfig,
    model: BrisqueModel | None,
    known: Mapping[str, np.ndarray],
) -> Measured:
    """Measure people on their pictures.

    Args:
        images: One picture a person.
        boxes: Box of each person; NaN for the whole picture.
        config: The limits on what is read.
        model: The parameters of BRISQUE; without them it is NaN.
        known: Measures that are known already, as a store has them.

    Returns:
        Values by names of ``MEASURES``: NaN where a picture is no local file, cannot be read any more or no
            longer reaches to the box, or has no BRISQUE.
    """
    measured: Measured = {
        name: np.array(known.get(name, np.full(len(images), np.nan)), np.float64) for name in MEASURES
    }
    for i, (image, box) in enumerate(zip(images, boxes, strict=True)):
        try:
            picture = decode(image.read_bytes(), config).pixels
        except (OSError, UnreadableImageError):
            continue
        if not np.isnan(box).any():
            x1, y1, x2, y2 = (round(value) for value in box.tolist())
            picture = picture[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        if not picture.size:  # the box lies outside: another picture is there now
            continue
        values = {"height_px": float(picture.shape[0]), "glvn": glvn(picture)}
        if model is not None:
            values["brisque"] = model.score(brisque_features(picture))
        for name in values.keys() - known.keys():
            measured[name][i] = values[name]
    return measured


def quality_bands(items: AttributeItems, values: Float[np.ndarray, " n"], seed: int) -> list[Band]:
    """Compute scores by tenths of the people, in ascending order of quality, with 95 % bootstrap intervals
    over the people of each.

    Identities are drawn where they are known, else images.

    Args:
        items: Scored people.
        values: Their quality; people whose value is NaN are left out.
        seed: Seed of the draws.

    Returns:
        Ten bands of nearly equal size; fewer where they would hold fewer than 20 people, and none where two
        would.
    """
    names = list(items.thresholds)
    columns = [items.attributes.index(name) for name in names]
    labels = items.labels[:, columns]
    predicted = items.probabilities[:, columns] >= np.array(
        [items.thresholds[name] for name in names], np.float32
    )
    terms = label_terms(labels, predicted)
    order = np.argsort(values, kind="stable")[: int((~np.isnan(values)).sum())]  # NaN come last
    count = min(_BANDS, len(order) // _LEAST)
    if count < 2 or not names:
        return []
    bands = []
    for rows in np.array_split(order, count):
        groups = None if items.groups is None else [items.groups[i] for i in rows]
        accuracy = bootstrap_sums(terms[rows], lambda sums: _accuracy(LabelCounts(sums)), groups, seed=seed)
        both_kinds = ~np.isnan(LabelCounts(terms[rows].sum(axis=0)).ma)
        known = terms[rows][..., both_kinds]
        ma = bootstrap_sums(known, lambda sums: _mean_ma(LabelCounts(sums)), groups, seed=seed)
        bands.append(Band(float(values[rows[0]]), float(values[rows[-1]]), len(rows), accuracy, ma))
    return bands


def bands_object(bands: Mapping[str, Sequence[Band]]) -> dict[str, list[dict[str, Any]]]:
    """For JSON: by measure a list of bands with ``low``, ``high``, ``people``, and ``accuracy`` and ``mA``
    with ``estimate``, ``low`` and ``high``.
    """

    def plain(interval: Interval) -> dict[str, float | None]:
        values = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
        return {name: None if np.isnan(value) else value for name, value in values.items()}

    return {
        measure: [
            {
                "low": b.low,
                "high": b.high,
                "people": b.people,
                "accuracy": plain(b.accuracy),
                "mA": plain(b.ma),
            }
            for b in measure_bands
        ]
        for measure, measure_bands in bands.items()
    }


def _mean_ma(counts: LabelCounts) -> Float64[np.ndarray, "*b"]:
    """Mean over all attributes; NaN if one of them lacks a kind, or there is none."""
    ma = counts.ma
    return ma.mean(axis=-1) if ma.shape[-1] else np.full(ma.shape[:-1], np.nan)


def _accuracy(counts: LabelCounts) -> Float64[np.ndarray, "*b"]:
    """Accuracy of all labels together."""
    right = counts.sums[..., 0, :].sum(axis=-1) + counts.sums[..., 2, :].sum(axis=-1)
    known = counts.known.sum(axis=-1)
    return np.divide(right, known, out=np.full(known.shape, np.nan), where=known > 0)
