"""Evidence of texts: its parts, and the estimated share of people who fit a text."""

import numpy as np
import pytest
from scipy.special import expit

from par_core.models.fake import FakeDescriber, FakeTextEncoder
from par_core.models.named_evidence import KnownPeople, attribute_evidence, colour_evidence
from par_core.models.text_evidence import (
    TextScorer,
    TextWeights,
    estimate_prevalence,
)

RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


@pytest.fixture(scope="module")
def scorer() -> TextScorer:
    return TextScorer(FakeTextEncoder(), TextWeights.shipped())


def people(*colours: str, hats: tuple[float, ...] = (), upper: tuple[str | None, ...] = ()) -> KnownPeople:
    patches = [np.full((20, 10, 3), RGB[name], np.uint8) for name in colours]
    attributes = {"hat": np.array(hats, np.float32)} if hats else {}
    terms = list(upper) if upper else [None] * len(colours)
    return KnownPeople(
        FakeDescriber().describe(patches).embeddings,
        attributes,
        {"upper": terms, "lower": [None] * len(colours)},
    )


def test_the_z_score_of_a_text_is_high_for_the_people_it_describes(scorer: TextScorer) -> None:
    z_scores = scorer.z_scores(scorer.query("a red person"), people("red", "green", "blue"))[:, 0]
    assert z_scores[0] > 2 > 0.5 > z_scores[1:].max()


def test_named_attributes_and_colours_are_evidence(scorer: TextScorer) -> None:
    query = scorer.query("someone with a hat in a red coat")
    known = people("red", "red", hats=(0.9, 0.1), upper=("red", "blue"))
    assert attribute_evidence(query.attributes, known.attributes, 2) == pytest.approx(
        np.log([0.9, 0.1]), rel=1e-5
    )
    first, second = colour_evidence(query.colours, known.colours, known.colour_shares(), 2)
    assert first > 0 > second
    nothing = people("red", "red")
    # unknown attributes are no evidence
    assert (colour_evidence(query.colours, nothing.colours, nothing.colour_shares(), 2) == 0).all()


def test_unknown_words_are_no_evidence(scorer: TextScorer) -> None:
    query = scorer.query("a person with a chasuble")
    assert not query.known
    known = people("red", "green")
    assert (scorer.evidence(query, known, known.colour_shares()) == 0).all()


def test_the_estimated_share_lies_between_the_usual_and_the_observed_one() -> None:
    weights = TextWeights(1.0, 1.0, 1.0, 0.0, 0.03, calibrated=True)
    rng = np.random.default_rng(0)
    few = estimate_prevalence(np.concatenate([rng.normal(-4, 1, 980), rng.normal(4, 1, 20)]), weights)
    many = estimate_prevalence(np.concatenate([rng.normal(-4, 1, 500), rng.normal(4, 1, 500)]), weights)
    none = estimate_prevalence(rng.normal(-4, 1, 1000), weights)
    assert none < 0.016 < few < 0.05 < many < 0.5
    assert estimate_prevalence(np.zeros(0), weights) == 0.03


def test_explanations_are_probabilities_where_a_half_says_nothing(scorer: TextScorer) -> None:
    probabilities = scorer.explain(scorer.query("a red person and a blue person"), people("red", "blue"))
    assert probabilities.shape == (2, 3)
    assert probabilities[0, 1] > 0.5 > probabilities[0, 2]
    assert float(expit(0)) == 0.5
