"""Empty answers say which part emptied them; numbers are of what was asked."""

from pathlib import Path

import pytest

from flows.console.hits import hit_lines, part_line
from par_core.query.answer import Chance, PartScore, SearchResult
from par_core.query.certainty import certainty_details
from par_core.query.denials import read_question
from par_core.query.from_store import Question, ask
from par_core.query.language import Node
from par_core.query.where import parse_where
from par_core.query.why_nobody import Asked, why_nobody
from tests.indexing import FAKE, index
from tests.pictures import archive


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("why")
    index(root / "store", [archive(root / "photos", [("red",), ("green", "blue"), ("yellow", "red")])])
    return root / "store"


def why(store: Path, **asked: str) -> tuple[str, ...]:
    result, _ = ask(store, Question(asked.get("text"), where=asked.get("where")), FAKE)
    assert not result.hits
    return result.why


def test_a_part_that_nobody_fits_is_named_and_what_the_others_find(store: Path) -> None:
    assert why(store, text="upper:purple upper:red,green") == (
        "Nobody fits upper:purple by itself.",
        "Without upper:purple: 3 people.",
    )


def test_parts_that_fit_somebody_but_not_together_are_told_apart(store: Path) -> None:
    assert why(store, text="upper:red upper:blue") == (
        "Each part fits somebody by itself, but nobody fits all of them.",
        "Without upper:red: 1 person.",
        "Without upper:blue: 2 people.",
    )


def test_a_filter_beside_the_words_is_a_part_too(store: Path) -> None:
    assert why(store, text="red", where="height_px > 5000") == (
        "Nobody fits the filter height_px > 5000 by itself.",
        "Without the filter height_px > 5000: 5 people.",
    )
    assert why(store, text="upper:red NOT upper:red,blue") == (
        "Each part fits somebody by itself, but nobody fits all of them.",
        "Without upper:red: 2 people.",
        "Without NOT upper:red,blue: 2 people.",
    )


def test_a_single_field_needs_no_reason(store: Path) -> None:
    assert why(store, text="upper:purple") == ()
    assert why(store, where="height_px > 5000") == ()


def test_an_attribute_below_its_threshold_is_offered_with_less_certainty() -> None:
    asked: list[tuple[Node | None, bool]] = []

    def count(node: Node | None, where: str | None, weak: bool) -> int:
        asked.append((node, weak))
        return 4

    (sentence,) = why_nobody(Asked(read_question("with a hat"), None, False), frozenset(["hat"]), count)
    assert sentence == "hat is not certain enough of anybody; hat:maybe, with less, finds 4 people."
    assert asked[0][0].filter == parse_where("hat >= 0.1")
    (sentence,) = why_nobody(Asked(read_question('"a ghost"'), None, False), frozenset(), lambda *_: 100)
    assert sentence == "Nobody is likely enough to fit; left out below the cutoff: 100 people or more."


def test_a_question_of_many_parts_is_not_taken_apart() -> None:
    asked = Asked(read_question(" ".join(f"height:>{n}" for n in range(7))), None, False)
    assert why_nobody(asked, frozenset(), lambda *_: pytest.fail("counted")) == ()


def test_the_number_of_a_negated_part_is_that_of_the_negation() -> None:
    denied = PartScore("hat", False, 0.1, 1.0, 0.1)
    assert denied.fit == pytest.approx(0.9)
    assert part_line(denied) == " 90% NOT hat: lost 10%"
    assert PartScore("hat", True, 0.1, 1.0, 0.9).fit == pytest.approx(0.1)


def test_details_of_certainty_are_shown_on_request(store: Path) -> None:
    (hit, *_) = ask(store, Question("red", weak=True), FAKE)[0].hits
    result = SearchResult("red", (hit, hit), (), 10, Chance(0.15, 0.5, 2))
    details = list(certainty_details(result.chance))
    assert "mean of 50%" in details[0]
    assert details[1] == "Left out: 2 people who are less than 15% likely to fit."
    assert details[0] in list(hit_lines(result, explain=True))
    assert details[0] not in list(hit_lines(result))


def test_an_empty_answer_says_why_in_the_terminal(store: Path) -> None:
    result, _ = ask(store, Question("upper:red upper:blue"), FAKE)
    assert list(hit_lines(result))[:2] == [
        "Nobody among 5 people fits.",
        "Each part fits somebody by itself, but nobody fits all of them.",
    ]
