"""Scoring a describer and its text tower on a data set of labelled people, cut out as indexing does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Float32

from par_core.attributes.vocabulary import BY_NAME
from par_core.config import RunConfig
from par_core.evaluate.datasets.folders import name_of
from par_core.evaluate.datasets.labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.evaluate.items import CLOTHING, AttributeItems, RetrievalItems
from par_core.evaluate.metrics.calibration import calibration_error
from par_core.evaluate.metrics.labels import balanced_accuracy
from par_core.evaluate.metrics.ranking import average_precision, roc_auc
from par_core.evaluate.observation import Observer
from par_core.evaluate.pair_queries import score_pairs
from par_core.ids import digest_of
from par_core.models.profiles import load_text_encoder
from par_core.models.prompting import text_vector
from par_core.types import BoxesXYXY

__all__ = ["AttributeRun", "Described", "PeopleSet", "RetrievalRun", "describe_labelled", "evaluate_attributes", "evaluate_retrieval"]

PeopleSet = Literal["ccp", "mit"]

_MEANS: Final = {"mean_auc": "auc", "mA": "mA", "mean_ece": "ece"}
_LEAST: Final = 5  # people with and without an attribute, for a score to say anything


@dataclass(frozen=True, slots=True)
class Described:
    """Labelled people as the models see them.

    Attributes:
        embeddings: Of L2 norm 1.
        probabilities: By the order of ``NAMES``; NaN for attributes that the models do not know.
        found: How many the segmenter found.
        thresholds: From which probability on an attribute counts as seen.
        boxes: Where each person was found; NaN for those who were described by their whole picture.
    """

    embeddings: Float32[np.ndarray, "n d"]
    probabilities: Float32[np.ndarray, "n k"]
    found: int
    thresholds: dict[str, float]
    boxes: BoxesXYXY


@dataclass(frozen=True, slots=True)
class AttributeRun:
    """What an evaluation of attributes saw, person by person.

    Attributes:
        scores: The figures.
        items: What is written of each person.
        people: In the order of the items.
        boxes: Where each was found, or NaN.
    """

    scores: dict[str, Any]
    items: AttributeItems
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY

    @property
    def data_digest(self) -> str:
        """Of names and labels."""
        return _digest(self.items.names, self.items.labels)


@dataclass(frozen=True, slots=True)
class RetrievalRun:
    """What an evaluation of retrieval saw, query by query.

    Attributes:
        scores: The figures.
        items: What is written of each query.
        people: In the order of the items' columns.
        boxes: Where each was found, or NaN.
    """

    scores: dict[str, Any]
    items: RetrievalItems
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY

    @property
    def data_digest(self) -> str:
        """Of names and labels."""
        return _digest([name_of(person.image) for person in self.people], labels_of(list(self.people)))


def evaluate_attributes(dataset: PeopleSet, root: Path, config: RunConfig, observer: Observer) -> AttributeRun:
    """AUC, calibration, and mA and accuracy at the model's thresholds, of each attribute that the data set labels.

    Args:
        dataset: Which published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models and how people are cut out.
        observer: Looks at the people.

    Returns:
        With the scores ``attributes`` by name with ``auc``, ``mA``, ``accuracy``, ``ece``, ``threshold``, ``prevalence``, ``n``; ``mean_auc``, ``mA``
        and ``mean_ece`` over the clothing attributes (NaN where there are none); ``images``, and ``found``: how many people the segmenter found. The
        others are described by their whole picture.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, observer), labels_of(people)
    attributes = {}
    labels[np.array([person.weights for person in people]) < 1] = np.nan  # guesses train, but do not score
    for name, p, y in zip(NAMES, told.probabilities.T, labels.T, strict=True):
        known = ~np.isnan(y) & ~np.isnan(p)
        threshold = told.thresholds.get(name, 0.5)
        has, likely = y[known] == 1, p[known] >= threshold
        if min(int(has.sum()), int((~has).sum())) >= _LEAST:
            row = {"auc": roc_auc(has, p[known]), "mA": balanced_accuracy(has, likely), "accuracy": float((has == likely).mean())}
            row |= {"ece": calibration_error(has, p[known]), "threshold": threshold}
            attributes[name] = row | {"prevalence": float(has.mean()), "n": int(known.sum())}
    clothing = [attributes[name] for name in CLOTHING if name in attributes]
    means = {called: float(np.mean([each[key] for each in clothing])) if clothing else float("nan") for called, key in _MEANS.items()}
    scores = {**means, "attributes": attributes, "images": len(labels), "found": told.found}
    thresholds = {name: each["threshold"] for name, each in attributes.items()}
    items = AttributeItems(tuple(name_of(person.image) for person in people), NAMES, labels, told.probabilities, thresholds)
    return AttributeRun(scores, items, tuple(people), told.boxes)


def evaluate_retrieval(dataset: PeopleSet, root: Path, config: RunConfig, observer: Observer) -> RetrievalRun:
    """Average precision of text queries for single attributes, divided by the prevalence of what is asked for.

    Returns:
        With the scores ``mean_ap_over_prevalence``, and ``queries`` by text with ``ap``, ``prevalence``, ``ap_over_prevalence``, ``n``; and what
        :func:`par_core.evaluate.pair_queries.score_pairs` tells of queries for two coloured garments.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, observer), labels_of(people)
    encoder = load_text_encoder(config)
    queries, asked, cosines = {}, [], []
    for query, name, wanted in _queries():
        y = labels[:, NAMES.index(name)]
        known = ~np.isnan(y)
        relevant = y[known] == wanted
        if min(int(relevant.sum()), int((~relevant).sum())) >= _LEAST:
            scores = told.embeddings @ text_vector(query, encoder)
            queries[query] = _ranked(relevant, scores[known])
            asked.append(np.where(known, y == wanted, np.nan))
            cosines.append(scores)
    ratios = [each["ap_over_prevalence"] for each in queries.values()]
    means = {"mean_ap_over_prevalence": float(np.mean(ratios)) if ratios else float("nan")}
    pairs = score_pairs(people, told.embeddings, encoder)
    scores_of_pairs = {"pairs_recall_at_10_over_chance": pairs.pop("pairs_recall_at_10_over_chance"), "queries": queries, **pairs}
    told_of_all = {**means, **scores_of_pairs, "images": len(labels), "found": told.found}
    labels_asked, scores_asked = (np.array(each, np.float32).reshape(-1, len(people)) for each in (asked, cosines))
    return RetrievalRun(told_of_all, RetrievalItems(tuple(queries), labels_asked, scores_asked), tuple(people), told.boxes)


def _queries() -> list[tuple[str, str, float]]:
    """Text, attribute, and the label of those who fit."""
    asked = [(f"a person {BY_NAME[name].phrases[0]}", name, 1.0) for name in NAMES if name not in ("female", "front")]
    people = [("a woman", "female", 1.0), ("a man", "female", 0.0)]
    return [*asked, *people, ("a person facing the camera", "front", 1.0), ("a person seen from behind", "front", 0.0)]


def _digest(names: Sequence[str], labels: Float32[np.ndarray, "n k"]) -> str:
    return digest_of(*names, labels.tobytes())


def _ranked(relevant: np.ndarray, scores: Float32[np.ndarray, " n"]) -> dict[str, float]:
    ap, prevalence = average_precision(relevant, scores), float(relevant.mean())
    return {"ap": ap, "prevalence": prevalence, "ap_over_prevalence": ap / prevalence, "n": len(relevant)}


def describe_labelled(people: Sequence[LabelledPerson], config: RunConfig, observer: Observer) -> Described:
    """The largest person of each picture by the steps of indexing, the whole picture where nobody is found; with the probabilities of PAR's own vocabulary.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    (told,) = observer.people([person.image for person in people], [config])
    probabilities = np.full((len(people), len(NAMES)), np.nan, np.float32)
    for i, name in enumerate(NAMES):
        if name in told.attributes:
            probabilities[:, i] = told.descriptions.probabilities[:, told.attributes.index(name)]
    return Described(told.descriptions.embeddings, probabilities, told.found, dict(zip(told.attributes, told.thresholds, strict=True)), told.boxes)
