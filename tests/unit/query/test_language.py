"""The language of questions: what it means, where its errors point, and that no text can break it."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.errors import FilterError
from par_core.query.language import (
    AllOf,
    AnyOf,
    Condition,
    Likeness,
    Negated,
    Node,
    Phrase,
    Weighted,
    parse_query,
)
from par_core.query.parts import leaves, score
from par_core.query.where import Comparison, Membership, Place

MAN, HAT = Phrase("man", quoted=False), Phrase("hat", quoted=False)


def test_plain_words_are_one_phrase_with_their_small_operators() -> None:
    assert parse_query("a white dress and a  black bag, not new") == Phrase(
        "a white dress and a black bag, not new", quoted=False
    )


def test_everything_together() -> None:
    parsed = parse_query(
        'man AND backpack AND NOT hat "protective suit" upper:red since:2026-11-01 source:gate-3'
    )
    assert parsed == AllOf(
        (
            MAN,
            Phrase("backpack", quoted=False),
            Negated(HAT),
            Phrase("protective suit", quoted=True),
            Condition("upper:red", Membership("upper_color", ("red",))),
            Condition("since:2026-11-01", Comparison("captured_at", ">=", date(2026, 11, 1))),
            Condition("source:gate-3", Place("gate-3")),
        )
    )


def test_and_binds_closer_than_or_and_a_weight_closest() -> None:
    assert parse_query("man OR hat^2 like:3f9a") == AnyOf(
        (MAN, AllOf((Weighted(HAT, 2.0), Likeness("person", "3f9a"))))
    )
    assert parse_query("(man OR hat) unlike:3f9a") == AllOf(
        (AnyOf((MAN, HAT)), Negated(Likeness("person", "3f9a")))
    )
    assert parse_query("-hat") == parse_query("NOT hat") == Negated(HAT)


def test_more_precision_or_more_recall_of_an_attribute_are_asked_for_by_a_word() -> None:
    assert parse_query("hat:sure") == Condition("hat:sure", Comparison("hat", ">=", 0.8))
    assert parse_query("hat:maybe") == Condition("hat:maybe", Comparison("hat", ">=", 0.1))


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("hat^", "a weight is a number", 3),
        ("a (b", "parentheses", 4),
        ('man "x', "quotation mark", 4),
        ("man AND", "stops too early", 7),
        ("hat OR OR man", "in quotes", 7),
        ("man upper:redd", "did you mean red", 4),
        ("man uper:red", "did you mean upper:", 4),
        ("man since:yesterday", "no such date", 4),
        ("man since:2026-11-01T18:30Z", "has a zone", 4),
        ("man until:2026-11-01T18:30+02:00", "has a zone", 4),
        ("man hat:often", "hat:yes, hat:no", 4),
        ("man hat^90", "at most 10", 7),
        ('man ""', "nothing between the quotes", 4),
        ("man height:tall", "is no number", 4),
        ("man image:../../etc/passwd", "is no id", 4),
    ],
)
def test_errors_point_at_the_character(text: str, message: str, place: int) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        parse_query(text)
    reason, shown, mark = str(caught.value).rsplit("\n", 2)
    assert message in reason
    assert shown == f"  {text}"
    assert mark.index("^") - 2 == place


@given(st.text(max_size=60))
def test_any_text_is_a_question_or_one_error(text: str) -> None:
    try:
        node = parse_query(text)
    except FilterError:
        return
    assert leaves(node)


@given(
    st.lists(
        st.sampled_from(["man", "hat", "AND", "OR", "NOT", "(", ")", '"x y"', "upper:red", "-hat", "hat^2"]),
        min_size=1,
        max_size=12,
    )
)
def test_a_question_that_parses_gives_every_part_a_score(words: list[str]) -> None:
    try:
        node = parse_query(" ".join(words))
    except FilterError:
        return
    halves = {(leaf, wanted): np.array([0.0, 0.5, 1.0]) for leaf, wanted, _ in leaves(node)}
    scores = score(node, halves, weighted=True)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_too_long_and_too_many_are_refused() -> None:
    with pytest.raises(FilterError, match="1000 are allowed"):
        parse_query("a" * 1001)
    with pytest.raises(FilterError, match="more than 40 parts"):
        parse_query("hat AND " * 45 + "hat")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 490 + "a" + ")" * 490,
        "NOT " * 240 + "a",
        "NOT (" * 160 + "a" + ")" * 160,
        "on:9999-12-31",
        "until:9999-12-31T23:59",
    ],
)
def test_what_pythons_stack_or_calendar_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse_query(text)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("“a red coat” NOT hat", '"a red coat" NOT hat'),
        ("„hat“", '"hat"'),
        ("«hat»", '"hat"'),
        ("man −hat", "man -hat"),
    ],
)
def test_quotes_and_dashes_of_telephones_are_those_of_keyboards(typed: str, meant: str) -> None:
    assert parse_query(typed) == parse_query(meant)


def test_days_have_the_spellings_of_iso() -> None:
    assert parse_query("on:20261102") == replace_text(parse_query("on:2026-11-02"), "on:20261102")
    assert parse_query("on:2026-W45-1") == replace_text(parse_query("on:2026-11-02"), "on:2026-W45-1")


def replace_text(node: Node, text: str) -> Node:
    assert isinstance(node, Condition)
    return Condition(text, node.filter)


@pytest.mark.parametrize("text", ["since: 2026-11-01", "a man source: gate", "upper:"])
def test_a_field_with_a_blank_behind_its_colon_is_told(text: str) -> None:
    with pytest.raises(FilterError, match="has a blank or nothing behind it"):
        parse_query(text)


@pytest.mark.parametrize(
    ("british", "american"),
    [("colour:red", "color:red"), ("upper:gray,red", "upper:grey,red"), ("COLOUR:Gray", "color:grey")],
)
def test_fields_and_colours_may_be_spelt_in_either_way(british: str, american: str) -> None:
    first, second = parse_query(british), parse_query(american)
    assert isinstance(first, Condition)
    assert isinstance(second, Condition)
    assert first.filter == second.filter
    with pytest.raises(FilterError, match="colour: has a blank"):
        parse_query("man colour: red")
