"""The logistic regression beside scikit-learn's where that has the same model, else by its equations."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from par_core.logistic import fit_logistic


def items(seed: int, n: int = 300, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, d))
    return features, features @ random.normal(size=d) - 1 + random.logistic(size=n) > 0


def test_with_a_free_offset_it_is_scikit_learns() -> None:
    features, has = items(1)
    weights, offset = fit_logistic(features, has, spread=2.0)
    other = LogisticRegression(C=2.0**2 / 6, tol=1e-10, max_iter=1000).fit(features, has)
    np.testing.assert_allclose(weights, other.coef_[0], atol=1e-3)
    assert offset == pytest.approx(other.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("kinds", ["both", "one"])
def test_with_given_log_odds_and_a_prior_of_the_offset_the_slope_is_zero(kinds: str) -> None:
    features, has = items(2)
    has = has if kinds == "both" else np.ones_like(has)
    given = np.random.default_rng(3).normal(size=len(has)) * 3
    weights, offset = fit_logistic(features, has, spread=4.0, offset_spread=10.0, given=given)
    left = has - expit(given + features @ weights + offset)
    np.testing.assert_allclose(features.T @ left, weights * 6 / 4.0**2, atol=0.02)
    assert left.sum() == pytest.approx(offset / 10.0**2, abs=0.02)


def test_what_is_given_is_not_fitted_again() -> None:
    features, _ = items(4, n=4000)
    given = 1.5 * features[:, 0]
    has = given + np.random.default_rng(5).logistic(size=len(given)) > 0
    assert abs(fit_logistic(features, has, spread=4.0, given=given)[0][0]) < 0.2
    assert fit_logistic(features, has, spread=4.0)[0][0] == pytest.approx(1.5, abs=0.2)


def test_without_people_nothing_is_learned() -> None:
    no_people = np.zeros((0, 3)), np.zeros(0, bool)
    weights, offset = fit_logistic(*no_people, spread=4.0, offset_spread=10.0, given=np.zeros(0))
    assert not weights.any()
    assert offset == 0


def test_an_item_that_counts_twice_is_two_items() -> None:
    features, has = items(6)
    counts = np.where(np.arange(len(has)) % 3 == 0, 2.0, 1.0)
    rows = np.repeat(np.arange(len(has)), counts.astype(int))
    once = fit_logistic(features, has, spread=2.0, counts=counts)
    np.testing.assert_allclose(once[0], fit_logistic(features[rows], has[rows], spread=2.0)[0], atol=1e-3)


def test_a_weight_below_zero_becomes_zero_where_it_is_forbidden() -> None:
    features, has = items(7)
    free, _ = fit_logistic(features, has, spread=2.0)
    positive, offset = fit_logistic(features, has, spread=2.0, positive=True)
    assert free.min() < -0.2
    assert positive.min() == 0
    assert offset < 0, "the offset is free"
    kept = positive > 0
    other, _ = fit_logistic(features[:, kept], has, spread=2.0 * np.sqrt(kept.mean()))
    np.testing.assert_allclose(positive[kept], other, atol=1e-3)
