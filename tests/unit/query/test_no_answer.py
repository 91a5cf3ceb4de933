"""People of whom the index has no answer, as of shoes that a portrait does not show: they fit neither what is
asked nor its opposite.
"""

import numpy as np
import pyarrow as pa
import pytest

from flows.console.hits import part_line
from par_core.attributes.spoken import NamedAttribute
from par_core.models.named_evidence import LEAST, attribute_evidence, probability_of
from par_core.models.text_evidence import TextScorer, TextWeights
from par_core.query.answer import Hit
from par_core.query.by_filter import degree
from par_core.query.denials import read_question
from par_core.query.searching import Wanted, sample_of, search_filter, search_query
from par_core.query.where import parse_where
from par_core.serve.answers import PersonDetails, Versions
from par_core.serve.page_query import PageQuery
from par_core.serve.page_view import person_view
from par_core.store.lance import PeopleIndex
from tests.many_people import WideTextEncoder, make_index, people

N = 400
SCORER = TextScorer(WideTextEncoder(), TextWeights.shipped())


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> PeopleIndex:
    return make_index(tmp_path_factory.mktemp("unanswered") / "index.lance", people(N))


def hits(many: PeopleIndex, text: str) -> list[Hit]:
    wanted = Wanted(None, N, weak=True, apart=True)
    return list(search_query(many, read_question(text), SCORER, sample_of(many), wanted, text, {}).hits)


@pytest.mark.parametrize("wanted", [True, False])
def test_an_unknown_attribute_is_as_unlikely_as_can_be(wanted: bool) -> None:
    named = NamedAttribute("heels", wanted, "heels")
    known = {"heels": np.array([0.02, np.nan, 0.9], np.float32)}
    of_person = probability_of(named, known)
    assert of_person[1] == LEAST == of_person.min()
    assert probability_of(named, known, of_unknown=1 - LEAST)[1] == 1 - LEAST
    evidence = attribute_evidence([named], known, 3)
    assert evidence.argmin() == 1


@pytest.mark.parametrize("text", ["bag^0.5", "NOT bag^0.5", "hat OR bag^0.5", "NOT (bag^0.5 OR hat^0.5)"])
def test_nobody_without_an_answer_comes_before_somebody_measured(many: PeopleIndex, text: str) -> None:
    fits = [
        (hit.attributes.get("bag"), next(part for part in hit.parts if part.text.startswith("bag")))
        for hit in hits(many, text)
    ]
    unknown = [part for p, part in fits if p is None]
    measured = [part.fit for p, part in fits if p is not None]
    assert unknown
    assert max(part.fit for part in unknown) < min(measured)
    assert {part.text for part in unknown} == {"bag (not in the picture)"}
    assert all(part.text == "bag" for p, part in fits if p is not None)
    assert "bag (not in the picture)" in part_line(unknown[0])


def test_words_that_name_an_attribute_say_where_it_does_not_show(many: PeopleIndex) -> None:
    for text in ('"a tall person with a bag"', 'NOT "a tall person with a bag"'):
        found = hits(many, text)
        details = {
            hit.person_id: next(part for part in hit.parts if part.text.startswith("attribute: "))
            for hit in found
        }
        unknown = {hit.person_id for hit in found if "bag" not in hit.attributes}
        assert {one for one, part in details.items() if part.text.endswith("(not in the picture)")} == unknown
        fits = {one: part.fit for one, part in details.items()}
        assert max(fits[one] for one in unknown) <= min(fits[one] for one in fits.keys() - unknown)


@pytest.mark.parametrize("text", ["bag:yes", "bag:no", "NOT bag:yes", "bag:maybe", "bag", "NOT bag"])
def test_neither_a_condition_nor_its_opposite_holds(many: PeopleIndex, text: str) -> None:
    found = hits(many, text)
    assert found
    assert all("bag" in hit.attributes for hit in found)


def test_the_other_side_of_an_or_decides(many: PeopleIndex) -> None:
    table = pa.table({"hat": [0.9, 0.9, 0.9], "bag": pa.array([0.1, None, 0.9], pa.float32())})
    attributes = ("hat", "bag")
    either = degree(parse_where("hat or bag"), table, attributes)
    assert either == pytest.approx([0.91, 0.9, 0.99])
    neither = degree(parse_where("not (hat or bag)"), table, attributes)
    assert neither == pytest.approx([0.09, 0, 0.01])
    assert degree(parse_where("hat or not bag"), table, attributes) == pytest.approx([0.99, 0.9, 0.91])
    low = degree(parse_where("not bag < 0.5"), table, attributes)
    assert low == pytest.approx([0.1, 0, 0.9])
    assert any("bag" not in hit.attributes for hit in hits(many, "hat:yes OR bag:yes"))


def test_the_panel_lists_what_is_not_in_the_picture(many: PeopleIndex) -> None:
    for where, hidden in (("bag is null and hat is null", ("bag",)), ("bag is not null", ())):
        hit = search_filter(many, Wanted(where, 1)).hits[0]
        view = person_view(PageQuery(""), PersonDetails(hit, (), Versions(1, 1, "table"), many.info), None)
        assert view.hidden == hidden
