"""Scores of a describer and its text tower on the people that were held out from training."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float32

from par_core.attributes.vocabulary import BY_NAME, with_colour
from par_core.datasets.merged_labels import NAMES, LabelledPerson, labels_of
from par_core.metrics.label_based import balanced_accuracy
from par_core.metrics.ranking import average_precision, roc_auc
from par_core.models.describer import letterbox
from par_core.models.prompting import text_vector
from par_core.models.text import TowerTextEncoder
from par_core.models.text_tower import learning_tokenizer
from par_core.models.torch_runtime import TorchRuntime
from par_core.training.captions import Caption, Fact, truth
from par_core.training.cutouts import evaluation_cutout
from par_core.training.describer_pair import DescriberPair

__all__ = [
    "Described",
    "describe_people",
    "score_attributes",
    "score_colours",
    "score_pair",
    "score_queries",
    "summary",
]

_BATCH: Final = 16
_COLOURS: Final = ("black", "white", "grey", "red", "blue", "green", "pink", "brown", "beige", "yellow")
_GARMENTS: Final = ("dress", "coat_or_jacket", "skirt", "shirt_or_blouse", "sweater", "bag", "trousers")

Described = tuple[Float32[np.ndarray, "n d"], Float32[np.ndarray, "n k"]]


def score_pair(pair: DescriberPair, people: Sequence[LabelledPerson]) -> dict[str, float]:
    """One number to choose weights by: mean AUC over attributes plus a tenth of the queries' mean AP over
    prevalence; and its parts.
    """
    embeddings, logits = describe_people(pair, people)
    labels = labels_of(list(people))
    means = summary(
        score_attributes(logits, labels),
        score_queries(pair, embeddings, labels),
        score_colours(pair, embeddings, people),
    )
    auc, ratio = means["mean_auc_clothing"], means["mean_ap_over_prevalence"]
    return {
        "score": auc + ratio / 10,
        "mean_auc": auc,
        "ap_over_prevalence": ratio,
        "colours": means["mean_ap_over_prevalence_colours"],
    }


def describe_people(
    pair: DescriberPair, people: Sequence[LabelledPerson], *, shown: float = 1.0, grey: bool = False
) -> Described:
    """Embeddings and attribute logits of people, cut out as the pipeline does; ``shown`` and ``grey`` as of
    :func:`evaluation_cutout`.
    """
    embeddings, logits = [], []
    with torch.no_grad():
        for start in range(0, len(people), _BATCH):
            cutouts = [
                letterbox(evaluation_cutout(person, eliminate=True, shown=shown, grey=grey))
                for person in people[start : start + _BATCH]
            ]
            outputs = pair.image(torch.from_numpy(np.stack(cutouts)).float())
            embeddings.append(outputs[0].numpy())
            logits.append(outputs[1].numpy())
    return np.concatenate(embeddings), np.concatenate(logits)


def _text_of(pair: DescriberPair) -> TowerTextEncoder:
    """The text tower as a search uses it."""
    tower = TorchRuntime().compile(pair.text, (), "text")
    return TowerTextEncoder(tower, learning_tokenizer(), 1.0, "", None)


def score_attributes(
    logits: Float32[np.ndarray, "n k"], labels: Float32[np.ndarray, "n k"]
) -> dict[str, dict[str, float]]:
    """AUC, prevalence and the best mA of each attribute with at least five of either kind."""
    scores = {}
    for name, x, y in zip(NAMES, logits.T, labels.T, strict=True):
        known = ~np.isnan(y)
        has = y[known] == 1
        if min(has.sum(), (~has).sum()) >= 5:
            best = max(
                balanced_accuracy(has, x[known] > cut)
                for cut in np.quantile(x[known], np.linspace(0.02, 0.98, 49))
            )
            scores[name] = {
                "auc": roc_auc(has, x[known]),
                "best_mA": best,
                "prevalence": float(has.mean()),
                "n": int(known.sum()),
            }
    return scores


def score_queries(
    pair: DescriberPair, embeddings: Float32[np.ndarray, "n d"], labels: Float32[np.ndarray, "n k"]
) -> dict[str, dict[str, float]]:
    """Text queries for single attributes: average precision, prevalence and their ratio."""
    queries = {name: f"a person {BY_NAME[name].phrases[0]}" for name in NAMES} | {
        "female": "a woman",
        "front": "a person facing the camera",
    }
    sentences = [(name, query, 1.0) for name, query in queries.items()] + [
        ("female", "a man", 0.0),
        ("front", "a person seen from behind", 0.0),
    ]
    scores = {}
    for name, query, wanted in sentences:
        y = labels[:, NAMES.index(name)]
        known = ~np.isnan(y)
        if min((y[known] == 1).sum(), (y[known] == 0).sum()) >= 5:
            scores[query] = _ranked(
                y[known] == wanted, embeddings[known] @ text_vector(query, _text_of(pair))
            )
    return scores


def score_colours(
    pair: DescriberPair, embeddings: Float32[np.ndarray, "n d"], people: Sequence[LabelledPerson]
) -> dict[str, dict[str, float]]:
    """Text queries for a garment of a colour, where at least four people have it."""
    scores: dict[str, dict[str, float]] = {}
    for garment in _GARMENTS:
        for colour in _COLOURS:
            noun = BY_NAME[garment].nouns[0]
            query = f"a person wearing {with_colour(noun, colour)}"
            known = truth([Caption(query, (Fact(garment, colour=colour),))], people)[0]
            usable = ~np.isnan(known)
            if (known[usable] == 1).sum() >= 4:
                scores[query] = _ranked(
                    known[usable] == 1, embeddings[usable] @ text_vector(query, _text_of(pair))
                )
    return scores


def _ranked(relevant: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    precision, prevalence = average_precision(relevant, scores), float(relevant.mean())
    return {"ap": precision, "prevalence": prevalence, "ratio": precision / prevalence, "n": len(relevant)}


def summary(
    attributes: dict[str, dict[str, float]],
    queries: dict[str, dict[str, float]],
    colours: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """Means over attributes and queries."""
    clothing = [value["auc"] for name, value in attributes.items() if name not in ("female", "front")]
    return {
        "mean_auc_clothing": float(np.mean(clothing)),
        "mean_ap_over_prevalence": float(np.mean([value["ratio"] for value in queries.values()])),
        "least_ap_over_prevalence": float(min(value["ratio"] for value in queries.values())),
        "mean_ap_over_prevalence_colours": float(np.mean([value["ratio"] for value in colours.values()]))
        if colours
        else float("nan"),
        "n_queries": len(queries),
        "n_colour_queries": len(colours),
    }
