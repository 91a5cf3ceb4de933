"""Scoring a describer and its text tower on a data set of labelled people, cut out as indexing does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from par_core.archive import decode
from par_core.attributes.vocabulary import BY_NAME
from par_core.config import RunConfig
from par_core.errors import BadInputError, UnreadableImageError
from par_core.evaluate.attribute_scores import LEAST, score_attributes
from par_core.evaluate.datasets.folders import name_of
from par_core.evaluate.datasets.labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.evaluate.items import AttributeItems, RetrievalItems
from par_core.evaluate.metrics.ranking import average_precision
from par_core.evaluate.pair_queries import score_pairs
from par_core.ids import digest_of
from par_core.models.profiles import load_describer, load_segmenter, load_text_encoder
from par_core.models.prompting import text_vector
from par_core.people.cutout import cut_out
from par_core.people.masks import mask_area
from par_core.types import BoxesXYXY, Descriptions, ImageU8

__all__ = ["AttributeRun", "Described", "PeopleSet", "RetrievalRun", "describe_labelled", "describe_people", "evaluate_attributes", "evaluate_retrieval"]

PeopleSet = Literal["ccp", "mit"]
Follow = Callable[[Sequence[LabelledPerson], str], Iterable[LabelledPerson]]


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
        quality: Measures of :mod:`par_core.evaluate.quality_bands` that are known without the pictures, as a store has them.
    """

    scores: dict[str, Any]
    items: AttributeItems
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY
    quality: Mapping[str, Float32[np.ndarray, " n"]] = field(default_factory=dict)

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


def evaluate_attributes(dataset: PeopleSet, root: Path, config: RunConfig, follow: Follow) -> AttributeRun:
    """AUC, calibration, and mA and accuracy at the model's thresholds, of each attribute that the data set labels.

    Args:
        dataset: Which published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models and how people are cut out.
        follow: Shows how far it is.

    Returns:
        With the scores ``attributes`` by name with ``auc``, ``mA``, ``accuracy``, ``ece``, ``threshold``, ``prevalence``, ``n``; ``mean_auc``, ``mA``
        and ``mean_ece`` over the clothing attributes (NaN where there are none); ``images``, and ``found``: how many people the segmenter found. The
        others are described by their whole picture.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, follow), labels_of(people)
    labels[np.array([person.weights for person in people]) < 1] = np.nan  # guesses train, but do not score
    scores = score_attributes(NAMES, labels, told.probabilities, told.thresholds) | {"images": len(labels), "found": told.found}
    thresholds = {name: each["threshold"] for name, each in scores["attributes"].items()}
    items = AttributeItems(tuple(name_of(person.image) for person in people), NAMES, labels, told.probabilities, thresholds)
    return AttributeRun(scores, items, tuple(people), told.boxes)


def evaluate_retrieval(dataset: PeopleSet, root: Path, config: RunConfig, follow: Follow) -> RetrievalRun:
    """Average precision of text queries for single attributes, divided by the prevalence of what is asked for.

    Returns:
        With the scores ``mean_ap_over_prevalence``, and ``queries`` by text with ``ap``, ``prevalence``, ``ap_over_prevalence``, ``n``; and what
        :func:`par_core.evaluate.pair_queries.score_pairs` tells of queries for two coloured garments.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, follow), labels_of(people)
    encoder = load_text_encoder(config)
    queries, asked, cosines = {}, [], []
    for query, name, wanted in _queries():
        y = labels[:, NAMES.index(name)]
        known = ~np.isnan(y)
        relevant = y[known] == wanted
        if min(int(relevant.sum()), int((~relevant).sum())) >= LEAST:
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


def describe_labelled(people: Sequence[LabelledPerson], config: RunConfig, follow: Follow) -> Described:
    """What :func:`describe_people` tells, with the probabilities of PAR's own vocabulary."""
    describer = load_describer(config)
    told, boxes = describe_people(people, config, follow)
    probabilities = np.full((len(people), len(NAMES)), np.nan, np.float32)
    for i, name in enumerate(NAMES):
        if name in describer.attributes:
            probabilities[:, i] = told.probabilities[:, describer.attributes.index(name)]
    found = int((~np.isnan(boxes[:, 0])).sum())
    return Described(told.embeddings, probabilities, found, dict(zip(describer.attributes, describer.thresholds, strict=True)), boxes)


def describe_people(people: Sequence[LabelledPerson], config: RunConfig, follow: Follow) -> tuple[Descriptions, BoxesXYXY]:
    """Describe the largest person of each picture, by the steps of indexing; the whole picture where nobody is found.

    Returns:
        The descriptions, probabilities by the describer's own attributes; and the boxes of the people described, NaN where nobody was found.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    segmenter, describer = load_segmenter(config), load_describer(config)
    embeddings, probabilities, boxes = [], [], np.full((len(people), 4), np.nan, np.float32)
    for number, person in enumerate(follow(people, "people")):
        picture = _read(person.image, config)
        (seen,) = segmenter.segment([picture])
        areas = [mask_area(mask) for mask in seen.masks]
        cutout = picture
        if any(areas):
            largest = int(np.argmax(areas))
            cutout = cut_out(picture, seen.boxes[largest], seen.masks[largest], config.describe.cutout, describer.aspect)
            boxes[number] = seen.boxes[largest]
        told = describer.describe([cutout])
        embeddings.append(told.embeddings[0])
        probabilities.append(told.probabilities[0])
    n, k = len(people), len(describer.attributes)
    return Descriptions(np.array(embeddings, np.float32).reshape(n, describer.embedding_size), np.array(probabilities, np.float32).reshape(n, k)), boxes


def _read(image: Path, config: RunConfig) -> ImageU8:
    try:
        return decode(image.read_bytes(), config.archive).pixels
    except (OSError, UnreadableImageError) as error:
        raise BadInputError(f"{image}: {error}") from error
