"""Cut-outs in the ranking: of people who fit a question about equally, the clear and whole one comes first,
and scraps come last. Nobody is left out for it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64

from par_core.query.answer import PartScore
from par_core.query.people import People

__all__ = ["explain_cutouts", "ranked_by_cutouts"]

_WEIGHT: Final = 1.0  # power of the score of a cut-out; docs/search.md has the measurement
_NAME: Final = "good cut-out"


def ranked_by_cutouts(ranks: Float64[np.ndarray, " n"], people: People) -> Float64[np.ndarray, " n"]:
    """Return how well people fit a question, times the score of their cut-outs: as if both were independent
    conditions. Where the index does not say how good a cut-out is, it counts as good.

    Args:
        ranks: How well n people fit the question, in [0, 1].
        people: The people.
    """
    return ranks * np.nan_to_num(people.cutouts, nan=1.0) ** _WEIGHT


def explain_cutouts(
    explained: Sequence[tuple[PartScore, ...]], people: People
) -> list[tuple[PartScore, ...]]:
    """Return the parts of each person's score with what the cut-out has cost, where the index says how good
    it is.

    Args:
        explained: Parts of each person's score.
        people: The people, in the same order.
    """
    return [
        (*parts, PartScore(_NAME, True, cutout, _WEIGHT, 1 - cutout**_WEIGHT))
        if np.isfinite(cutout)
        else parts
        for parts, cutout in zip(explained, people.cutouts.tolist(), strict=True)
    ]
