"""Text queries for a garment of a colour, and for two of them ("a white dress and a black bag"), on people
whose garments' colours are known from pixels.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float

from par_core.attributes.vocabulary import BY_NAME, with_colour
from par_core.datasets.merged_labels import LabelledPerson
from par_core.metrics.ranking import average_precision
from par_core.models.named_evidence import KnownPeople, attribute_evidence
from par_core.models.text_evidence import TextScorer

__all__ = ["common_pairs", "score_garments", "score_pairs"]

Pair = tuple[tuple[str, str], ...]  # attribute and colour of each garment

_FIRST: Final = 10
_LEAST: Final = 3  # people who fit, for a query to be scored
_MOST: Final = 60  # queries, those that fit most people


def score_pairs(people: Sequence[LabelledPerson], known: KnownPeople, scorer: TextScorer) -> dict[str, Any]:
    """Compute the recall among the first ten, and divide it by that of chance: ranked as searches rank, and
    with less and less of what they use.

    Args:
        people: Labelled people of known colours.
        known: Embeddings, attributes and colours of the same people.
        scorer: Text scorer of their embedding.

    Returns:
        ``pairs_recall_at_10_over_chance``, the mean over queries (NaN if there is none); the same
        ``..._without_colours`` of pixels, ``..._by_text_and_its_parts`` (no attributes either),
        ``..._by_text_alone`` (as one vector); and ``pairs`` by text with ``recall_at_10``, ``chance``,
        ``over_chance``, ``fitting``, ``n``.
    """
    colour_shares, n = known.colour_shares(), len(people)
    pairs, ratios_with_less = (
        {},
        {name: list[float]() for name in ("without_colours", "by_text_and_its_parts", "by_text_alone")},
    )
    for pair, fitting in common_pairs(people):
        query = scorer.query(
            " and ".join(with_colour(BY_NAME[attribute].nouns[0], colour) for attribute, colour in pair)
        )
        fits = np.array([set(pair) <= set(person.colours) for person in people])
        chance = min(1.0, _FIRST / n)
        recall = _recall(fits, scorer.evidence(query, known, colour_shares))
        pairs[query.text] = {
            "recall_at_10": recall,
            "chance": chance,
            "over_chance": recall / chance,
            "fitting": fitting,
            "n": n,
        }
        standing = scorer.z_scores(query, known).mean(axis=1)
        ranked = (
            scorer.weights.evidence(
                standing, attribute_evidence(query.attributes, known.attributes, n), np.zeros(n)
            ),
            standing,
            known.vectors @ query.vectors[0],
        )
        for name, scores in zip(ratios_with_less, ranked, strict=True):
            ratios_with_less[name].append(_recall(fits, scores) / chance)
    means = {"pairs_recall_at_10_over_chance": [row["over_chance"] for row in pairs.values()]}
    means |= {f"pairs_recall_at_10_over_chance_{name}": ratios for name, ratios in ratios_with_less.items()}
    return {name: float(np.mean(ratios)) if ratios else float("nan") for name, ratios in means.items()} | {
        "pairs": pairs
    }


def score_garments(
    people: Sequence[LabelledPerson], known: KnownPeople, scorer: TextScorer
) -> dict[str, float]:
    """Compute the average precision of queries for one coloured garment, divided by prevalence.

    Args:
        people: Labelled people of known colours.
        known: Embeddings, attributes and colours of the same people.
        scorer: Text scorer of their embedding.

    Returns:
        ``garments_ap_over_prevalence``, ranked as searches rank,
        ``garments_ap_over_prevalence_by_text_alone``, and how many ``garments`` were queried.
    """
    colour_shares = known.colour_shares()
    ratios, alone = [], []
    for (attribute, colour), fitting in Counter(
        garment for person in people for garment in set(person.colours)
    ).items():
        if _LEAST <= fitting < len(people):
            query = scorer.query(f"a person wearing {with_colour(BY_NAME[attribute].nouns[0], colour)}")
            fits = np.array([(attribute, colour) in person.colours for person in people])
            ratios.append(average_precision(fits, scorer.evidence(query, known, colour_shares)) / fits.mean())
            alone.append(average_precision(fits, known.vectors @ query.vectors[0]) / fits.mean())
    means = {"garments_ap_over_prevalence": ratios, "garments_ap_over_prevalence_by_text_alone": alone}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in means.items()} | {
        "garments": len(ratios)
    }


def _recall(fits: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float:
    return float(fits[np.argsort(-scores, kind="stable")[:_FIRST]].sum() / fits.sum())


def common_pairs(people: Sequence[LabelledPerson]) -> list[tuple[Pair, int]]:
    """Return pairs of coloured garments and how many people wear both, the most common first."""
    counted = Counter(pair for person in people for pair in combinations(sorted(person.colours), 2))
    return [(pair, n) for pair, n in counted.most_common(_MOST) if n >= _LEAST]
