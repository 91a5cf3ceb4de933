"""Text queries for two garments, each of a colour ("a white dress and a black bag"), on people whose garments' colours are known from pixels."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from par_core.attributes.vocabulary import BY_NAME, with_colour
from par_core.evaluate.datasets.labels import LabelledPerson
from par_core.models.base import TextEncoder
from par_core.models.prompting import text_vector

__all__ = ["score_pairs"]

_FIRST: Final = 10
_LEAST: Final = 3  # people who fit, for a query to be asked
_MOST: Final = 60  # queries, those that fit most people


def score_pairs(people: Sequence[LabelledPerson], embeddings: Float32[np.ndarray, "n d"], encoder: TextEncoder) -> dict[str, Any]:
    """Recall among the first ten, and how many times that of chance it is.

    Args:
        people: In the order of the embeddings; those without known colours are left out.
        embeddings: Of L2 norm 1.
        encoder: Of the same space.

    Returns:
        ``pairs_recall_at_10_over_chance``, the mean over queries (NaN if there is none), and ``pairs`` by text with ``recall_at_10``, ``chance``,
        ``over_chance``, ``fitting``, ``n``.
    """
    known = [i for i, person in enumerate(people) if person.colours]
    counted = Counter(pair for i in known for pair in combinations(sorted(people[i].colours), 2))
    told = {}
    for pair, fitting in counted.most_common(_MOST):
        if fitting < _LEAST:
            break
        text = " and ".join(with_colour(BY_NAME[attribute].nouns[0], colour) for attribute, colour in pair)
        fits = np.array([set(pair) <= set(people[i].colours) for i in known])
        order = np.argsort(-(embeddings[known] @ text_vector(text, encoder)), kind="stable")
        recall, chance = float(fits[order[:_FIRST]].sum() / fits.sum()), min(1.0, _FIRST / len(known))
        told[text] = {"recall_at_10": recall, "chance": chance, "over_chance": recall / chance, "fitting": int(fits.sum()), "n": len(known)}
    ratios = [each["over_chance"] for each in told.values()]
    return {"pairs_recall_at_10_over_chance": float(np.mean(ratios)) if ratios else float("nan"), "pairs": told}
