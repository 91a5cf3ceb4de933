"""Whole questions on a store: conditions, alternatives, explanations, cutoffs, folding, likenesses."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from flows.console.hits import hit_lines
from par_core.attributes.spoken import NamedAttribute
from par_core.errors import FilterError
from par_core.models import profiles
from par_core.models.text_evidence import TextWeights
from par_core.query.answer import CUTOFF, SearchResult
from par_core.query.candidates import best_by_attributes
from par_core.query.from_store import Question, Searcher
from par_core.query.plan import Alternative
from tests.indexing import FAKE, index
from tests.pictures import archive

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    folder = tmp_path_factory.mktemp("answers")
    index(folder / "store", [archive(folder / "photos", GROUPS)])
    return Searcher(folder / "store", FAKE)


def names(result: SearchResult) -> list[str]:
    return [Path(hit.uri).name for hit in result.hits]


def calibrated(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the weights had been fitted for the fake model: a cutoff applies."""
    judge = profiles.load_text_scorer(FAKE)
    monkeypatch.setattr(judge, "weights", replace(judge.weights, calibrated=True))


def test_fields_are_conditions_and_alternatives_are_all_searched(searcher: Searcher) -> None:
    assert set(names(searcher.ask(Question("upper:green OR upper:yellow")))) == {"0001.png", "0003.png"}
    assert names(searcher.ask(Question('"a red person" upper:green', top=1))) == ["0001.png"]
    assert "0003.png" not in names(searcher.ask(Question('"a person" NOT upper:yellow')))
    result = searcher.ask(Question('"red" OR upper:yellow', apart=True))
    assert {
        name
        for name, hit in zip(names(result), result.hits, strict=True)
        if hit.probability and hit.probability > 0.5
    } == {
        "0000.png",
        "0004.png",
        "0003.png",
    }


def test_an_attribute_is_a_condition_and_ranks(searcher: Searcher) -> None:
    hits = searcher.ask(Question("tall:yes", apart=True)).hits
    assert hits
    assert all(hit.attributes["tall"] >= 0.5 for hit in hits)
    with pytest.raises(FilterError, match="taall"):
        searcher.ask(Question("taall:yes"))


def test_each_part_is_explained(searcher: Searcher) -> None:
    hit = searcher.ask(Question('"red"^2 NOT "blue" upper:red', top=1)).hits[0]
    by_text = {part.text: part for part in hit.parts}
    assert by_text["red"].wanted
    assert by_text["red"].weight == 2
    assert not by_text["blue"].wanted
    assert by_text["upper:red"].probability == 1
    assert by_text["upper:red"].lost == 0
    assert all(0 <= part.lost <= 1 for part in hit.parts)
    assert [(part["text"], part["detail_of"]) for part in hit.as_json()["parts"]] == [
        ("red", None),
        ("text: red", "red"),
        ("blue", None),
        ("text: blue", "blue"),
        ("upper:red", None),
        ("good cut-out", None),
    ]


def test_what_explains_a_part_stands_below_it_and_further_in(searcher: Searcher) -> None:
    lines = list(hit_lines(searcher.ask(Question('"red" upper:red', top=1)), explain=True))
    part_lines = [line for line in lines if ": lost" in line]
    assert [line.split("% ")[1].split(": lost")[0] for line in part_lines] == [
        "red",
        "text: red",
        "upper:red",
        "good cut-out",
    ]
    assert [line.index("%") for line in part_lines] == [21, 23, 21, 21]


def test_hits_of_one_image_are_folded_unless_asked_apart(searcher: Searcher) -> None:
    folded, apart = searcher.ask(Question("cyan")), searcher.ask(Question("cyan", apart=True))
    assert len(names(folded)) == len(set(names(folded)))
    assert len(apart.hits) == sum(1 + len(hit.similar) for hit in folded.hits) == 7
    assert [hit.rank for hit in folded.hits] == list(range(1, len(folded.hits) + 1))


def test_more_like_one_and_not_like_another(searcher: Searcher) -> None:
    red, *_ = searcher.ask(Question("red", apart=True)).hits
    like = searcher.ask(Question(f"like:{red.person_id}", apart=True)).hits
    assert red.person_id not in {hit.person_id for hit in like}  # the person of the question is left out
    assert like[0].cosine == pytest.approx(1.0, abs=1e-5)  # the other red one
    unlike = searcher.ask(Question(f"unlike:{red.person_id}", apart=True)).hits
    assert unlike[-1].person_id == like[0].person_id
    with pytest.raises(FilterError, match="nobody with the id"):
        searcher.ask(Question("like:00ff"))


def test_a_picture_and_words_together(searcher: Searcher) -> None:
    yellow = searcher.ask(Question("yellow", top=1)).hits[0]
    vector = np.asarray(searcher.index().rows([yellow.person_id])["vector"].to_pylist()[0], np.float32)
    question = Question("picture:mine upper:yellow", pictures={"mine": vector})
    assert names(searcher.ask(question)) == ["0003.png"]
    with pytest.raises(FilterError, match="no picture 'mine'"):
        searcher.ask(Question("picture:mine"))


def test_planted_people_are_found_and_the_share_of_chance_is_stated(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated(searcher, monkeypatch)
    result = searcher.ask(Question("a yellow person"))
    assert names(result) == ["0003.png"]
    assert result.chance is not None
    assert result.chance.share == pytest.approx(1 - (result.hits[0].probability or 0))
    assert result.chance.left_out == 6
    assert all((hit.probability or 0) >= CUTOFF for hit in result.hits)
    assert len(searcher.ask(Question("a yellow person", weak=True, apart=True)).hits) == 7


@pytest.mark.parametrize("text", ["a chasuble", '"a person in a chasuble"', "yellow upper:red"])
def test_a_question_that_fits_no_person_finds_no_person(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    calibrated(searcher, monkeypatch)
    result = searcher.ask(Question(text))
    assert result.hits == ()
    assert result.why or "chasuble" in text
    assert result.chance is not None
    assert (result.chance.left_out > 0) == ("chasuble" not in text), "nobody is nearer to an unknown word"
    assert result.chance.share == 0


def test_words_that_say_nothing_fit_all_people(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrated(searcher, monkeypatch)
    result = searcher.ask(Question("a person", apart=True))
    assert len(result.hits) == 7
    assert {hit.probability for hit in result.hits} == {1.0}


def test_without_fitted_weights_nothing_is_left_out_and_nothing_is_claimed(searcher: Searcher) -> None:
    assert not TextWeights.shipped(calibrated=False).calibrated
    result = searcher.ask(Question("a yellow person", apart=True))
    assert result.chance is None
    assert len(result.hits) == 7


def test_too_many_alternatives_are_refused(searcher: Searcher) -> None:
    with pytest.raises(FilterError, match="16 alternatives"):
        searcher.ask(Question(" ".join('("a" OR "b" OR "c")' for _ in range(3))))


class Scored:
    """A table of people with a few known attributes."""

    def __init__(self, **attributes: np.ndarray) -> None:
        self.attributes = {name: values.astype(np.float32) for name, values in attributes.items()}
        self.people = len(next(iter(self.attributes.values())))
        self.read = 0

    def scan(self, columns: list[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        chosen = np.ones(self.people, bool)
        for name, sign, bound in re.findall(r"`(\w+)` (>=|<=) ([^ )]+)", where or ""):
            values = self.attributes[name]
            chosen &= values >= float(bound) if sign == ">=" else values <= float(bound)
        rows = np.flatnonzero(chosen)
        self.read += len(rows)
        ids = {"person_id": [f"{row:06x}" for row in rows]}
        yield pa.RecordBatch.from_pydict(
            ids | {name: self.attributes[name][rows] for name in columns if name != "person_id"}
        )


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
def test_the_likeliest_by_attribute_are_found_without_reading_all_people(wanted: bool, weight: float) -> None:
    # no person is taken for more certain
    table = Scored(hat=np.random.default_rng(0).beta(0.3, 0.6, 20_000).clip(0.001, 0.999))
    alternative = Alternative(None, None, ((NamedAttribute("hat", wanted, "hat"), weight),))
    ids = best_by_attributes(table, alternative, None, 300)
    hat = table.attributes["hat"]
    exact = np.argsort(-hat if wanted else hat, kind="stable")[:300]
    worst = hat[exact[-1]]
    probabilities = hat[[int(identity, 16) for identity in ids]]
    assert len(ids) == 300
    assert (probabilities >= worst).all() if wanted else (probabilities <= worst).all()
    assert table.read < 20_000


@pytest.mark.parametrize("weights", [(0.2, 0.9), (0.9, 0.2), (0.5, 0.5), (0.3, 2.0)])
def test_the_greatest_products_of_several_attributes_are_found_whatever_their_weights(
    weights: tuple[float, float],
) -> None:
    """A person who is very likely by one attribute may be less so by the other."""
    rng = np.random.default_rng(0)
    table = Scored(hat=rng.uniform(0.01, 0.99, 20_000), bag=rng.uniform(0.01, 0.99, 20_000))
    named = (NamedAttribute("hat", True, "hat"), NamedAttribute("bag", False, "no bag"))
    ids = best_by_attributes(
        table, Alternative(None, None, tuple(zip(named, weights, strict=True))), None, 300
    )
    hat, bag = (table.attributes[name].astype(np.float64) for name in ("hat", "bag"))
    exact = np.argsort(-(hat ** weights[0] * (1 - bag) ** weights[1]))[:300]
    assert sorted(int(identity, 16) for identity in ids) == sorted(exact.tolist())
    assert table.read < 20_000


def test_where_few_are_likely_all_people_are_read() -> None:
    table = Scored(hat=np.full(1_000, 0.2))
    alternative = Alternative(None, None, ((NamedAttribute("hat", True, "hat"), 1.0),))
    assert len(best_by_attributes(table, alternative, None, 300)) == 300


def test_a_denial_in_plain_words_is_told_and_never_ranked_by(searcher: Searcher) -> None:
    plain = searcher.ask(Question("green person without a blue person", apart=True))
    written = searcher.ask(Question('"green person" NOT "blue person"', apart=True))
    assert "'without a blue person' is read as NOT \"blue person\"" in plain.warnings
    assert [hit.person_id for hit in plain.hits] == [hit.person_id for hit in written.hits]
    assert plain.hits[0].upper_color == "green"


def test_a_denial_of_some_people_is_told_as_it_is_read(searcher: Searcher) -> None:
    plain = searcher.ask(Question("green person, no men with hats or bags", apart=True))
    written = searcher.ask(Question('"green person" NOT (men AND (hats OR bags))', apart=True))
    assert "'no men with hats or bags' is read as NOT (men AND (hats OR bags))" in plain.warnings
    assert [hit.person_id for hit in plain.hits] == [hit.person_id for hit in written.hits]
    grouped = searcher.ask(Question('green person without ("a hat" OR bag)', apart=True))
    assert "'without' is read as NOT (\"a hat\" OR bag)" in grouped.warnings


@pytest.mark.parametrize("text", ["...", '"!?"', "red AND ...", "\U0001f452"])
def test_a_question_without_a_word_finds_nobody_with_a_note(searcher: Searcher, text: str) -> None:
    result = searcher.ask(Question(text))
    assert result.hits == ()
    assert "there is no word in" in result.warnings[0]
