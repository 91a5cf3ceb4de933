"""The weights of evidence in text searches, on people whose evidence is drawn."""

import numpy as np
import pytest

from par_core.models.text_evidence import TextWeights
from par_core.query.answer import CUTOFF
from par_core.training import text_weights
from par_core.training.text_weights import TextQuery, fit_weights, loss_of, ranking_of

N = 80


@pytest.fixture(autouse=True)
def few_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """No query here names a colour, so that one weight of them is as good as three."""
    monkeypatch.setattr(text_weights, "_COLOURS", (1.0,))
    monkeypatch.setattr(text_weights, "_ATTRIBUTES", (0.25, 0.7, 1.0))


def queries(*, attributes: float, text: float, n: int = 5) -> list[TextQuery]:
    """Queries that a tenth of the people fit; their evidence is so much above that of the others."""
    rng = np.random.default_rng(5)
    drawn = []
    for number in range(n):
        fits = rng.permutation(N) < N // 10
        z_scores, named = (rng.normal(0, 1, N) + fits * distance for distance in (text, attributes))
        drawn.append(TextQuery(f"a person with {number}", z_scores, named, np.zeros(N), fits))
    return drawn


def test_what_tells_more_weighs_more() -> None:
    by_text = fit_weights(queries(attributes=0.2, text=2.5))
    by_attributes = fit_weights(queries(attributes=2.5, text=0.2))
    assert by_text.attributes / by_text.text == pytest.approx(0.25)
    assert by_attributes.attributes / by_attributes.text == pytest.approx(1)


def test_of_weights_that_fit_nearly_alike_those_are_taken_that_rank_best() -> None:
    drawn = queries(attributes=1.5, text=1.5)
    weights = fit_weights(drawn)
    assert 0.6 <= weights.attributes / weights.text <= 1
    for attributes in (0.0, 3.0):
        other = TextWeights(
            weights.text, attributes, weights.colours, weights.offset, weights.prevalence, calibrated=True
        )
        assert loss_of(weights, drawn) < loss_of(other, drawn)
        assert ranking_of(weights, drawn) > ranking_of(other, drawn)
    p, fits = (
        np.concatenate([query.probabilities(weights) for query in drawn]),
        np.concatenate([query.fits for query in drawn]),
    )
    among = p >= 0.2
    assert fits[among].mean() == pytest.approx(p[among].mean(), abs=0.15)


def test_a_text_that_says_nothing_of_anybody_finds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert text_weights._CUTOFF == CUTOFF
    drawn = queries(attributes=1.5, text=1.5)
    best = text_weights._of_nothing(fit_weights(drawn))
    assert best < CUTOFF
    monkeypatch.setattr(text_weights, "_CUTOFF", best)
    assert text_weights._of_nothing(fit_weights(drawn)) < best


def test_ranking_of_chance_is_near_zero_and_of_certainty_the_prevalence() -> None:
    weights = TextWeights(1.0, 1.0, 1.0, 0.0, 0.1, calibrated=True)
    assert ranking_of(weights, queries(attributes=100, text=100)) == pytest.approx(np.log(10))
    assert abs(ranking_of(weights, queries(attributes=0, text=0, n=40))) < 0.5
