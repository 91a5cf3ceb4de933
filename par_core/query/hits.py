"""The hits of an answer, made from rows of the index."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from jaxtyping import Float64

from par_core.query.answer import Hit, PartScore
from par_core.query.people import People
from par_core.query.person import person_fields

__all__ = ["fold", "hits_of"]


def hits_of(
    people: People,
    thresholds: Mapping[str, float],
    probabilities: Float64[np.ndarray, " n"] | None,
    cosines: Float64[np.ndarray, " n"] | None,
    ranks: Sequence[int],
    explained: Sequence[tuple[PartScore, ...]],
) -> tuple[Hit, ...]:
    """Return a hit for each of n people.

    Args:
        people: The people, best first.
        thresholds: The probability from which each attribute counts as seen.
        probabilities: Probability of the question for each person, in [0, 1]; None where it is not judged.
        cosines: Cosine of each person with the question, NaN where there is none; None where nothing was
            compared.
        ranks: Rank of each person; 1 is best.
        explained: How well each part of the question fits each person.
    """
    fields = person_fields(people.whole_rows(), people.attributes, thresholds)
    return tuple(
        Hit(
            **person,
            rank=ranks[i],
            cosine=None if cosines is None or np.isnan(cosines[i]) else float(cosines[i]),
            probability=None if probabilities is None else float(probabilities[i]),
            parts=explained[i],
        )
        for i, person in enumerate(fields)
    )


def fold(hits: Sequence[Hit], groups: Sequence[Sequence[int]]) -> tuple[Hit, ...]:
    """Return the first hit of each group, with the other hits of the group as its ``similar``.

    Args:
        hits: The hits in the order of the groups.
        groups: Groups of row numbers, of which only the lengths count.
    """
    remaining = iter(hits)
    folded = []
    for rows in groups:
        leader, *others = islice(remaining, len(rows))
        folded.append(replace(leader, similar=tuple(others)) if others else leader)
    return tuple(folded)
