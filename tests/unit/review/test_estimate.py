"""The interval contains the true number as often as promised: whole reviews are simulated, with a probe that
follows the answers.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from par_core.review.estimate import CONFIDENCE, Bounds, Draw, Evidence, Tally, bounds_of
from par_core.review.probe import Scale
from par_core.review.proposals import Proposer
from par_core.review.recall import estimate_left
from par_core.review.record import ProposedPerson, ReviewRecord
from par_core.review.survey import Survey, choose_bounds
from tests.people_in_memory import People

REVIEWS = 300


def simulated_review(
    seed: int, shares: Sequence[float] = (0.003, 0.03, 0.1), *, naive: bool = False
) -> tuple[int, int, int, int]:
    """One review that stops after a random number of batches: people found, people truly left, and the
    interval. Most people with the attribute look as the text says; some do not.

    The naive estimate treats every proposed person as drawn at random.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 400))
    text = np.eye(6, dtype=np.float32)[0]
    has = rng.random(n) < rng.choice(shares)
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    vectors[has & (rng.random(n) < 0.7), :2] += 3.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = People(vectors, seed)
    truth = dict(zip(people.ids, has.tolist(), strict=True))
    record = ReviewRecord(
        "simulated", "text", None, "", "", 1, seed, tuple(text.tolist()), choose_bounds(people, "", text)
    )
    proposer = Proposer(people, "", record)
    for _ in range(int(rng.integers(1, 6))):
        batch = proposer.propose(record, int(rng.choice([6, 12, 30])))
        answered = tuple(
            replace(person, answer="yes" if truth[person.person_id] else "no", turn=1) for person in batch
        )
        record = replace(record, rounds=(*record.rounds, answered))
    if naive:
        digests = proposer.survey.digests
        record = record.with_people(
            {
                person.person_id: replace(person, drawn_from=digests[person.stratum])
                for person in record.proposed
            }
        )
    estimate = estimate_left(record, proposer.survey)
    assert estimate.people == n
    return estimate.found, int(has.sum()) - estimate.found, estimate.least_left, estimate.most_left


@pytest.mark.parametrize("reviews", [15, pytest.param(REVIEWS, marks=pytest.mark.slow)])
def test_the_interval_contains_the_true_number_as_often_as_promised(reviews: int) -> None:
    outcomes = [simulated_review(seed) for seed in range(reviews)]
    missed = sum(not least <= left <= most for _, left, least, most in outcomes)
    assert missed <= binom.ppf(0.99, reviews, 1 - CONFIDENCE)
    assert sum(found for found, *_ in outcomes) > reviews, "the reviews do find people"
    assert sum(left > 0 for _, left, *_ in outcomes) > reviews / 2, (
        "but not all, so there is something to miss"
    )
    assert np.median([most - least for *_, least, most in outcomes]) < 150, "and the intervals say something"


def test_the_simulation_catches_an_estimate_that_ignores_how_people_were_chosen() -> None:
    outcomes = [simulated_review(seed, (0.2,), naive=True) for seed in range(30)]
    assert sum(not least <= left <= most for _, left, least, most in outcomes) > binom.ppf(
        0.99, 30, 1 - CONFIDENCE
    )


def drawn(flags: Sequence[bool], people: int) -> Tally:
    """A stratum whose judged people were all drawn at random, one after another."""
    draws = tuple(Draw(flag, sum(flags[:i]), people - i) for i, flag in enumerate(flags))
    return Tally(people, sum(flags), len(flags) - sum(flags), draws)


def test_the_interval_holds_at_every_moment_at_once() -> None:
    """A reviewer who stops at the worst moment is not misled. With an interval for a fixed number of draws,
    the reviewer would be.
    """
    rng, missed = np.random.default_rng(0), 0
    for _ in range(REVIEWS):
        order = (rng.permutation(120) < 12).tolist()
        draws = drawn(order, 120).draws
        moments = [Tally(120, sum(order[:n]), n - sum(order[:n]), draws[:n]) for n in range(10, 120, 10)]
        missed += any(
            Evidence([moment]).total(np.array([[12.0]]))[0] > -math.log1p(-CONFIDENCE) for moment in moments
        )
    assert missed <= binom.ppf(0.99, REVIEWS, 1 - CONFIDENCE)


def test_bounds_are_those_of_trying_every_number() -> None:
    strata = [
        drawn([False, True, False, False, False], 17),
        drawn([False] * 9, 25),
        Tally(9, 2, 4, (Draw(False, 1, 7),)),
    ]
    numbers = np.array(
        list(product(*(range(tally.positives, tally.people - tally.negatives + 1) for tally in strata))),
        np.float64,
    )
    possible = numbers[Evidence(strata).total(numbers) <= -math.log1p(-CONFIDENCE)].sum(axis=1)
    bounds = bounds_of(strata)
    assert 0 <= possible.min() - bounds.least <= 1, (
        "whole numbers in every stratum leave a little less room than any numbers"
    )
    assert 0 <= bounds.most - possible.max() <= 1


def test_no_draws_leave_everything_open_and_all_people_judged_leave_nothing() -> None:
    assert bounds_of([Tally(500, 3, 40, ())]) == Bounds(3, 3.0, 460)
    assert bounds_of([Tally(500, 3, 497, ()), drawn([False] * 20, 20)]) == Bounds(3, 3.0, 3)


def test_draws_without_a_positive_give_about_the_rule_of_three() -> None:
    """3 in n draws (Hanley and Lippman-Hand 1983) and up to a fourth more: the price of coverage at every
    moment.
    """
    for draws in (30, 100, 300):
        assert 3e6 / draws < bounds_of([drawn([False] * draws, 1_000_000)]).most < 3.75e6 / draws


def test_strata_together_are_narrower_than_one_after_another() -> None:
    strata = [drawn([False] * 60, 1_000), drawn([True, *[False] * 50], 800), drawn([False] * 90, 900)]
    assert bounds_of(strata).most < sum(bounds_of([each]).most for each in strata)


def judged_people(answers: str) -> tuple[ProposedPerson, ...]:
    """People of one stratum, in order: Y and N were drawn at random, y and n were chosen by a model."""
    return tuple(
        ProposedPerson(
            f"{place:032x}",
            0,
            "everybody" if each.isupper() else None,
            "yes" if each in "yY" else "no",
            place + 1,
        )
        for place, each in enumerate(answers)
    )


def possible(answers: str, people: int) -> list[int]:
    """The numbers of people with the attribute for which the martingale is at most 20, by exact fractions."""
    not_rejected = []
    for number in range(answers.lower().count("y"), people - answers.lower().count("n") + 1):
        martingale, yes, no = Fraction(1), Fraction(1, 10), Fraction(1)  # pseudo-counts 0.1 and 1
        for place, each in enumerate(answers):
            known, pool = answers[:place].lower().count("y"), people - place
            if each == "Y":
                martingale *= (
                    yes / (yes + no) / Fraction(number - known, pool) if number > known else math.inf
                )
                yes += 1
            elif each == "N":
                others = pool - (number - known)
                martingale *= no / (yes + no) / Fraction(others, pool) if others > 0 else math.inf
                no += 1
        if martingale <= 20:
            not_rejected.append(number)
    return not_rejected


@pytest.mark.parametrize(
    ("answers", "people", "least", "most"),
    [
        ("nnnnnYNNNnnnnNNYNN", 60, 2, 35),
        ("yyyynnnnnnNNNNNNNNNN", 60, 4, 16),
        ("YYnYNYYnnnYYNYyYYY", 40, 17, 34),
        ("ynynNNYNNNYnnnnnnnnnnnnnnnnnnNNNY", 120, 6, 78),
    ],
)
def test_a_draw_is_one_of_the_people_not_proposed_before(
    answers: str, people: int, least: int, most: int
) -> None:
    scale = Scale(np.zeros(1), np.ones(1), 0.0, 1.0)
    vectors = {person.person_id: np.zeros(1, np.float32) for person in judged_people(answers)}
    record = ReviewRecord("mine", "text", None, "", "", 1, 0, (1.0,), (), (judged_people(answers),))
    estimate = estimate_left(record, Survey((people,), ("everybody",), ([],), vectors, scale))
    numbers = possible(answers, people)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert (
        (estimate.found + estimate.least_left, estimate.found + estimate.most_left)
        == (numbers[0], numbers[-1])
        == (least, most)
    )


@given(st.lists(st.booleans(), max_size=25), st.integers(0, 200), st.integers(0, 60))
def test_bounds_are_ordered_and_possible(flags: list[bool], more: int, others: int) -> None:
    tallies = [drawn(flags, len(flags) + more), Tally(others, others // 3, others // 2, ())]
    bounds = bounds_of(tallies)
    positives = sum(tally.positives for tally in tallies)
    negatives = sum(tally.negatives for tally in tallies)
    assert (
        positives
        <= bounds.least
        <= math.ceil(bounds.likely + 1e-6)
        <= bounds.most + 1
        <= sum(tally.people for tally in tallies) - negatives + 1
    )


def test_more_draws_of_the_same_kind_narrow_the_interval() -> None:
    widths = [bounds_of([drawn([False, False, False, True] * n, 2_000)]) for n in (2, 8, 32, 128)]
    assert all(later.most - later.least < earlier.most - earlier.least for earlier, later in pairwise(widths))
