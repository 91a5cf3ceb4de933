import pytest
from hypothesis import given
from hypothesis import strategies as st

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.serve.page_query import (
    PageQuery,
    chips,
    chosen,
    narrowed,
    set_field,
    toggled,
    value_of,
    without,
)

QUESTIONS = st.lists(
    st.sampled_from(
        [
            "man",
            "a red coat",
            '"a suit: red"',
            "AND hat",
            "NOT bag",
            "upper:red",
            "-hat:yes",
            "(a OR b)",
            "hat^2",
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)


@pytest.mark.parametrize(
    ("q", "narrower"),
    [
        ("", "hat:yes"),
        ("man", "man hat:yes"),
        ("man OR child", "(man OR child) hat:yes"),
        ('"this OR that"', '"this OR that" hat:yes'),
        ("(a OR b)", "(a OR b) hat:yes"),
    ],
)
def test_what_is_added_holds_for_the_whole_question(q: str, narrower: str) -> None:
    assert narrowed(q, "hat:yes") == narrower


@pytest.mark.parametrize(
    ("q", "rest"),
    [
        ("hat:yes", ""),
        ("man hat:yes", "man"),
        ("man AND hat:yes AND tall", "man AND tall"),
        ("hat:yes AND man", "man"),
        ("man AND NOT hat:yes", "man"),
        ("NOT hat:yes man", "man"),
        ("-hat:yes man", "man"),
        ("RAND hat:yes", "RAND"),
        ('"two  spaces" hat:yes', '"two  spaces"'),
    ],
)
def test_what_is_taken_out_takes_the_words_that_joined_it_along(q: str, rest: str) -> None:
    assert without(q, "hat", "yes") == rest
    assert [chip.rest for chip in chips(q)] == [rest]


def test_a_colour_is_added_to_those_that_are_asked_for_and_the_last_takes_the_field_along() -> None:
    q = toggled("man", "upper", "red")
    assert q == "man upper:red"
    assert toggled(q, "upper", "pink") == "man upper:red,pink"
    assert toggled("man upper:red,pink bag", "upper", "red") == "man upper:pink bag"
    assert toggled(q, "upper", "red") == "man"
    assert toggled("NOT upper:red", "upper", "red") == "NOT upper:red upper:red"


@given(QUESTIONS, st.sampled_from(COLOUR_TERMS))
def test_to_choose_and_to_choose_again_changes_nothing(q: str, colour: str) -> None:
    if colour not in chosen(q, "lower"):
        once = toggled(q, "lower", colour)
        assert colour in chosen(once, "lower")
        assert toggled(once, "lower", colour) == q.strip()


def test_fields_in_quotes_in_parentheses_or_of_an_alternative_are_not_taken_for_filters() -> None:
    assert chips('"upper:red" (lower:blue hat)') == []
    assert chips("upper:red OR lower:blue") == []
    assert [chip.text for chip in chips('NOT upper:red source:"gate 3"')] == [
        "NOT upper:red",
        "source:gate 3",
    ]


def test_a_field_of_one_value_is_replaced() -> None:
    assert set_field("man", "source", "gate 3") == 'man source:"gate 3"'
    assert value_of('man source:"gate 3"', "source") == "gate 3"
    assert set_field('man source:"gate 3"', "source", "gate-4") == "man source:gate-4"
    assert set_field("man source:gate-4", "source", "") == "man"
    assert '"' not in value_of(set_field("", "source", 'a "quote" (b)'), "source")


def test_an_address_says_only_what_is_asked() -> None:
    assert PageQuery().url() == "/"
    assert (
        PageQuery("a&b", "x = 'ü'", absent=True).url("/people/1", at=60)
        == "/people/1?q=a%26b&where=x+%3D+%27%C3%BC%27&absent=true&at=60"
    )
