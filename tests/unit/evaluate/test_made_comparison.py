"""Heads, arms and figures of the evaluation of made data, against other implementations and by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.errors import BadConfigError
from par_core.evaluate.made.arms import ARMS, MADE_ARMS, REAL, Answers, arms_of
from par_core.evaluate.made.comparison import (
    DECIDING,
    Difference,
    Trial,
    compare_arms,
    numbers_of,
    verdict,
)
from par_core.evaluate.made.heads import fit_sigmoids, fit_softmax
from par_core.evaluate.made.measures import measures
from par_core.evaluate.made.people import UNKNOWN, FeaturedPeople, colour_codes

RNG = np.random.default_rng(0)
RED, BLUE, BLACK = (COLOUR_TERMS.index(term) for term in ("red", "blue", "black"))


def people(n: int, seed: int, *, of: np.ndarray | None = None) -> FeaturedPeople:
    """People whose features tell the colours of both garments and one attribute, with noise."""
    rng = np.random.default_rng(seed)
    colours = rng.choice([RED, BLUE, BLACK], (n, 2), p=[0.2, 0.3, 0.5])
    labels = rng.integers(0, 2, (n, 2)).astype(np.float32)
    signal = np.hstack([np.eye(12)[colours[:, 0]], np.eye(12)[colours[:, 1]], labels[:, :1]])
    features = (signal + rng.normal(0, 0.7, signal.shape)).astype(np.float32)
    sources = np.arange(n) if of is None else of
    return FeaturedPeople(features, colours, labels, tuple(frozenset((int(each),)) for each in sources))


@pytest.mark.parametrize("n", [20, 200])  # fewer and more people than features
def test_the_softmax_head_is_scikit_learns(n: int) -> None:
    features, codes = RNG.normal(size=(n, 40)), np.arange(n) % 3
    weights = RNG.uniform(0.2, 1.0, n)
    mine = fit_softmax(features, codes, weights, 3, 2000).logits(features)
    middle = np.average(features, axis=0, weights=weights)
    scaled = (features - middle) / np.sqrt(np.average((features - middle) ** 2, axis=0, weights=weights))
    other = LogisticRegression(C=16 / 40, tol=1e-10, max_iter=5000).fit(scaled, codes, sample_weight=weights)
    shares = np.exp(mine) / np.exp(mine).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(other.predict_proba(scaled), abs=2e-4)


def test_the_sigmoid_head_learns_nothing_from_unknown_labels() -> None:
    features, labels = RNG.normal(size=(60, 5)), RNG.integers(0, 2, (60, 2)).astype(float)
    known = fit_sigmoids(features[:40], labels[:40], np.ones((40, 2)), 500).logits(features)
    half = labels.copy()
    half[40:] = np.nan
    weights = np.ones((60, 2))
    weights[40:] = 1e-12  # the scaling of features counts people, not labels
    assert fit_sigmoids(features, half, weights, 500).logits(features) == pytest.approx(known, abs=1e-3)


def test_every_arm_has_the_same_people_and_the_same_weight() -> None:
    real = people(100, 1)
    made, jittered = people(300, 2, of=np.repeat(np.arange(100), 3)), people(100, 3)
    order = np.random.default_rng(0).permutation(60)
    arms = arms_of(real, made, jittered, order, 30)
    assert tuple(arms) == ARMS
    for name, arm in arms.items():
        assert arm.weights.sum() == pytest.approx(30)
        allowed = order[:60] if name == "real x 2" else order[:30]
        assert frozenset().union(*arm.people.of) <= set(allowed.tolist())
    assert len(arms[MADE_ARMS[0]].people.of) == 30 + 90
    assert [arms[name].weights[:30].sum() for name in MADE_ARMS] == pytest.approx([22.5, 15, 7.5])
    assert "real x 2" not in arms_of(real, made, jittered, order, 31)


def test_pictures_of_several_people_are_in_an_arm_only_with_all_of_them() -> None:
    real, jittered = people(40, 1), people(40, 3)
    alone = people(4, 2)
    made = FeaturedPeople(
        alone.features,
        alone.colours,
        alone.labels,
        tuple(map(frozenset, ({0, 1}, {1, 30}, {2}, {30, 31}))),
    )
    order = np.arange(40)
    assert arms_of(real, made, jittered, order, 20)[DECIDING].people.of[20:] == (made.of[0], made.of[2])
    assert DECIDING not in arms_of(real, made, jittered, order[1:], 1)


def test_an_arm_that_one_seed_lacks_is_left_out() -> None:
    real = people(60, 1)
    pair = people(2, 2)
    made = FeaturedPeople(pair.features, pair.colours, pair.labels, (frozenset({0, 1}), frozenset({2, 3})))
    worn = tuple((None, None) for _ in range(20))
    trial = Trial(real, made, people(60, 3), tuple(range(40)), tuple(range(40, 60)), worn, ("a", "b"))
    compared = compare_arms(trial, (10, 40), (0, 1, 2), 5, lambda steps: steps)
    assert DECIDING not in compared[10]
    assert DECIDING in compared[40]
    assert "not measured" not in verdict(compared)


def test_figures_are_those_of_scikit_learn_also_where_people_are_drawn_twice() -> None:
    test = people(80, 4)
    answers = Answers((RNG.normal(size=(80, 12)), RNG.normal(size=(80, 12))), RNG.normal(size=(80, 2)))
    worn = [(("dress", COLOUR_TERMS[upper]), ("skirt", COLOUR_TERMS[lower])) for upper, lower in test.colours]
    figures = measures(answers, test, worn, ("dress", "skirt"))
    drawn = RNG.integers(80, size=80)
    for rows in (np.arange(80), drawn):
        weights = np.bincount(rows, minlength=80)[None].astype(float)
        value = {name: float(measure(weights)[0]) for name, measure in figures.items()}
        upper, codes = answers.colours[0][rows], test.colours[rows, 0]
        share = upper - np.log(np.exp(upper).sum(axis=1, keepdims=True))
        terms = (BLACK, RED, BLUE)
        ap = [average_precision_score(codes == term, share[:, term]) for term in terms]
        assert value["upper mAP"] == pytest.approx(np.mean(ap))
        assert value["upper mAP of the rare"] == pytest.approx(ap[1])
        best = upper.argmax(axis=1)
        assert value["upper accuracy"] == pytest.approx((best == codes).mean())
        common = codes != RED
        assert value["upper accuracy of the common"] == pytest.approx((best == codes)[common].mean())
        recall = recall_score(codes, best, labels=list(terms), average="macro", zero_division=0)
        assert value["upper macro recall"] == pytest.approx(recall)
        auc = [roc_auc_score(test.labels[rows, k], answers.attributes[rows, k]) for k in range(2)]
        assert value["attributes AUC"] == pytest.approx(np.mean(auc))
    assert value["queries AP / prevalence"] > 0.5


def test_an_unknown_colour_counts_neither_way() -> None:
    test = people(40, 5)
    answers = Answers((RNG.normal(size=(40, 12)), RNG.normal(size=(40, 12))), RNG.normal(size=(40, 2)))
    hidden = test.colours.copy()
    hidden[:10, 0] = UNKNOWN
    less = FeaturedPeople(test.features, hidden, test.labels, test.of)
    nobody = [(None, None)] * 40
    some = np.ones((1, 40))
    some[0, :10] = 0
    for name in ("upper mAP", "upper accuracy", "upper macro recall"):
        without = measures(answers, less, nobody, ("a", "b"))[name](np.ones((1, 40)))
        assert without == pytest.approx(measures(answers, test, nobody, ("a", "b"))[name](some))


def test_copies_that_tell_what_real_people_tell_help_and_noise_does_not() -> None:
    real = people(260, 6)
    telling = people(400, 7, of=np.arange(400) % 160)
    noise = FeaturedPeople(
        RNG.normal(size=telling.features.shape).astype(np.float32),
        np.random.default_rng(8).permutation(telling.colours),
        np.random.default_rng(9).permutation(telling.labels),
        telling.of,
    )
    worn = tuple((None, None) for _ in range(100))
    answers, seeds = {}, (0, 1, 2, 3)
    for name, made in (("telling", telling), ("noise", noise)):
        trial = Trial(real, made, telling, tuple(range(160)), tuple(range(160, 260)), worn, ("a", "b"))
        compared = compare_arms(trial, (20,), seeds, 40, lambda steps: steps)
        answers[name] = compared[20][DECIDING]["upper mAP"]
        assert compared[20][REAL]["upper mAP"].gain == 0
        assert "upper mAP: " in verdict(compared)
    again = compare_arms(trial, (20,), seeds, 40, lambda steps: steps)
    assert repr(again) == repr(compared)
    assert answers["telling"].verdict == "helps"
    assert answers["noise"].verdict in ("hurts", "no difference")
    assert answers["telling"].over_people[0] < answers["telling"].gain < answers["telling"].over_people[1]


@pytest.mark.parametrize(
    ("seeds", "people_", "said"),
    [
        ((0.1, 0.3), (0.05, 0.4), "helps"),
        ((0.1, 0.3), (-0.01, 0.4), "no difference"),
        ((-0.3, -0.1), (-0.4, -0.1), "hurts"),
        ((float("nan"), float("nan")), (0.1, 0.2), "no difference"),
    ],
)
def test_the_verdict_needs_both_intervals(
    seeds: tuple[float, float], people_: tuple[float, float], said: str
) -> None:
    assert Difference(0.5, 0.2, seeds, people_).verdict == said


def test_numbers_of_people_are_counts_or_shares() -> None:
    assert numbers_of(["25%", "100", " 10% "], 400) == (40, 100)
    for wrong in ("half", "2", "401", "1%"):
        with pytest.raises(BadConfigError, match="people"):
            numbers_of([wrong], 400)


def test_colours_become_codes() -> None:
    assert colour_codes([("red", None), (None, "blue")]).tolist() == [[RED, UNKNOWN], [UNKNOWN, BLUE]]
