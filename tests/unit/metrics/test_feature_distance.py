"""Distances of sets of features, against their definitions and known values."""

import numpy as np
import pytest

from par_core.errors import BadInputError
from par_core.metrics.feature_distance import frechet_distance, kid

RNG = np.random.default_rng(0)


def test_kid_is_the_unbiased_statistic_of_its_definition() -> None:
    x, y = RNG.normal(size=(7, 3)), RNG.normal(1, 1, size=(7, 3))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 3 + 1) ** 3)

    within = sum(kernel(s[i], s[j]) for s in (x, y) for i in range(7) for j in range(7) if i != j) / (7 * 6)
    between = sum(kernel(a, b) for a in x for b in y) / 49
    assert kid(x, y, subsets=1, size=7).mean == pytest.approx(within - 2 * between)


def test_kid_of_one_distribution_is_about_zero_and_of_two_is_not() -> None:
    same, other = RNG.normal(size=(400, 8)), RNG.normal(0.5, 1, size=(400, 8))
    near, far = kid(same[:200], same[200:]), kid(same, other)
    assert abs(near.mean) < 3 * near.deviation + 0.05
    assert far.mean > 10 * abs(near.mean)
    assert kid(same, other) == kid(same, other)


def test_the_frechet_distance_of_shifted_gaussians_is_the_squared_shift() -> None:
    x = RNG.normal(size=(4000, 4))
    assert frechet_distance(x, x + 2) == pytest.approx(16, rel=0.01)
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-6)
    # sum over axes of (3 - 1)^2
    assert frechet_distance(x, 3 * x) == pytest.approx(16, rel=0.05)


def test_too_few_pictures_are_refused() -> None:
    x = RNG.normal(size=(1, 4))
    with pytest.raises(BadInputError, match="at least two"):
        kid(x, x)
    with pytest.raises(BadInputError, match="at least six"):
        frechet_distance(RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4)))
