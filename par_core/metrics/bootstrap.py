"""Confidence intervals by the percentile bootstrap, over images or over identities.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Pictures of one person
resemble one another, so where identities are known whole identities are drawn (Davison and Hinkley, Bootstrap
Methods and their Application, 1997, section 3.8): intervals over images would be too narrow. Everything is
decided by the seed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from par_core.errors import BadInputError

__all__ = ["Interval", "bootstrap_difference", "bootstrap_rows", "bootstrap_sums"]

_AT_ONCE: Final = 2_000_000  # weights in memory

OfSums = Callable[[Float64[np.ndarray, "b ..."]], Float64[np.ndarray, " b"]]
OfRows = Callable[[Int64[np.ndarray, " r"]], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric and how far it may be off by the choice of people alone.

    Attributes:
        estimate: On all people as they are.
        low: Lower end; NaN with fewer than two groups, or if fewer than half of the resamples are defined.
        high: Upper end.
        undefined: Resamples in which the metric is NaN, as when a rare attribute was not drawn; they are left
            out of the interval.
    """

    estimate: float
    low: float
    high: float
    undefined: int


def bootstrap_sums(
    terms: Float64[np.ndarray, "n ..."],
    statistic: OfSums,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a metric that is a function of sums over images, all resamples at once.

    Args:
        terms: What each image adds: ``label_terms``, ``instance_terms`` or ``reliability_terms``.
        statistic: From the sums of b resamples to b values: ``lambda sums: LabelCounts(sums).mean_ma``.
        groups: The identity of each image; None draws single images.
        resamples: How many.
        seed: Seed of the draws. The same seed draws the same images for every metric and model.
        level: Level of confidence, in (0, 1).

    Raises:
        BadInputError: A term is not finite, or there are more or fewer groups than images.
    """
    if not np.isfinite(terms).all():
        raise BadInputError("what an image adds to a sum must be finite")
    members = _members(len(terms), groups)
    sums = (
        np.stack([terms[rows].sum(axis=0) for rows in members]) if groups is not None and members else terms
    )
    values = []
    for draws in _chunks(_draws(len(members), resamples, seed), max(1, _AT_ONCE // max(1, len(members)))):
        weights = np.stack([np.bincount(draw, minlength=len(members)) for draw in draws]).astype(np.float64)
        values.append(statistic(np.tensordot(weights, sums, axes=1)))
    return _interval(
        float(statistic(terms.sum(axis=0, keepdims=True))[0]), np.concatenate([*values, np.empty(0)]), level
    )


def bootstrap_difference(
    first: Float64[np.ndarray, "n ..."],
    second: Float64[np.ndarray, "n ..."],
    statistic: OfSums,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of the difference, first minus second, of one metric of two models on the same images: every
    resample holds the same images for both.

    Paired, so that what makes an image hard for both cancels out; an interval without 0 speaks for a real
    difference. Arguments and errors as in :func:`bootstrap_sums`.
    """

    def difference(sums: Float64[np.ndarray, "b 2 ..."]) -> Float64[np.ndarray, " b"]:
        return statistic(sums[:, 0]) - statistic(sums[:, 1])

    return bootstrap_sums(
        np.stack([first, second], axis=1), difference, groups, resamples=resamples, seed=seed, level=level
    )


def bootstrap_rows(
    n: int,
    statistic: OfRows,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of a metric that needs the images themselves, as ranks do: ``lambda rows: roc_auc(has[rows],
    scores[rows])``. A difference of two is paired by itself.

    Args:
        n: How many images there are.
        statistic: From the numbers of the images drawn, with repetitions, to a value.
        groups: The identity of each image; None draws single images.
        resamples: How many.
        seed: Seed of the draws.
        level: Level of confidence, in (0, 1).

    Raises:
        BadInputError: There are more or fewer groups than images.
    """
    members = _members(n, groups)
    drawn = [
        statistic(draw if groups is None else np.concatenate([members[i] for i in draw]))
        for draw in _draws(len(members), resamples, seed)
    ]
    return _interval(statistic(np.arange(n)), np.array(drawn, np.float64), level)


def _members(n: int, groups: Sequence[str] | None) -> list[Int64[np.ndarray, " _"]]:
    """The rows of each group."""
    if groups is None:
        return list(np.arange(n).reshape(n, 1))
    if len(groups) != n:
        raise BadInputError(f"{n} images, but {len(groups)} groups")
    _, which = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    return np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1]) if n else []


def _draws(n_groups: int, resamples: int, seed: int) -> Iterator[Int64[np.ndarray, " g"]]:
    """As many groups as there are, with replacement; nothing where there is nothing to choose."""
    rng = np.random.default_rng(seed)
    for _ in range(resamples if n_groups > 1 else 0):
        yield rng.integers(n_groups, size=n_groups)


def _chunks(draws: Iterator[Int64[np.ndarray, " g"]], size: int) -> Iterator[list[Int64[np.ndarray, " g"]]]:
    while chunk := [draw for _, draw in zip(range(size), draws, strict=False)]:
        yield chunk


def _interval(estimate: float, values: Float64[np.ndarray, " b"], level: float) -> Interval:
    defined = values[~np.isnan(values)]
    enough = len(defined) > 0 and 2 * len(defined) >= len(values)  # quantiles of a few say little
    ends = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) if enough else (np.nan, np.nan)
    return Interval(estimate, float(ends[0]), float(ends[1]), len(values) - len(defined))
