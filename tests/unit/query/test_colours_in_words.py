"""Questions in words for a colour that few people wear: people in neighbouring colours follow."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from par_core.models.text_evidence import TextScorer, TextWeights
from par_core.query.answer import SearchResult
from par_core.query.denials import read_question
from par_core.query.language import Condition, Negated, Node, Phrase
from par_core.query.neighbouring_colours import search_near, widened
from par_core.query.parts import leaves
from par_core.query.searching import Wanted, sample_of, search_query
from par_core.query.where import Membership, Or
from tests.many_people import WideTextEncoder, make_index, people

WORN = ["red"] * 4 + ["pink"] * 60 + ["blue"] * 336
Search = Callable[[Node], SearchResult]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    table = people(len(WORN))
    for name in ("upper_color", "lower_color"):
        place = table.schema.get_field_index(name)
        field = table.schema.field(name)
        table = table.set_column(place, field, pa.array(WORN).cast(field.type))
    index = make_index(tmp_path_factory.mktemp("colours") / "index.lance", table)
    scorer, sample = TextScorer(WideTextEncoder(), TextWeights.shipped()), sample_of(index)
    return lambda node: search_query(index, node, scorer, sample, Wanted(), "", {})


@pytest.mark.parametrize("text", ["a red coat", "hat:maybe a red coat", 'upper:red "a dark red coat"'])
def test_neighbours_follow_those_whom_words_find_and_the_answer_says_so(search: Search, text: str) -> None:
    node = read_question(text)
    own, both = search(node).hits, search_near(search, node, 20)
    assert 0 < len(own) < 10
    assert [hit.person_id for hit in both.hits[: len(own)]] == [hit.person_id for hit in own]
    followers = both.hits[len(own) :]
    assert len(followers) > 5
    assert {hit.upper_color for hit in followers} == {"pink"}
    assert [hit.rank for hit in both.hits] == list(range(1, len(both.hits) + 1))
    assert both.warnings[-1] == (
        f"only {len(own)} were found by the colour that was asked for; from hit {len(own) + 1} on people wear"
        " a neighbouring one: pink or orange or brown above"
    )
    assert "colour: red coat or near it" in [part.text.replace("dark ", "") for part in followers[0].parts]
    assert [hit.person_id for hit in search_near(search, node, 2).hits] == [hit.person_id for hit in own]


@pytest.mark.parametrize("text", ["a red person", 'NOT "a red coat" hat', "a coat", "somebody in a red hat"])
def test_words_that_name_no_colour_of_a_garment_stay_as_they_are(text: str) -> None:
    node = read_question(text)
    assert widened(node) == (node, ())


def test_a_dress_fits_above_or_below_and_two_garments_must_both_fit(search: Search) -> None:
    wider, said = widened(read_question("a purple dress"))
    assert said == ("blue or pink above", "blue or pink below")
    purple = Or((Membership("upper_color", ("purple",)), Membership("lower_color", ("purple",))))
    assert wider.parts[-1] == Negated(Condition("in the colour itself", purple)), "they were found already"
    assert [leaf.near for leaf, _, _ in leaves(wider) if isinstance(leaf, Phrase)] == [True]
    _, said = widened(read_question("a purple coat and white trousers"))
    assert said == ("blue or pink above", "grey or beige below")
    found = search_near(search, read_question("a purple coat and white trousers"), 20)
    assert not found.warnings, "nobody wears anything near white"
