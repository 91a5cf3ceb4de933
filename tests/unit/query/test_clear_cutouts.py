"""Cut-outs in the ranking of a search."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from par_core.models.fake import FakeTextEncoder
from par_core.models.text_evidence import TextScorer, TextWeights
from par_core.query.clear_cutouts import explain_cutouts, ranked_by_cutouts
from par_core.query.language import parse_query
from par_core.query.people import People
from par_core.query.searching import Wanted, sample_of, search_query
from par_core.store.lance import IndexInfo, PeopleIndex
from par_core.store.schemas import index_schema

CUTOUTS = {"a": 0.2, "b": 0.9, "c": None, "d": 0.05}


@pytest.fixture
def people_index(tmp_path: Path) -> PeopleIndex:
    """Red people who differ in their cut-outs alone, and a blue one."""
    schema = index_schema([], 6)
    red, blue = np.eye(6, dtype=np.float32)[0], np.eye(6, dtype=np.float32)[2]
    rows = []
    for letter, cutout in CUTOUTS.items():
        row = {
            field.name: letter * 32 if pa.types.is_string(field.type) else 1.0
            for field in schema
            if not pa.types.is_list(field.type) and not pa.types.is_fixed_size_list(field.type)
        }
        row |= {"uris": [letter], "source_state": "present", "captured_at": None, "cutout": cutout}
        row |= {"image_width": 9, "image_height": 9, "vector": blue if letter == "d" else red}
        row |= {"upper_color": None, "lower_color": None}
        rows.append(row)
    index = PeopleIndex.create(tmp_path, schema, IndexInfo("s", "d", "fake-embedding-1", "fake", (), ()))
    index.add(pa.Table.from_pylist(rows, schema=schema))
    return index


def test_of_people_who_fit_alike_the_better_cut_out_comes_first(people_index: PeopleIndex) -> None:
    scorer = TextScorer(FakeTextEncoder(), TextWeights.shipped())
    result = search_query(
        people_index,
        parse_query('"red"'),
        scorer,
        sample_of(people_index),
        Wanted(weak=True, apart=True),
        "red",
        {},
    )
    assert [hit.person_id[0] for hit in result.hits] == ["c", "b", "a", "d"], "nobody is lost"
    assert [hit.cutout for hit in result.hits] == pytest.approx([None, 0.9, 0.2, 0.05])
    assert len({hit.probability for hit in result.hits[:3]}) == 1, "the question fits a scrap as well"
    explained = [[part for part in hit.parts if part.text == "good cut-out"] for hit in result.hits]
    assert explained[0] == []
    assert [(part.probability, part.lost) for (part,) in explained[1:3]] == [
        (pytest.approx(0.9), pytest.approx(0.1)),
        (pytest.approx(0.2), pytest.approx(0.8)),
    ]


def test_much_better_evidence_outweighs_a_worse_cut_out() -> None:
    people = People(pa.table({"cutout": pa.array([0.5, 0.9])}), ())
    assert ranked_by_cutouts(np.array([0.8, 0.1]), people).tolist() == pytest.approx([0.4, 0.09])


def test_an_index_without_scores_ranks_as_before() -> None:
    people = People(pa.table({"person_id": ["a", "b"]}), ())
    ranks = np.array([0.3, 0.7])
    assert ranked_by_cutouts(ranks, people).tolist() == ranks.tolist()
    assert explain_cutouts([(), ()], people) == [(), ()]
