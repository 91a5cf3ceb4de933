"""The arms of the comparison: what each learns from, and how much everything counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.evaluate.made.heads import fit_sigmoids, fit_softmax
from par_core.evaluate.made.people import UNKNOWN, FeaturedPeople

__all__ = ["ARMS", "MADE_ARMS", "REAL", "Answers", "Arm", "answers_of", "arms_of"]

REAL: Final = "real"
WEIGHTED: Final = "real, classes weighted"
JITTERED: Final = "real + strong jitter"
TWICE: Final = "real x 2"
_SHARES: Final = (0.25, 0.50, 0.75)
MADE_ARMS: Final = tuple(f"real + made {share:.0%}" for share in _SHARES)
ARMS: Final = (REAL, WEIGHTED, JITTERED, *MADE_ARMS, TWICE)


@dataclass(frozen=True, slots=True)
class Arm:
    """What is learned from.

    Attributes:
        people: Everybody.
        weights: How much each counts; they add up to the number of real people of the arm ``real``.
        balanced: Whether rare classes weigh more.
    """

    people: FeaturedPeople
    weights: Float64[np.ndarray, " n"]
    balanced: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What the heads of an arm say about t people.

    Attributes:
        colours: By zone: (t, terms) logits.
        attributes: (t, k) log-odds.
    """

    colours: tuple[Float64[np.ndarray, "t terms"], ...]
    attributes: Float64[np.ndarray, "t k"]


def arms_of(
    real: FeaturedPeople,
    made: FeaturedPeople,
    jittered: FeaturedPeople,
    order: Int64[np.ndarray, " m"],
    n: int,
) -> Mapping[str, Arm]:
    """The arms at one number of real people; those for which there are not enough people are left out.

    Args:
        real: Real people.
        made: Made people; their ``of`` counts rows of ``real``.
        jittered: Real people with strong photometric jitter, likewise.
        order: Rows of ``real`` to learn from, in the order of a draw.
        n: How many of them.
    """
    chosen = order[:n]
    base, even, among = real.rows(chosen), np.ones(n), frozenset(map(int, chosen))
    arms = {REAL: Arm(base, even), WEIGHTED: Arm(base, even, balanced=True)}
    for name, share, others in (
        (JITTERED, 0.5, jittered),
        *((name, share, made) for name, share in zip(MADE_ARMS, _SHARES, strict=True)),
    ):
        more = others.rows(np.flatnonzero([of <= among for of in others.of]))
        if len(more.of):
            weights = np.concatenate([even * (1 - share), np.full(len(more.of), n * share / len(more.of))])
            arms[name] = Arm(base.joined(more), weights)
    if 2 * n <= len(order):
        arms[TWICE] = Arm(real.rows(order[: 2 * n]), np.full(2 * n, 0.5))
    return {name: arms[name] for name in ARMS if name in arms}


def answers_of(arm: Arm, test: FeaturedPeople, budget: int) -> Answers:
    """Fit the heads of an arm and ask them about other people."""
    people, terms = arm.people, len(COLOUR_TERMS)
    colours = []
    for zone in range(people.colours.shape[1]):
        known = people.colours[:, zone] != UNKNOWN
        codes, weights = people.colours[known, zone], arm.weights[known]
        if arm.balanced:
            counts = np.bincount(codes, weights, terms)
            weights = weights / counts[codes] * (weights.sum() / np.count_nonzero(counts))
        head = fit_softmax(people.features[known], codes, weights, terms, budget)
        colours.append(head.logits(test.features))
    weights = np.repeat(arm.weights[:, None], people.labels.shape[1], axis=1)
    if arm.balanced:
        has = np.nan_to_num(people.labels)
        share = np.clip((weights * has).sum(axis=0) / weights.sum(axis=0), 1e-3, 1 - 1e-3)
        weights = weights * np.where(has > 0, 0.5 / share, 0.5 / (1 - share))
    attributes = fit_sigmoids(people.features, people.labels, weights, budget).logits(test.features)
    return Answers(tuple(colours), attributes)
