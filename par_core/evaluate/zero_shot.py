"""Attributes by words alone (paper, section 5 and Table 4): three ways to ask, on the same people, from
embeddings that were computed once.

``single``: the cosine to one sentence. ``ensemble``: to the mean of the sentence in all templates (Radford et
al. 2021, section 3.1.4). ``pair``: the softmax over a sentence and its opposite, at the model's own
temperature; only this one is a probability, so only it has a fixed threshold.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float32
from scipy.special import expit

from par_core.attributes.vocabulary import BY_NAME, TEMPLATES
from par_core.config import RunConfig
from par_core.datasets.crops import crop_people
from par_core.datasets.folders import name_of
from par_core.datasets.labelled_set import AttributeSet, Split
from par_core.datasets.meanings import meaning_of
from par_core.errors import BadConfigError
from par_core.evaluate.attributes import LEAST, data_digest, known_labels, people_of, read_people, rows_of
from par_core.ids import digest_of
from par_core.metrics.label_based import LabelCounts
from par_core.metrics.ranking import roc_auc
from par_core.metrics.thresholds import FIXED, best_threshold
from par_core.models.base import TextEncoder
from par_core.models.profiles import load_text_encoder
from par_core.models.prompting import text_vector
from par_core.predictions.cache import PredictionCache
from par_core.types import Embeddings

__all__ = ["MODES", "Prompts", "ZeroShotRun", "evaluate_zero_shot", "prompts_for", "similarities"]

MODES: Final = ("single", "ensemble", "pair")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_RATES: Final = ("mA", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Prompts:
    """Phrases for people who have an attribute and who lack it, as a template takes them."""

    has: str
    lacks: str


@dataclass(frozen=True, slots=True)
class ZeroShotRun:
    """Result of a zero-shot evaluation.

    Attributes:
        scores: Scores by name.
        data_digest: Digest of names and labels of the people who are scored.
    """

    scores: dict[str, Any]
    data_digest: str


def prompts_for(attribute: str) -> Prompts:
    """Return the prompts of an attribute: by the phrases of PAR's own vocabulary where they mean the same,
    else "with" and "without" the words of the name.

    >>> prompts_for("HoldObjectsInFront").has
    'a person with hold objects in front'
    """
    meaning = meaning_of(attribute)
    if meaning is None:
        words = " ".join(word.lower() for word in _WORDS.findall(attribute)) or attribute
        return Prompts(f"a person with {words}", f"a person without {words}")
    own = BY_NAME[meaning.name]
    has, lacks = f"a person {own.phrases[0]}", f"a person {own.opposite}"
    return Prompts(lacks, has) if meaning.opposite else Prompts(has, lacks)


def similarities(
    prompts: Prompts, embeddings: Embeddings, encoder: TextEncoder
) -> dict[str, Float32[np.ndarray, " n"]]:
    """Return the similarity of each of n people to the prompts, by mode; higher is likelier, ``pair`` is in
    [0, 1].
    """
    has, lacks = (
        embeddings @ vector
        for vector in encoder.encode([TEMPLATES[0].format(prompts.has), TEMPLATES[0].format(prompts.lacks)])
    )
    pair = expit(encoder.logit_scale * (has - lacks).astype(np.float64)).astype(np.float32)
    return {"single": has, "ensemble": embeddings @ text_vector(prompts.has, encoder), "pair": pair}


def evaluate_zero_shot(
    dataset: str,
    root: Path,
    config: RunConfig,
    cache: PredictionCache,
    *,
    split: Split = 0,
    part: str | None = None,
) -> ZeroShotRun:
    """Score every attribute of a data set in all modes.

    Thresholds are chosen for mA on the people of ``val`` where ``test`` is scored and there is one; else on
    half of the people, drawn by name (or by identity where it is known), and the others are scored.

    Args:
        dataset: One of ``ATTRIBUTE_SETS``.
        root: Its folder.
        config: Names the models.
        cache: Predictions, computed where missing.
        split: Official split.
        part: Part of the split; None for ``test`` where there is one, else everybody.

    Returns:
        The run with the scores ``modes``: by mode the means ``mean_auc``, ``mA_best`` and, of ``pair``,
            ``mA_fixed``; ``attributes`` by name with ``prompts``, ``prevalence``, ``n`` and each mode's
            ``auc``, ``best`` (``threshold``, ``mA``, ``precision``, ``recall``, ``f1``) and, of ``pair``,
        ``fixed``; ``not_answered``: words that the text tower was not trained on, by attribute; ``too_few``;
            ``validation``: the people on whom thresholds were chosen; ``images``, ``found``.

    Raises:
        BadConfigError: The folder does not hold the data set, it has no such split or part, or no person is
            left to choose thresholds on.
    """
    data, (chosen_on, scored), how = _parts(read_people(dataset, root, split), cache.folder / "crops", part)
    (predicted,) = cache.people([person.image for person in data.people], [config])
    everybody = known_labels(data)
    labels = everybody[chosen_on], everybody[scored]
    encoder = load_text_encoder(config)
    attributes: dict[str, dict[str, Any]] = {}
    unknown: dict[str, list[str]] = {}
    too_few = []
    for i, attribute in enumerate(data.attributes):
        y = labels[0][:, i], labels[1][:, i]
        if all(np.isnan(values).all() for values in y):
            continue
        prompts = prompts_for(attribute)
        words = dict.fromkeys(
            word for sentence in (prompts.has, prompts.lacks) for word in encoder.unknown_words(sentence)
        )
        if words:
            unknown[attribute] = list(words)
        elif any(min(int((each == 1).sum()), int((each == 0).sum())) < LEAST for each in y):
            too_few.append(attribute)
        else:
            scores_by_mode = similarities(prompts, predicted.descriptions.embeddings, encoder)
            row = {
                mode: _score_mode(mode, y, (scores[chosen_on], scores[scored]))
                for mode, scores in scores_by_mode.items()
            }
            known = ~np.isnan(y[1])
            attributes[attribute] = {
                "prompts": [prompts.has, prompts.lacks],
                "prevalence": float((y[1] == 1)[known].mean()),
                "n": int(known.sum()),
                **row,
            }
    scores = {
        "modes": {mode: _means(mode, attributes) for mode in MODES},
        "attributes": attributes,
        "not_answered": unknown,
        "too_few": too_few,
        "validation": {"people": len(chosen_on), "how": how},
        "images": len(scored),
        "found": int((~np.isnan(predicted.boxes[scored, 0])).sum()),
    }
    return ZeroShotRun(scores, data_digest(tuple(name_of(data.people[i].image) for i in scored), labels[1]))


def _parts(
    data: AttributeSet, crops: Path, part: str | None
) -> tuple[AttributeSet, tuple[list[int], list[int]], str]:
    """Return the people, the rows on which thresholds are chosen and those that are scored, and how they were
    split.
    """
    scored_part = part or ("test" if "test" in data.parts else None)
    if scored_part == "test" and "test" in data.parts and "val" in data.parts:
        both = crop_people(rows_of(data, (*data.parts["val"], *data.parts["test"])), crops)
        first = len(data.parts["val"])
        return both, (list(range(first)), list(range(first, len(both.people)))), "the part val"
    whole = people_of(data, crops, part)
    group_names = [
        name or name_of(person.image)
        for name, person in zip(whole.identities or [""] * len(whole.people), whole.people, strict=True)
    ]
    chosen = [digest_of(group)[0] in "01234567" for group in group_names]
    rows = [i for i, drawn in enumerate(chosen) if drawn], [i for i, drawn in enumerate(chosen) if not drawn]
    if not all(rows):
        raise BadConfigError(
            f"{data.name}: {len(whole.people)} people are too few to choose thresholds on one half and judge"
            " the other"
        )
    return whole, rows, "half of the people, by a digest of name or identity"


def _score_mode(
    mode: str, labels: Sequence[Float32[np.ndarray, " _"]], scores: Sequence[Float32[np.ndarray, " _"]]
) -> dict[str, Any]:
    """Compute AUC and rates of one attribute in one mode; labels and scores of the validation people, then of
    those who are scored.
    """
    (chosen_on, chosen_by), (has, scored) = (
        (y[~np.isnan(y)] == 1, s[~np.isnan(y)]) for y, s in zip(labels, scores, strict=True)
    )
    threshold = best_threshold(chosen_on, chosen_by, "mA").threshold
    row: dict[str, Any] = {
        "auc": roc_auc(has, scored),
        "best": {"threshold": threshold, **_rates(has, scored >= threshold)},
    }
    return row | ({"fixed": {"threshold": FIXED, **_rates(has, scored > FIXED)}} if mode == "pair" else {})


def _rates(has: Bool[np.ndarray, " n"], predicted: Bool[np.ndarray, " n"]) -> dict[str, float]:
    counts = LabelCounts.of(has[:, None].astype(np.float64), predicted[:, None])
    return {name: float(getattr(counts, name.lower())[0]) for name in _RATES}


def _means(mode: str, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    rows = [row[mode] for row in attributes.values()]

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else float("nan")

    means = {
        "mean_auc": mean([row["auc"] for row in rows]),
        "mA_best": mean([row["best"]["mA"] for row in rows]),
    }
    return means | ({"mA_fixed": mean([row["fixed"]["mA"] for row in rows])} if mode == "pair" else {})
