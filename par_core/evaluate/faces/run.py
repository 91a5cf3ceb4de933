"""Reading the faces of a data set and scoring what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from par_core.config import RunConfig
from par_core.datasets.folders import name_of
from par_core.datasets.labelled_set import AttributeSet, Split
from par_core.datasets.meanings import meaning_of
from par_core.datasets.merged_labels import LabelledPerson
from par_core.evaluate.attributes import answers_of, data_digest, known_labels, people_of, read_people
from par_core.evaluate.comparison import SEED
from par_core.evaluate.faces.labels import AGE_LABELS, from_behind, gender
from par_core.evaluate.faces.readings import Readings, read_faces
from par_core.evaluate.faces.scores import (
    Judged,
    age_rows,
    age_spread,
    agreement,
    back_rates,
    band,
    changed_answers,
    gender_rows,
    height_bands,
    share,
)
from par_core.faces.base import FaceReader
from par_core.metrics.bootstrap import Interval
from par_core.predictions.cache import PredictionCache
from par_core.predictions.tables import PredictedPeople
from par_core.types import BoxesXYXY

__all__ = ["FaceRun", "evaluate_faces"]


@dataclass(frozen=True, slots=True)
class FaceRun:
    """Result, person by person.

    Attributes:
        scores: Figures by name.
        intervals: Intervals by name of the figure.
        readings: Face of each person.
        judged: What is known of each person.
        people: Labelled people, in the same order.
        boxes: Box of each person that PAR's segmenter found; NaN for the others.
        data_digest: Digest of names and labels.
    """

    scores: dict[str, Any]
    intervals: dict[str, Interval]
    readings: Readings
    judged: Judged
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY
    data_digest: str


def evaluate_faces(
    dataset: str,
    root: Path,
    config: RunConfig,
    cache: PredictionCache,
    *,
    reader: FaceReader,
    heights: Sequence[int] = (),
    split: Split = 0,
    part: str | None = None,
) -> FaceRun:
    """Read the face of each person of a data set, and score gender, age and coverage beside PAR's ``female``.

    A person is the largest that PAR's segmenter finds in a picture, with a margin and the background kept, or
    the whole picture where it finds none.

    Args:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        config: Names PAR's models.
        cache: Predictions, computed where missing; faces are kept beside them.
        reader: Engine.
        heights: Heights in pixels to which everybody who is higher is shrunk and read again.
        split: Official split.
        part: Part of the split.

    Raises:
        BadConfigError: The folder does not hold the data set, or it has no such split or part.
    """
    labelled = read_people(dataset, root, split, also=AGE_LABELS)
    data = people_of(labelled, cache.folder / "crops", part)
    pictures = [person.image for person in data.people]
    (predicted,) = cache.people(pictures, [config])
    judged = _judged(data, predicted)

    def read(height: int | None = None) -> Readings:
        return read_faces(pictures, predicted.boxes, reader, cache.folder, config.archive, height=height)

    readings = read()
    scores, intervals = _scored(data, readings, judged)
    everybody = np.arange(len(pictures))
    shrunk = []
    for height in heights:
        smaller = read(height)
        figures = {**band(smaller, judged, everybody), **changed_answers(readings, smaller)}
        shrunk.append({"height": height, **figures})
    scores |= {"found": predicted.detected, "shrunk": shrunk, "engine": reader.summary}
    digest = data_digest(tuple(map(name_of, pictures)), known_labels(data))
    return FaceRun(scores, intervals, readings, judged, data.people, predicted.boxes, digest)


def _judged(data: AttributeSet, predicted: PredictedPeople) -> Judged:
    labels = known_labels(data)
    labelled = gender(data.attributes, labels)
    named = labelled[0] if labelled else "female"
    par, threshold = answers_of(named, predicted)
    meaning = meaning_of(named)
    if par is not None and meaning is not None and meaning.opposite:
        par, threshold = 1 - par, 1 - threshold
    who = data.identities
    groups = tuple(each or f"image {i}" for i, each in enumerate(who)) if any(who) else None
    return Judged(labelled[1] if labelled else None, par, threshold, groups, SEED)


def _scored(
    data: AttributeSet, readings: Readings, judged: Judged
) -> tuple[dict[str, Any], dict[str, Interval]]:
    labels = known_labels(data)
    everybody = np.arange(len(labels))
    coverage = share(judged, readings.answered, everybody)
    intervals = {"coverage": coverage}
    scores: dict[str, Any] = {
        "people": len(labels),
        "with_face": int(readings.answered.sum()),
        "coverage": coverage.estimate,
        "whole_picture_answers": int((~np.isnan(readings.whole_woman)).sum()),
        "errors": sum(error != "" for error in readings.error),
    }
    if judged.woman is not None:
        scores["gender"], found = gender_rows(readings, judged)
        intervals |= found
    with_face = np.flatnonzero(readings.answered)
    if judged.par is not None and len(with_face):
        scores["agreement"] = agreement(readings, judged, with_face)
    ages = {
        name: (labels[:, i], AGE_LABELS[name])
        for i, name in enumerate(data.attributes)
        if name in AGE_LABELS and not np.isnan(labels[:, i]).all()
    }
    scores["ages"], found = age_rows(readings, ages, judged)
    intervals |= found
    scores["age_spread"] = age_spread(readings)
    behind = from_behind(data.attributes, labels)
    if behind is not None:
        scores["orientation"], found = back_rates(readings, behind, judged)
        intervals |= found
    scores["heights"] = height_bands(readings, judged)
    return scores, intervals
