"""Log-odds against SciPy's."""

import numpy as np
import pytest
import scipy.special

from par_core.log_odds import expit, logit


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_probabilities_are_those_of_scipy_also_where_they_are_tiny(kind: type) -> None:
    log_odds = np.linspace(-80, 80, 1601).astype(kind)
    ours = expit(log_odds)
    assert ours.dtype == kind
    np.testing.assert_allclose(ours, scipy.special.expit(log_odds), rtol=20 * np.finfo(kind).eps)


def test_log_odds_are_those_of_scipy_and_invert_probabilities() -> None:
    probabilities = np.concatenate(
        [[0.0, 1e-300, 1e-12], np.linspace(0.001, 0.999, 999), [1.0, -0.5, np.nan]]
    )
    np.testing.assert_allclose(
        logit(probabilities), scipy.special.logit(probabilities), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(expit(logit(probabilities[:-3])), probabilities[:-3], rtol=1e-12)


def test_the_log_odds_of_one_number_are_a_number() -> None:
    assert logit(0.25) == pytest.approx(-np.log(3))
    assert expit(np.float64(0.0)) == 0.5
