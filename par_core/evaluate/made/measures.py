"""Figures of the answers of heads, for many resamples of the test people at once.

A resample is a row of weights: how often each test person was drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.special import log_expit, log_softmax

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.evaluate.made.arms import Answers
from par_core.evaluate.made.people import UNKNOWN, ZONES, FeaturedPeople
from par_core.metrics.label_based import ratio

__all__ = ["COMMON", "Draws", "Measure", "Worn", "measures"]

Worn = tuple[tuple[str, str] | None, ...]
"""Attribute and colour of the largest garment of each zone, where they are known."""
Draws = Float64[np.ndarray, "b t"]
Measure = Callable[[Draws], Float64[np.ndarray, " b"]]

#: Colours that are not rare on people in streets.
COMMON: Final = ("black", "white", "grey", "blue", "brown", "beige")
_LEAST: Final = 3  # people who fit, for a colour, attribute or query to be scored


def measures(
    answers: Answers, test: FeaturedPeople, garments: Sequence[Worn], names: tuple[str, ...]
) -> Mapping[str, Measure]:
    """The figures of one arm, by name.

    ``upper mAP`` and ``lower mAP``: mean over colours of the average precision of people by the probability
    of the colour; ``rare``: of the colours that are not ``COMMON``; ``accuracy``, ``accuracy of the common``,
    ``macro recall``: of the most likely colour. ``attributes AUC`` and ``attributes mA`` (at a probability of
    0.5): means over attributes. ``queries AP / prevalence``: of queries for a garment of a colour, ranked by
    the product of the probabilities of the attribute and of the colour of its zone.

    Args:
        answers: Of the heads, about t people.
        test: These people.
        garments: What each of them wears.
        names: Names of the k attributes.
    """
    figures: dict[str, Measure] = {}
    likely = [log_softmax(logits, axis=1) for logits in answers.colours]
    for zone, name in enumerate(ZONES):
        figures |= _of_colours(name, test.colours[:, zone], likely[zone])
    labels = test.labels.T
    scored = [k for k, label in enumerate(labels) if _enough(label == 1) and _enough(label == 0)]
    figures["attributes AUC"] = _mean([_auc(labels[k], answers.attributes[:, k]) for k in scored])
    figures["attributes mA"] = _mean([_ma(labels[k], answers.attributes[:, k] > 0) for k in scored])
    queries, has = [], log_expit(answers.attributes)
    for zone in range(len(ZONES)):
        seen = {each for worn in garments if (each := worn[zone]) is not None}
        for attribute, colour in sorted(seen):
            fits = np.array([worn[zone] == (attribute, colour) for worn in garments])
            if _enough(fits):
                scores = has[:, names.index(attribute)] + likely[zone][:, COLOUR_TERMS.index(colour)]
                queries.append(_ap(fits, scores, over_prevalence=True))
    figures["queries AP / prevalence"] = _mean(queries)
    return figures


def _enough(fits: Bool[np.ndarray, " t"]) -> bool:
    return _LEAST <= int(fits.sum()) < len(fits)


def _of_colours(name: str, codes: np.ndarray, likely: np.ndarray) -> dict[str, Measure]:
    known = codes != UNKNOWN
    terms = [code for code in range(len(COLOUR_TERMS)) if _enough(codes == code)]
    ap = {code: _ap(codes == code, likely[:, code], among=known) for code in terms}
    rare = [code for code in terms if COLOUR_TERMS[code] not in COMMON]
    right = likely.argmax(axis=1) == codes
    common = np.isin(codes, [COLOUR_TERMS.index(term) for term in COMMON])
    return {
        f"{name} mAP": _mean(list(ap.values())),
        f"{name} mAP of the rare": _mean([ap[code] for code in rare]),
        f"{name} accuracy": _share(right, known),
        f"{name} accuracy of the common": _share(right, common),
        f"{name} macro recall": _mean([_share(right, codes == code) for code in terms]),
    }


def _mean(each: Sequence[Measure]) -> Measure:
    """The mean of some figures, of those that a resample defines."""

    def mean(draws: Draws) -> Float64[np.ndarray, " b"]:
        if not each:
            return np.full(len(draws), np.nan)
        values = np.stack([measure(draws) for measure in each])
        return ratio(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))

    return mean


def _share(right: Bool[np.ndarray, " t"], among: Bool[np.ndarray, " t"]) -> Measure:
    return lambda draws: ratio(draws @ (right & among), draws @ among)


def _ma(label: Float[np.ndarray, " t"], predicted: Bool[np.ndarray, " t"]) -> Measure:
    return _mean([_share(predicted, label == 1), _share(~predicted, label == 0)])


def _ap(
    fits: Bool[np.ndarray, " t"],
    scores: Float64[np.ndarray, " t"],
    *,
    among: Bool[np.ndarray, " t"] | None = None,
    over_prevalence: bool = False,
) -> Measure:
    """Average precision, as ``par_core.metrics.ranking`` has it; a person who is drawn twice counts twice."""
    order = np.argsort(-scores, kind="stable")
    order = order if among is None else order[among[order]]
    hits = fits[order]

    def measure(draws: Draws) -> Float64[np.ndarray, " b"]:
        drawn = draws[:, order]
        found = drawn * hits
        precision = ratio(np.cumsum(found, axis=1), np.cumsum(drawn, axis=1))
        ap = ratio(np.nansum(found * precision, axis=1), found.sum(axis=1))
        return ap / ratio(found.sum(axis=1), drawn.sum(axis=1)) if over_prevalence else ap

    return measure


def _auc(label: Float[np.ndarray, " t"], scores: Float64[np.ndarray, " t"]) -> Measure:
    """Area under the ROC curve."""
    order = np.argsort(scores, kind="stable")
    has, lacks = (label == 1)[order], (label == 0)[order]

    def measure(draws: Draws) -> Float64[np.ndarray, " b"]:
        positive, negative = draws[:, order] * has, draws[:, order] * lacks
        beaten = (positive * np.cumsum(negative, axis=1)).sum(axis=1)
        return ratio(beaten, positive.sum(axis=1) * negative.sum(axis=1))

    return measure
