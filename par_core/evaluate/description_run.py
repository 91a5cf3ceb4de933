"""Scoring a describer and its text tower on a data set of labelled people, cut out as indexing does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from jaxtyping import Float32

from par_core.archive import decode
from par_core.attributes.vocabulary import ATTRIBUTES, BY_NAME
from par_core.config import RunConfig
from par_core.errors import BadInputError, UnreadableImageError
from par_core.evaluate.datasets.labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.evaluate.metrics.calibration import calibration_error
from par_core.evaluate.metrics.labels import balanced_accuracy
from par_core.evaluate.metrics.ranking import average_precision, roc_auc
from par_core.evaluate.pair_queries import score_pairs
from par_core.models.base import TextEncoder
from par_core.models.profiles import load_describer, load_segmenter, load_text_encoder
from par_core.models.prompting import text_vector
from par_core.people.cutout import cut_out
from par_core.people.masks import mask_area
from par_core.types import Descriptions, ImageU8

__all__ = ["Described", "PeopleSet", "describe_labelled", "describe_people", "evaluate_attributes", "evaluate_retrieval"]

PeopleSet = Literal["ccp", "mit"]
Follow = Callable[[Sequence[LabelledPerson], str], Iterable[LabelledPerson]]

_CLOTHING: Final = tuple(attribute.name for attribute in ATTRIBUTES if attribute.ccp)
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
    """

    embeddings: Float32[np.ndarray, "n d"]
    probabilities: Float32[np.ndarray, "n k"]
    found: int
    thresholds: dict[str, float]


def evaluate_attributes(dataset: PeopleSet, root: Path, config: RunConfig, follow: Follow) -> dict[str, Any]:
    """AUC, calibration, and mA and accuracy at the model's thresholds, of each attribute that the data set labels.

    Args:
        dataset: Which published format.
        root: The data set's folder, or the folder that holds it.
        config: Names the models and how people are cut out.
        follow: Shows how far it is.

    Returns:
        ``attributes`` by name with ``auc``, ``mA``, ``accuracy``, ``ece``, ``threshold``, ``prevalence``, ``n``; ``mean_auc``, ``mA`` and ``mean_ece``
        over the clothing attributes (NaN where there are none); ``images``, and ``found``: how many people the segmenter found. The others are
        described by their whole picture.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, follow), labels_of(people)
    attributes = {}
    labels[np.array([person.weights for person in people]) < 1] = np.nan  # guesses train, but do not score
    for name, p, y in zip(NAMES, told.probabilities.T, labels.T, strict=True):
        known = ~np.isnan(y) & ~np.isnan(p)
        threshold = told.thresholds.get(name, 0.5)
        has, likely = y[known] == 1, p[known] >= threshold
        if min(int(has.sum()), int((~has).sum())) >= _LEAST:
            scores = {"auc": roc_auc(has, p[known]), "mA": balanced_accuracy(has, likely), "accuracy": float((has == likely).mean())}
            scores |= {"ece": calibration_error(has, p[known]), "threshold": threshold}
            attributes[name] = scores | {"prevalence": float(has.mean()), "n": int(known.sum())}
    clothing = [attributes[name] for name in _CLOTHING if name in attributes]
    means = {called: float(np.mean([each[key] for each in clothing])) if clothing else float("nan") for called, key in _MEANS.items()}
    return {**means, "attributes": attributes, "images": len(labels), "found": told.found}


def evaluate_retrieval(dataset: PeopleSet, root: Path, config: RunConfig, follow: Follow) -> dict[str, Any]:
    """Average precision of text queries for single attributes, divided by the prevalence of what is asked for.

    Returns:
        ``mean_ap_over_prevalence``, and ``queries`` by text with ``ap``, ``prevalence``, ``ap_over_prevalence``, ``n``; and what
        :func:`par_core.evaluate.pair_queries.score_pairs` tells of queries for two coloured garments.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    told, labels = describe_labelled(people, config, follow), labels_of(people)
    encoder = load_text_encoder(config)
    queries = {}
    for query, name, wanted in _queries():
        y = labels[:, NAMES.index(name)]
        known = ~np.isnan(y)
        relevant = y[known] == wanted
        if min(int(relevant.sum()), int((~relevant).sum())) >= _LEAST:
            queries[query] = _ranked(relevant, told.embeddings[known], query, encoder)
    ratios = [each["ap_over_prevalence"] for each in queries.values()]
    means = {"mean_ap_over_prevalence": float(np.mean(ratios)) if ratios else float("nan")}
    pairs = score_pairs(people, told.embeddings, encoder)
    return {**means, "pairs_recall_at_10_over_chance": pairs.pop("pairs_recall_at_10_over_chance"), "queries": queries, **pairs} | {
        "images": len(labels),
        "found": told.found,
    }


def _queries() -> list[tuple[str, str, float]]:
    """Text, attribute, and the label of those who fit."""
    asked = [(f"a person {BY_NAME[name].phrases[0]}", name, 1.0) for name in NAMES if name not in ("female", "front")]
    people = [("a woman", "female", 1.0), ("a man", "female", 0.0)]
    return [*asked, *people, ("a person facing the camera", "front", 1.0), ("a person seen from behind", "front", 0.0)]


def _ranked(relevant: np.ndarray, embeddings: Float32[np.ndarray, "n d"], query: str, encoder: TextEncoder) -> dict[str, float]:
    ap, prevalence = average_precision(relevant, embeddings @ text_vector(query, encoder)), float(relevant.mean())
    return {"ap": ap, "prevalence": prevalence, "ap_over_prevalence": ap / prevalence, "n": len(relevant)}


def describe_labelled(people: Sequence[LabelledPerson], config: RunConfig, follow: Follow) -> Described:
    """What :func:`describe_people` tells, with the probabilities of PAR's own vocabulary."""
    describer = load_describer(config)
    told, found = describe_people(people, config, follow)
    probabilities = np.full((len(people), len(NAMES)), np.nan, np.float32)
    for i, name in enumerate(NAMES):
        if name in describer.attributes:
            probabilities[:, i] = told.probabilities[:, describer.attributes.index(name)]
    return Described(told.embeddings, probabilities, found, dict(zip(describer.attributes, describer.thresholds, strict=True)))


def describe_people(people: Sequence[LabelledPerson], config: RunConfig, follow: Follow) -> tuple[Descriptions, int]:
    """Describe the largest person of each picture, by the steps of indexing; the whole picture where nobody is found.

    Returns:
        The descriptions, probabilities by the describer's own attributes; and how many people the segmenter found.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    segmenter, describer = load_segmenter(config), load_describer(config)
    embeddings, probabilities, found = [], [], 0
    for person in follow(people, "people"):
        picture = _read(person.image, config)
        (seen,) = segmenter.segment([picture])
        areas = [mask_area(mask) for mask in seen.masks]
        cutout = picture
        if any(areas):
            largest = int(np.argmax(areas))
            cutout = cut_out(picture, seen.boxes[largest], seen.masks[largest], config.describe.cutout, describer.aspect)
            found += 1
        told = describer.describe([cutout])
        embeddings.append(told.embeddings[0])
        probabilities.append(told.probabilities[0])
    n, k = len(people), len(describer.attributes)
    return Descriptions(np.array(embeddings, np.float32).reshape(n, describer.embedding_size), np.array(probabilities, np.float32).reshape(n, k)), found


def _read(image: Path, config: RunConfig) -> ImageU8:
    try:
        return decode(image.read_bytes(), config.archive).pixels
    except (OSError, UnreadableImageError) as error:
        raise BadInputError(f"{image}: {error}") from error
