"""Words of a question: completed, read as wider ones, and corrected."""

from pathlib import Path

import pytest

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.attributes.spoken import named_attributes
from par_core.config import load_config
from par_core.models.base import TextEncoder
from par_core.models.profiles import load_text_encoder
from par_core.query.denials import read_question
from par_core.query.from_store import Question, ask
from par_core.query.language import AllOf, Negated, Phrase
from par_core.query.word_hints import _READ_AS, _WIDER, completions, near_words, read_as, wider_word
from tests.indexing import FAKE, index
from tests.many_people import WideTextEncoder
from tests.pictures import archive


@pytest.fixture(scope="module")
def compact() -> TextEncoder:
    return load_text_encoder(load_config())


def test_a_word_that_the_model_cannot_know_is_read_as_a_wider_one(compact: TextEncoder) -> None:
    read, notes = read_as(read_question("a man with two rucksacks and a red coat"), compact)
    assert read == Phrase("a man with two bag and a red coat", False)
    assert notes == ("'rucksacks' is read as 'bag': this model does not tell it from others",)


def test_what_is_denied_is_read_so_as_well(compact: TextEncoder) -> None:
    read, notes = read_as(read_question("a woman without a helmet"), compact)
    denied = read.parts[1]
    assert isinstance(read, AllOf)
    assert isinstance(denied, Negated)
    assert denied.inner == Phrase("hat", False)
    assert len(notes) == 1


def test_words_in_quotes_and_words_that_a_model_knows_stay(compact: TextEncoder) -> None:
    quoted = read_question('"a rucksack" AND hat')
    assert read_as(quoted, compact) == (quoted, ())
    plain = read_question("a rucksack")
    assert read_as(plain, WideTextEncoder()) == (plain, ())
    tie = read_question("a tie")
    assert read_as(tie, compact) == (tie, ()), "there is no wider word"


def test_every_wider_word_names_something(compact: TextEncoder) -> None:
    for wide, narrows in _WIDER.items():
        assert wide in COLOUR_TERMS or named_attributes(wide), wide
        assert not compact.unknown_words(wide)
        assert not set(narrows) & set(_WIDER)
    assert wider_word("Rucksacks") == "bag"
    assert wider_word("trousers") is None
    assert len(_READ_AS) > 80


def test_a_misspelt_word_gets_the_word_that_was_meant() -> None:
    assert near_words("jackett")[0] == "jacket"
    assert near_words("glases")[0] == "glasses"
    assert near_words("chasuble") == ()


def test_the_answer_asks_whether_another_word_was_meant(tmp_path: Path) -> None:
    index(tmp_path / "store", [archive(tmp_path / "photos", [("red",)])])
    (warning,) = ask(tmp_path / "store", Question("a red jackett"), FAKE)[0].warnings
    assert "did you mean 'jacket'" in warning
    (warning,) = ask(tmp_path / "store", Question("a red chasuble"), FAKE)[0].warnings
    assert "did you mean" not in warning


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("a woman in a ja", "a woman in a jacket"),
        ("upper:gr", "upper:grey"),
        ("upper:red,gr", "upper:red,green"),
        ("NOT (up", "NOT (upper:"),
        ("-be", "-belt"),
        ("man with a ruck", "man with a rucksack"),
        ("hat:m", "hat:maybe"),
        ("ha", "hat:yes"),
    ],
)
def test_the_last_word_is_completed(typed: str, offered: str) -> None:
    offers = completions(typed, ("hat",))
    assert offered in offers
    assert len(offers) <= 8
    assert all(offer.lower().startswith(typed.lower()) for offer in offers)


def test_all_colours_are_offered_after_a_garment() -> None:
    assert {offer.removeprefix("upper:") for offer in completions("upper:")} == set(COLOUR_TERMS)


def test_nothing_is_offered_where_nothing_goes_on() -> None:
    assert completions("") == completions("a man ") == completions("xyzzy") == completions("x:y") == ()
    assert "hat" not in completions("hat")
