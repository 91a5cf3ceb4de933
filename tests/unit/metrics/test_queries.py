"""Retrieval metrics against all orders of equal scores, tried one by one."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.errors import BadInputError
from par_core.metrics.queries import QueryScores, first_rank, found_at, ndcg_at, recall_at

NAN = math.nan

items = st.lists(st.tuples(st.booleans(), st.sampled_from([-1.5, 0.0, 0.5, NAN])), min_size=1, max_size=6)
cuts = st.integers(1, 8)


def orders(pairs: list[tuple[bool, float]]) -> Iterator[list[bool]]:
    """Every ranking that agrees with the scores; without items that have none, which no ranking holds."""
    scored = [(flag, score) for flag, score in pairs if not math.isnan(score)]
    for order in permutations(scored):
        if all(a[1] >= b[1] for a, b in pairwise(order)):
            yield [flag for flag, _ in order]


def dcg(flags: list[bool], k: int) -> float:
    return sum(1 / math.log2(rank + 1) for rank, flag in enumerate(flags, start=1) if flag and rank <= k)


PLAIN: dict[Callable[..., float], Callable[[list[bool], int, int], float]] = {
    recall_at: lambda flags, k, relevant: sum(flags[:k]) / relevant,
    found_at: lambda flags, k, relevant: float(any(flags[:k])),
    ndcg_at: lambda flags, k, relevant: dcg(flags, k) / dcg([True] * relevant, k),
    lambda relevant, scores, k: first_rank(relevant, scores): lambda flags, k, relevant: (
        flags.index(True) + 1 if any(flags) else math.inf
    ),
}


@pytest.mark.parametrize("metric", PLAIN)
@given(items, cuts)
def test_it_is_the_mean_over_all_orders_of_equal_scores(
    metric: Any, pairs: list[tuple[bool, float]], k: int
) -> None:
    relevant, scores = np.array([flag for flag, _ in pairs]), np.array([score for _, score in pairs])
    if not relevant.any():
        assert math.isnan(metric(relevant, scores, k))
        return
    each = [PLAIN[metric](flags, k, int(relevant.sum())) for flags in orders(pairs)]
    assert math.isclose(metric(relevant, scores, k), sum(each) / len(each), abs_tol=1e-12)


def test_a_good_ranking_by_hand() -> None:
    labels = np.array([[0, 1, 0, 1.0], [1, 0, 0, 0]])
    scores = np.array([[-0.1, -0.2, -0.3, -0.4], [-0.1, -0.2, -0.3, -0.4]])  # cosines may all be negative
    means = QueryScores.of(labels, scores, (1, 2)).means()
    best = 1 + 1 / math.log2(3)
    assert means == pytest.approx(
        {
            "mAP": (0.5 + 1) / 2,
            "median_rank": 1.5,
            "recall_at_1": 0.5,
            "recall_at_2": 0.75,
            "found_at_1": 0.5,
            "found_at_2": 1.0,
        }
        | {"ndcg_at_1": 0.5, "ndcg_at_2": (1 / math.log2(3) / best + 1) / 2, "queries": 2, "skipped": 0}
    )


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_two_halves_of_the_queries_join_to_all(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, scores = rng.choice([0, 1, 2, NAN], (4, 5)), rng.integers(0, 3, (4, 5)).astype(float)
    together = QueryScores.of(labels[:cut], scores[:cut]) + QueryScores.of(labels[cut:], scores[cut:])
    np.testing.assert_equal(together.means(), QueryScores.of(labels, scores).means())


def test_a_query_without_a_match_is_counted_and_left_out() -> None:
    means = QueryScores.of(
        np.array([[0, 0.0], [1, 0], [NAN, NAN]]), np.array([[1, 2.0], [2, 1], [1, 2]]), (1,)
    ).means()
    assert (means["queries"], means["skipped"], means["mAP"], means["found_at_1"]) == (3, 2, 1.0, 1.0)
    nothing = QueryScores.of(np.zeros((0, 3)), np.zeros((0, 3)), (1,)).means()
    assert math.isnan(nothing["mAP"])
    assert math.isnan(nothing["median_rank"])
    assert nothing["queries"] == 0


def test_ranks_that_do_not_exist_are_refused() -> None:
    with pytest.raises(BadInputError, match="k = 0"):
        ndcg_at(np.array([True]), np.zeros(1), 0)
    one, other = (QueryScores.of(np.ones((1, 2)), np.zeros((1, 2)), cut) for cut in ((1,), (5,)))
    with pytest.raises(BadInputError, match="do not join"):
        one + other
