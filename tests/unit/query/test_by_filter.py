"""Lists by a filter alone: the order that the filter asks for, and people in neighbouring colours."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.query.answer import SearchResult
from par_core.query.by_filter import same_person
from par_core.query.denials import read_question
from par_core.query.from_store import Question, ask
from par_core.query.language import Condition, Negated
from par_core.query.neighbouring_colours import NEIGHBOURS, widened
from par_core.query.searching import Wanted, search_filter
from par_core.query.where import Membership
from par_core.store.lance import PeopleIndex
from tests.indexing import FAKE, index
from tests.many_people import make_index, people
from tests.pictures import archive

N = 400


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """People with shares in [0, 1], each in a place of its own."""
    made = people(N)
    rng = np.random.default_rng(1)
    places = {"x1": 0, "y1": 0, "x2": 10, "y2": 20}
    for name in made.column_names:
        if name.endswith("_color_share"):
            values = rng.random(N).astype(np.float32)
        elif name in places:
            values = (places[name] + 100 * np.arange(N)).astype(np.float32)
        else:
            continue
        place = made.schema.get_field_index(name)
        made = made.set_column(place, made.schema.field(name), pa.array(values))
    return made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> PeopleIndex:
    return make_index(tmp_path_factory.mktemp("filters") / "index.lance", table)


def expected(table: pa.Table, keep: Any, rank: Any) -> list[str]:
    """Ids by a plain sort of plain rows."""
    rows = [row for row in table.to_pylist() if row["source_state"] == "present" and keep(row)]
    clear = lambda row: 1.0 if row["cutout"] is None else row["cutout"]  # noqa: E731
    rows.sort(key=lambda row: (-rank(row) * clear(row), row["person_id"]))
    return [row["person_id"] for row in rows]


def listed(many: PeopleIndex, where: str, top: int = N) -> tuple[list[str], SearchResult]:
    result = search_filter(many, Wanted(where, top))
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    return [hit.person_id for hit in result.hits], result


def has(row: dict[str, Any], name: str, least: float) -> bool:
    return row[name] is not None and row[name] >= least


CASES = {
    "hat": (lambda row: has(row, "hat", 0.4), lambda row: row["hat"]),
    "not hat": (
        lambda row: row["hat"] is not None and row["hat"] < 0.4,
        lambda row: 1 - row["hat"],
    ),
    "bag < 0.3": (lambda row: row["bag"] is not None and row["bag"] < 0.3, lambda row: 1 - row["bag"]),
    "hat and bag >= 0.2 and height_px > 100": (
        lambda row: has(row, "hat", 0.4) and has(row, "bag", 0.2) and row["height_px"] > 100,
        lambda row: row["hat"] * row["bag"],
    ),
    "upper_color in ('red', 'pink')": (
        lambda row: row["upper_color"] in ("red", "pink"),
        lambda row: row["upper_color_share"],
    ),
    "lower_color = 'blue' or hat >= 0.9": (
        lambda row: row["lower_color"] == "blue" or has(row, "hat", 0.9),
        lambda row: (
            1
            - (1 - (row["lower_color_share"] if row["lower_color"] == "blue" else 0))
            * (1 - (0 if row["hat"] is None else row["hat"]))
        ),
    ),
    "height_px > 200": (lambda row: row["height_px"] > 200, lambda row: 1.0),
    "hat or height_px > 200": (
        lambda row: has(row, "hat", 0.4) or row["height_px"] > 200,
        lambda row: 1.0,
    ),
}


@pytest.mark.parametrize("where", CASES)
def test_a_filter_alone_is_ordered_by_how_surely_it_holds_and_by_the_cut_outs(
    many: PeopleIndex, table: pa.Table, where: str
) -> None:
    wanted = expected(table, *CASES[where])
    found, result = listed(many, where)
    assert len(found) > 20
    assert found == wanted
    facts = where in ("height_px > 200", "hat or height_px > 200")
    assert result.order == ("clearest cut-outs first" if facts else "surest and clearest first")
    assert listed(many, where, 5)[0] == wanted[:5], "the first ones are the first ones of all"


def test_what_orders_the_list_is_explained(many: PeopleIndex) -> None:
    hit = next(hit for hit in listed(many, "hat")[1].hits if hit.cutout is not None)
    first, cutout = hit.parts
    assert (first.text, first.probability) == ("where hat", pytest.approx(hit.attributes["hat"]))
    assert (cutout.text, cutout.probability) == ("good cut-out", pytest.approx(hit.cutout))
    hit = next(hit for hit in listed(many, "height_px > 200")[1].hits if hit.cutout is not None)
    assert [part.text for part in hit.parts] == ["good cut-out"]


def test_a_list_by_facts_without_scores_of_cut_outs_claims_no_order(tmp_path: Path, table: pa.Table) -> None:
    former = make_index(tmp_path / "index.lance", table.drop_columns(["cutout"]))
    assert listed(former, "height_px > 200")[1].order == "in no particular order"
    assert listed(former, "hat")[1].order == "surest and clearest first"


def test_a_second_outline_of_a_person_is_no_hit_of_its_own() -> None:
    rows = [  # a person, the same with a bag, a child in front, and the same place in another image
        ("a", 0, 0, 100, 200),
        ("a", 0, 10, 110, 200),
        ("a", 20, 80, 80, 200),
        ("b", 0, 0, 100, 200),
    ]
    names = ("image_id", "x1", "y1", "x2", "y2")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    sides = {name: pa.array(columns[name], pa.float32()) for name in names[1:]}
    table = pa.table({"image_id": columns["image_id"], **sides})
    assert same_person(table) == [[0, 1], [2], [3]]


def test_people_in_a_neighbouring_colour_follow_and_the_answer_says_so(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue"), ("magenta", "cyan", "red")])
    index(tmp_path / "store", [photos])
    worn = lambda text, near: [  # noqa: E731
        hit.upper_color for hit in ask(tmp_path / "store", Question(text, near=near), FAKE)[0].hits
    ]
    assert worn("upper:red", near=False) == ["red", "red"]
    result, _ = ask(tmp_path / "store", Question("upper:red", near=True), FAKE)
    assert [hit.upper_color for hit in result.hits] == ["red", "red", "pink"]
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    assert [hit.near for hit in result.hits] == [False, False, True]
    assert result.warnings == (
        "only 2 were found by the colour that was asked for; from hit 3 on people wear a neighbouring one:"
        " pink or orange or brown above",
    )
    (note,) = ask(tmp_path / "store", Question("upper:purple", near=True), FAKE)[0].warnings
    assert note.startswith("nobody was found by the colour that was asked for; from hit 1 on")
    assert "red" not in worn("NOT upper:red", near=True)
    (hit,) = ask(tmp_path / "store", Question("upper:red", top=1, near=True), FAKE)[0].hits
    assert hit.upper_color == "red"


def test_only_wanted_colours_are_widened() -> None:
    wider, said = widened(read_question("hat (upper:red,brown OR lower:blue) NOT upper:green"))
    conditions = [part for part in wider.parts if isinstance(part, Negated)]
    assert conditions == [Negated(Condition("upper:green", Membership("upper_color", ("green",))))]
    assert said == ("pink or orange or beige or grey above", "black or grey below")
    assert widened(read_question("hat since:2026-11-01"))[1] == ()


def test_every_colour_has_neighbours_among_the_terms() -> None:
    assert set(NEIGHBOURS) == set(COLOUR_TERMS)
    assert all(set(near) < set(COLOUR_TERMS) - {term} for term, near in NEIGHBOURS.items())
