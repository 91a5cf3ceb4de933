"""Scoring a text tower on a data set of labelled people, cut out as indexing does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float32

from par_core.attributes.vocabulary import BY_NAME
from par_core.config import RunConfig
from par_core.datasets.folders import name_of
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labelled_people, labels_of
from par_core.evaluate.attributes import LEAST, data_digest
from par_core.evaluate.garment_queries import score_garments, score_pairs
from par_core.evaluate.items import RetrievalItems
from par_core.metrics.ranking import average_precision
from par_core.models.named_evidence import KnownPeople
from par_core.models.profiles import load_text_scorer
from par_core.predictions.cache import PredictionCache
from par_core.types import BoxesXYXY

__all__ = [
    "Described",
    "PeopleSet",
    "RetrievalRun",
    "describe_labelled",
    "describe_pictures",
    "evaluate_retrieval",
]

PeopleSet = Literal["ccp", "mit"]


@dataclass(frozen=True, slots=True)
class Described:
    """Predictions of the models for labelled people.

    Attributes:
        embeddings: Rows of L2 norm 1.
        probabilities: By the order of ``NAMES``; NaN for attributes that the models do not know.
        detected: Number of people that the segmenter detected.
        thresholds: Probability from which an attribute counts as present, by name.
        boxes: Box of each person; NaN for those who were described by their whole picture.
        colours: Terms at ``upper`` and ``lower``; None where too little shows.
    """

    embeddings: Float32[np.ndarray, "n d"]
    probabilities: Float32[np.ndarray, "n k"]
    detected: int
    thresholds: dict[str, float]
    boxes: BoxesXYXY
    colours: Mapping[str, Sequence[str | None]]

    def known(self, rows: np.ndarray) -> KnownPeople:
        """Return what text queries are scored against, for the people in some rows."""
        colours = {place: [terms[row] for row in rows] for place, terms in self.colours.items()}
        return KnownPeople(
            self.embeddings[rows],
            {name: self.probabilities[rows, i] for i, name in enumerate(NAMES)},
            colours,
        )


@dataclass(frozen=True, slots=True)
class RetrievalRun:
    """Result of an evaluation of retrieval, query by query.

    Attributes:
        scores: Scores by name.
        items: Labels and scores of each query.
        people: Labelled people, in the order of the items' columns.
        boxes: Box of each detected person; NaN for the others.
    """

    scores: dict[str, Any]
    items: RetrievalItems
    people: tuple[LabelledPerson, ...]
    boxes: BoxesXYXY

    @property
    def data_digest(self) -> str:
        """Digest of names and labels."""
        return data_digest(
            tuple(name_of(person.image) for person in self.people), labels_of(list(self.people))
        )


def evaluate_retrieval(
    dataset: PeopleSet, root: Path, config: RunConfig, cache: PredictionCache
) -> RetrievalRun:
    """Compute the average precision of text queries for single attributes, ranked as searches rank, divided
    by the prevalence of the attribute.

    Returns:
        The run with the scores ``mean_ap_over_prevalence``, and ``queries`` by text with ``ap``,
        ``prevalence``, ``ap_over_prevalence``, ``n``, and ``by_text_alone``, the same by the cosine with the
        text; and what :mod:`par_core.evaluate.garment_queries` computes for queries for coloured garments and
        pairs of them.

    Raises:
        BadConfigError: The folder does not hold the data set.
    """
    people = labelled_people(dataset, root)
    described, labels = describe_labelled(people, config, cache), labels_of(people)
    scorer = load_text_scorer(config)
    known_people = described.known(np.arange(len(people)))
    colour_shares = known_people.colour_shares()
    queries, query_labels, query_scores = {}, [], []
    for text, name, wanted in _queries():
        y = labels[:, NAMES.index(name)]
        known = ~np.isnan(y)
        relevant = y[known] == wanted
        if min(int(relevant.sum()), int((~relevant).sum())) >= LEAST:
            query = scorer.query(text)
            scores, alone = (
                scorer.evidence(query, known_people, colour_shares),
                described.embeddings @ query.vectors[0],
            )
            queries[text] = _ranked(relevant, scores[known]) | {
                "by_text_alone": _ranked(relevant, alone[known])["ap_over_prevalence"]
            }
            query_labels.append(np.where(known, y == wanted, np.nan))
            query_scores.append(scores)
    means = {
        "mean_ap_over_prevalence": _mean([row["ap_over_prevalence"] for row in queries.values()]),
        "mean_ap_over_prevalence_by_text_alone": _mean([row["by_text_alone"] for row in queries.values()]),
    }
    coloured = np.array([i for i, person in enumerate(people) if person.colours], int)
    dressed, described_dressed = [people[i] for i in coloured], described.known(coloured)
    pairs = score_pairs(dressed, described_dressed, scorer)
    means |= score_garments(dressed, described_dressed, scorer)
    means |= {name: pairs.pop(name) for name in tuple(pairs) if name != "pairs"}
    scores_of_all = {**means, "queries": queries, **pairs, "images": len(labels), "found": described.detected}
    label_rows, score_rows = (
        np.array(rows, np.float32).reshape(-1, len(people)) for rows in (query_labels, query_scores)
    )
    return RetrievalRun(
        scores_of_all, RetrievalItems(tuple(queries), label_rows, score_rows), tuple(people), described.boxes
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _queries() -> list[tuple[str, str, float]]:
    """Return the text, the attribute, and the label of people who fit, of each query."""
    attributes = [
        (f"a person {BY_NAME[name].phrases[0]}", name, 1.0)
        for name in NAMES
        if name not in ("female", "front")
    ]
    people = [("a woman", "female", 1.0), ("a man", "female", 0.0)]
    return [
        *attributes,
        *people,
        ("a person facing the camera", "front", 1.0),
        ("a person seen from behind", "front", 0.0),
    ]


def _ranked(relevant: np.ndarray, scores: Float[np.ndarray, " n"]) -> dict[str, float]:
    ap, prevalence = average_precision(relevant, scores), float(relevant.mean())
    return {"ap": ap, "prevalence": prevalence, "ap_over_prevalence": ap / prevalence, "n": len(relevant)}


def describe_labelled(
    people: Sequence[LabelledPerson], config: RunConfig, cache: PredictionCache
) -> Described:
    """Describe labelled people as :func:`describe_pictures` does."""
    return describe_pictures([person.image for person in people], config, cache)


def describe_pictures(images: Sequence[Path], config: RunConfig, cache: PredictionCache) -> Described:
    """Describe the largest person of each picture by the steps of indexing, or the whole picture where no
    person is detected; with the probabilities of PAR's own vocabulary.

    Raises:
        BadInputError: A picture cannot be read; names it.
    """
    (predicted,) = cache.people(list(images), [config])
    probabilities = np.full((len(images), len(NAMES)), np.nan, np.float32)
    for i, name in enumerate(NAMES):
        if name in predicted.attributes:
            probabilities[:, i] = predicted.descriptions.probabilities[:, predicted.attributes.index(name)]
    return Described(
        predicted.descriptions.embeddings,
        probabilities,
        predicted.detected,
        dict(zip(predicted.attributes, predicted.thresholds, strict=True)),
        predicted.boxes,
        predicted.colours,
    )
