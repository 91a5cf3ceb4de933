"""Text-based person search: every caption is asked of the pictures of its part, and ought to find those of
its person.

Figures are the field's (IRRA, Jiang and Ye, CVPR 2023): R@1, R@5, R@10, mAP and mINP, as shares instead of
per cents. All pictures of the part are searched, the one that the caption was written for among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float, Int32

from par_core.config import RunConfig
from par_core.datasets.captioned import read_captioned
from par_core.datasets.folders import name_of
from par_core.errors import BadConfigError
from par_core.evaluate.items.person_search import CUTS, PersonSearchItems
from par_core.evaluate.retrieval import describe_pictures
from par_core.ids import digest_of
from par_core.metrics.queries import found_at, inverse_negative_penalty
from par_core.metrics.ranking import average_precision
from par_core.models.profiles import load_text_scorer
from par_core.predictions.cache import PredictionCache
from par_core.types import BoxesXYXY

__all__ = ["PersonSearchRun", "evaluate_person_search"]

_FIRST: Final = 10


@dataclass(frozen=True, slots=True)
class PersonSearchRun:
    """Result of an evaluation of person search, query by query.

    Attributes:
        scores: Scores by name.
        items: Values of each query.
        images: The n pictures that are searched.
        identities: Who is on each.
        boxes: Box of each detected person; NaN for the others.
        first: The first hits of each query, as indices of pictures, best first.
        data_digest: Digest of pictures, identities and captions.
    """

    scores: dict[str, Any]
    items: PersonSearchItems
    images: tuple[Path, ...]
    identities: tuple[str, ...]
    boxes: BoxesXYXY
    first: Int32[np.ndarray, "q k"]
    data_digest: str


def evaluate_person_search(
    dataset: str, root: Path, config: RunConfig, cache: PredictionCache, *, part: str | None = None
) -> PersonSearchRun:
    """Ask every caption, ranked as searches rank.

    Args:
        dataset: One of ``CAPTIONED_SETS``.
        root: Its folder.
        config: Names the models.
        cache: Predictions on pictures.
        part: ``train``, ``val`` or ``test``; None for ``test`` where there is one, else all pictures.

    Returns:
        The run with the scores ``r_at_1``, ``r_at_5``, ``r_at_10``, ``map`` and ``minp``, each also with
        ``_by_text_alone``, by the cosine of picture and text.

    Raises:
        BadConfigError: The folder does not hold the data set, or it has no such part.
    """
    data = read_captioned(dataset, root)
    if part is not None and part not in data.parts:
        raise BadConfigError(f"{dataset} in {root} has no part {part!r}, only: {', '.join(data.parts)}")
    rows = data.parts.get(part or "test", tuple(range(len(data.images))))
    images = tuple(data.images[i] for i in rows)
    identities = tuple(data.identities[i] for i in rows)
    asked = [(text, data.identities[i]) for i in rows for text in data.captions[i]]
    described, scorer, who = (
        describe_pictures(images, config, cache),
        load_text_scorer(config),
        np.array(identities),
    )
    people = described.known(np.arange(len(images)))
    shares = people.colour_shares()
    ranked, alone, first = [], [], []
    for text, person in asked:
        query, relevant = scorer.query(text), who == person
        scores = scorer.evidence(query, people, shares)
        ranked.append(_values(relevant, scores))
        alone.append(_values(relevant, described.embeddings @ query.vectors[0]))
        first.append(np.argsort(-scores, kind="stable")[:_FIRST].astype(np.int32))
    items, by_text = (_items(asked, values) for values in (ranked, alone))
    means = {name: float(values.mean()) for name, values in items.columns().items()}
    means |= {f"{name}_by_text_alone": float(values.mean()) for name, values in by_text.columns().items()}
    counts = {"captions": len(asked), "images": len(images), "people": len(set(identities))}
    names = [name_of(image) for image in images]
    return PersonSearchRun(
        {**means, **counts, "found": described.detected},
        items,
        images,
        identities,
        described.boxes,
        np.stack(first),
        digest_of(*names, *identities, *(text for text, _ in asked)),
    )


def _values(relevant: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> list[float]:
    found = [found_at(relevant, scores, cut) for cut in CUTS]
    return [*found, average_precision(relevant, scores), inverse_negative_penalty(relevant, scores)]


def _items(asked: Sequence[tuple[str, str]], values: Sequence[list[float]]) -> PersonSearchItems:
    table = np.array(values, np.float64)
    return PersonSearchItems(
        tuple(text for text, _ in asked),
        tuple(person for _, person in asked),
        table[:, : len(CUTS)],
        table[:, len(CUTS)],
        table[:, len(CUTS) + 1],
    )
