"""Scoring the attributes of a describer on a data set of labelled people, cut out as indexing does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float32

from par_core.config import RunConfig
from par_core.datasets.attribute_sets import read_attribute_set
from par_core.datasets.crops import crop_people
from par_core.datasets.folders import name_of
from par_core.datasets.labelled_set import PARTS, AttributeSet, Split
from par_core.datasets.meanings import answer_to
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.errors import BadConfigError
from par_core.evaluate.items import AttributeItems
from par_core.ids import digest_of
from par_core.metrics.attributes import attribute_metrics, convention
from par_core.metrics.calibration import calibration_error, calibration_error_by_chance
from par_core.metrics.label_based import LabelCounts, balanced_accuracy
from par_core.metrics.ranking import roc_auc
from par_core.predictions.cache import PredictionCache
from par_core.predictions.tables import PredictedPeople
from par_core.types import BoxesXYXY

__all__ = [
    "LEAST",
    "AttributeRun",
    "answers_of",
    "data_digest",
    "evaluate_attributes",
    "known_labels",
    "people_of",
    "read_people",
    "rows_of",
    "score_attributes",
]

LEAST: Final = 5  # people with and without an attribute, for a score to say anything
_MEANS: Final = {
    "mean_auc": "auc",
    "mA": "mA",
    "mean_ece": "ece",
    "mean_ece_by_chance": "ece_by_chance",
}


@dataclass(frozen=True, slots=True)
class AttributeRun:
    """Result of an evaluation of attributes, person by person.

    Attributes:
        scores: Scores by name.
        items: Labels and probabilities of each person.
        people: Labelled people, in the order of the items.
        boxes: Box of each detected person; NaN for the others.
        quality: Measures of :mod:`par_core.evaluate.quality_bands` that are known without the pictures, as a
            store has them.
    """

    scores: dict[str, Any]
    items: AttributeItems
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY
    quality: Mapping[str, Float32[np.ndarray, " n"]] = field(default_factory=dict)

    @property
    def data_digest(self) -> str:
        """Digest of names and labels."""
        return data_digest(self.items.names, self.items.labels)


def data_digest(names: tuple[str, ...], labels: Float32[np.ndarray, "n k"]) -> str:
    """Return a digest that is equal for the same people with the same labels."""
    return digest_of(*names, labels.tobytes())


def read_people(dataset: str, root: Path, split: Split = 0, also: Collection[str] = ()) -> AttributeSet:
    """Read a data set; ccp and mit with all attributes of PAR's own vocabulary, unknown ones NaN.

    Args:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder; of ccp and mit also the folder that holds it.
        split: An official one by its number, or ``zs``.
        also: Attributes to read beside those that are evaluated, where the data set has them.

    Raises:
        BadConfigError: The folder does not hold the data set, or it has no such split.
    """
    match dataset:
        case ("ccp" | "mit") as own if split == 0:
            return AttributeSet(own, NAMES, tuple(labelled_people(own, root)), (), {})
    return read_attribute_set(dataset, root, split, also)


def people_of(data: AttributeSet, crops: Path, part: str | None = None) -> AttributeSet:
    """Return the people of a data set who are to be scored, each with a picture of their own.

    Args:
        data: All people.
        crops: Folder of the pictures that are cut out of photographs of several people.
        part: ``train``, ``val`` or ``test``; None for ``test`` where there is one, else everybody.

    Raises:
        BadConfigError: There is no such part.
    """
    if part is not None and part not in data.parts:
        known_parts = (
            f"there are: {', '.join(data.parts)}" if data.parts else "it is not split; leave --part out"
        )
        raise BadConfigError(
            f"{data.name} has no part {part!r}; {known_parts}"
            if part in PARTS
            else f"a part is one of {', '.join(PARTS)}, not {part!r}"
        )
    chosen = part or ("test" if "test" in data.parts else None)
    return crop_people(data if chosen is None else rows_of(data, data.parts[chosen]), crops)


def rows_of(data: AttributeSet, rows: Sequence[int]) -> AttributeSet:
    """Return the people in some rows, without parts."""
    identities = tuple(data.identities[i] for i in rows) if data.identities else ()
    boxes = None if data.boxes is None else data.boxes[list(rows)]
    return replace(
        data, people=tuple(data.people[i] for i in rows), identities=identities, parts={}, boxes=boxes
    )


def known_labels(data: AttributeSet) -> Float32[np.ndarray, "n k"]:
    """Return the labels that score: guesses train, but do not score. Uncertain ones count as absent."""
    labels = labels_of(list(data.people))
    labels[np.array([person.weights for person in data.people]) < 1] = np.nan
    return labels


def evaluate_attributes(
    dataset: str,
    root: Path,
    config: RunConfig,
    cache: PredictionCache,
    *,
    split: Split = 0,
    part: str | None = None,
) -> AttributeRun:
    """Run the models on the people of a data set, and score the describer's attributes: see
    :func:`read_people`, :func:`people_of` and :func:`score_attributes`.

    Raises:
        BadConfigError: The folder does not hold the data set, or it has no such split or part.
    """
    data = people_of(read_people(dataset, root, split), cache.folder / "crops", part)
    (predicted,) = cache.people([person.image for person in data.people], [config])
    return score_attributes(data, predicted)


def score_attributes(data: AttributeSet, predicted: PredictedPeople) -> AttributeRun:
    """Compute AUC, calibration, and mA, precision, recall, F1 and accuracy at the model's thresholds, for
    each attribute that the data set labels.

    Args:
        data: The people, with their labels.
        predicted: Predictions for the same people.

    Returns:
        The run with the scores ``mean_auc``, ``mA``, ``mean_ece`` and ``mean_ece_by_chance`` (over the
        attributes of clothing for PAR's own vocabulary, else over all; NaN where there are none);
        ``attributes`` by name with ``auc``, ``mA``, ``accuracy``, ``precision``, ``recall``, ``f1``, ``ece``,
        ``ece_by_chance`` (what exactly calibrated probabilities would have on so few people), ``threshold``,
        ``prevalence``, ``n``, and ``answered``, the share of these who have an answer (the others count as
        not found, and only calibration leaves them out); ``instances`` with ``accuracy``, ``precision``,
        ``recall``, ``f1`` over images and their ``convention``; ``not_answered``, the attributes that the
        model does not know, and ``too_few``, those that fewer than five people have or lack; ``averaged``,
        the attributes that the means are over;
        ``images``, and ``found``: how many people the segmenter detected. The others are described by their
            whole picture.
    """
    labels = known_labels(data)
    probabilities, thresholds = _answers(data, predicted)
    attributes: dict[str, dict[str, Any]] = {}
    for name, p, y in zip(data.attributes, probabilities.T, labels.T, strict=True):
        known = ~np.isnan(y)
        has = y[known] == 1
        if name in thresholds and min(int(has.sum()), int((~has).sum())) >= LEAST:
            attributes[name] = _scores(has, p[known], thresholds[name])
    labelled = [name for name, y in zip(data.attributes, labels.T, strict=True) if not np.isnan(y).all()]
    judged = {name: row["threshold"] for name, row in attributes.items()}
    names = tuple(name_of(person.image) for person in data.people)
    items = AttributeItems(names, data.attributes, labels, probabilities, judged, data.identities)
    averaged = [attributes[name] for name in items.averaged]
    means = {
        called: float(np.mean([row[key] for row in averaged])) if averaged else float("nan")
        for called, key in _MEANS.items()
    }
    scores = {
        **means,
        "attributes": attributes,
        "images": len(labels),
        "found": predicted.detected,
        "instances": _over_images(items),
        "not_answered": [name for name in labelled if name not in thresholds],
        "too_few": [name for name in labelled if name in thresholds and name not in attributes],
        "averaged": list(items.averaged),
    }
    return AttributeRun(scores, items, data.people, predicted.boxes)


def answers_of(attribute: str, predicted: PredictedPeople) -> tuple[Float32[np.ndarray, " n"] | None, float]:
    """Return the probability that each person has an attribute of a data set, and the model's threshold; None
    where the model does not know it, nor one of the same or the opposite meaning.
    """
    answer = answer_to(attribute, predicted.attributes)
    if answer is None:
        return None, float("nan")
    column = predicted.attributes.index(answer.name)
    p, threshold = predicted.descriptions.probabilities[:, column], predicted.thresholds[column]
    return (1 - p, 1 - threshold) if answer.opposite else (p, threshold)


def _answers(
    data: AttributeSet, predicted: PredictedPeople
) -> tuple[Float32[np.ndarray, "n k"], dict[str, float]]:
    """Return probabilities by the data set's attributes, NaN where the model does not know one; and the
    thresholds of those that it knows.
    """
    probabilities = np.full((len(data.people), len(data.attributes)), np.nan, np.float32)
    thresholds = {}
    for i, attribute in enumerate(data.attributes):
        p, threshold = answers_of(attribute, predicted)
        if p is not None:
            probabilities[:, i], thresholds[attribute] = p, threshold
    return probabilities, thresholds


def _scores(has: Bool[np.ndarray, " n"], p: Float32[np.ndarray, " n"], threshold: float) -> dict[str, Any]:
    likely, answered = p >= threshold, ~np.isnan(p)
    counts = LabelCounts.of(has[:, None].astype(np.float64), likely[:, None])
    return {
        "auc": roc_auc(has, p),
        "mA": balanced_accuracy(has, likely),
        "accuracy": float((has == likely).mean()),
        **{name: float(getattr(counts, name)[0]) for name in ("precision", "recall", "f1")},
        "ece": calibration_error(has, p),
        "ece_by_chance": calibration_error_by_chance(p),
        "threshold": threshold,
        "prevalence": float(has.mean()),
        "n": len(has),
        "answered": float(answered.mean()),
    }


def _over_images(items: AttributeItems) -> dict[str, Any]:
    """Compute instance-based scores over the attributes that are scored."""
    columns = [items.attributes.index(name) for name in items.thresholds]
    predicted = items.probabilities[:, columns] >= np.array(list(items.thresholds.values()), np.float32)
    metrics = attribute_metrics(items.labels[:, columns], predicted)
    instances = {
        name: metrics[name] if columns else float("nan") for name in ("accuracy", "precision", "recall", "f1")
    }
    return {**instances, "convention": convention("its probability reaches the threshold of the attribute")}
