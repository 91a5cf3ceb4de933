import json
from dataclasses import replace
from pathlib import Path

import pytest

from par_core.errors import BadConfigError, FingerprintError
from par_core.query.from_store import Searcher
from par_core.review.record import load_record, save_record
from par_core.review.session import Hunt
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive

COLOURS = ("blue", "green", "cyan", "yellow")
GROUPS = [(COLOURS[i % 4], COLOURS[(i // 4) % 4]) for i in range(14)] + [("red",), ("magenta", "red")]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hunts")
    index(root / "store", [archive(root / "photos", GROUPS)])
    return root


@pytest.fixture
def store(filled: Path) -> Path:
    hunts = filled / "store" / "hunts"
    for file in hunts.glob("*") if hunts.is_dir() else []:
        file.unlink()
    return filled / "store"


def searcher(store: Path) -> Searcher:
    return Searcher(store, FAKE)


def judge(hunt: Hunt, colour: str, batches: int = 1, size: int = 6) -> None:
    """Answers by the colour of the garment, which the text never tells the hunt."""
    for _ in range(batches):
        batch = hunt.batch(size)
        hunt.answer({hit.person_id: "yes" if hit.upper_color == colour else "no" for hit in batch.hits})


def test_a_hunt_finds_the_rare_ones_first_and_ends_with_an_exact_number(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    judge(hunt, "red")
    assert hunt.estimate().found == 2
    assert hunt.estimate().most_left > 0
    while hunt.batch(6).hits:
        judge(hunt, "red")
    told = hunt.estimate()
    assert (told.found, told.least_left, told.most_left, told.judged) == (2, 0, 0, told.people)
    assert [hit.upper_color for hit in hunt.found()] == ["red", "red"]
    assert not hunt.batch().hits


def test_judgements_turn_the_hunt_away_from_its_text(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    judge(hunt, "blue", size=8)
    batch = hunt.batch(4)
    likely = {person.person_id for person in hunt.record.rounds[-1] if person.drawn_from is None}
    assert {hit.upper_color for hit in batch.hits if hit.person_id in likely} == {"blue"}


def test_every_answer_is_kept_and_a_hunt_goes_on_where_it_was(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person", where="height_px > 10", name="mine")
    first = hunt.batch(4)
    hunt.answer({first.hits[0].person_id: "yes"})
    again = Hunt.resume(searcher(store), "mine")
    assert again.record == hunt.record
    assert again.batch().open == first.open - {first.hits[0].person_id}
    assert again.batch().hits == first.hits
    assert again.estimate() == hunt.estimate()
    assert "vector" not in again.record.rounds[0][0].__dataclass_fields__
    assert not list(store.glob("hunts/*partial*"))


def test_undo_opens_the_batch_again_and_forgets_the_one_after_it(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    judge(hunt, "red", size=3)
    before = hunt.record
    hunt.batch(3)
    assert len(hunt.record.rounds) == 2
    taken_back = hunt.undo()
    assert hunt.batch(3).open == {taken_back}
    assert [person.person_id for person in hunt.record.asked] == [person.person_id for person in before.asked]
    assert [hunt.undo() is not None for _ in range(3)] == [True, True, False]


def test_an_answer_can_be_corrected_but_not_made_up(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    person = hunt.batch(3).hits[0].person_id
    hunt.answer({person: "no"})
    hunt.answer({person: "yes"})
    assert hunt.estimate().found == 1
    for answers in ({"f" * 32: "yes"}, {person: "maybe"}, {person: "gone"}):
        with pytest.raises(BadConfigError):
            hunt.answer(answers)


def test_nobody_is_asked_about_twice_and_a_batch_does_not_tell_who_was_drawn(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    judge(hunt, "red", batches=4, size=4)
    hunt.batch(1)
    asked = [person.person_id for person in hunt.record.asked]
    assert len(set(asked)) == len(asked) == 17
    drawn = [person.drawn_from is not None for person in sorted(hunt.record.asked, key=lambda person: person.person_id)]
    assert sum(drawn) == 5
    assert drawn != sorted(drawn)


def test_skipped_people_leave_both_ends_of_the_interval_open(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person")
    while (batch := hunt.batch(30)).hits:
        hunt.answer({hit.person_id: "skip" if hit.upper_color == "yellow" else "no" for hit in batch.hits})
    told = hunt.estimate()
    assert told.least_left == 0
    assert told.most_left == told.skipped > 0


def test_people_who_vanish_are_left_out_and_those_deleted_are_erased(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    hunt = Hunt.start(searcher(tmp_path / "store"), "a red person", name="mine")
    judge(hunt, "red")
    people = hunt.estimate().people
    (photos / "0014.png").unlink()
    index(tmp_path / "store", [photos])
    again = Hunt.resume(searcher(tmp_path / "store"), "mine")
    assert again.estimate().people == people - 1
    assert again.estimate().found == 1
    assert len(again.record.asked) == len(hunt.record.asked), "the file may come back"
    deleted = next(person.person_id for person in again.record.asked if person.answer == "no")
    table = PeopleIndex.open(tmp_path / "store" / "index.lance")
    assert table is not None
    table.delete([deleted])
    Hunt.resume(searcher(tmp_path / "store"), "mine")
    assert deleted not in (tmp_path / "store" / "hunts" / "mine.json").read_text()


def test_draws_from_people_who_came_or_went_since_count_as_known_only(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    hunt = Hunt.start(searcher(tmp_path / "store"), "a red person", name="mine")
    judge(hunt, "red", batches=3)
    assert sum(row.drawn for row in hunt.estimate().strata) > 0
    archive(photos / "new", [("blue", "cyan", "yellow", "green")])
    index(tmp_path / "store", [photos])
    told = Hunt.resume(searcher(tmp_path / "store"), "mine").estimate()
    assert sum(row.drawn for row in told.strata) == 0
    assert told.judged == 18
    assert told.most_left == told.people - 18


def test_another_embedding_is_refused_with_the_way_out(store: Path) -> None:
    Hunt.start(searcher(store), "a red person", name="mine")
    save_record(Store.open(store), replace(load_record(Store.open(store), "mine"), embedding="another"))
    with pytest.raises(FingerprintError, match="start a new hunt"):
        Hunt.resume(searcher(store), "mine")


def test_two_hunters_of_one_hunt_do_not_overwrite_each_other(store: Path) -> None:
    hunt = Hunt.start(searcher(store), "a red person", name="mine")
    hunt.batch(4)
    other = Hunt.resume(searcher(store), "mine")
    judge(hunt, "red")
    with pytest.raises(BadConfigError, match="changed elsewhere"):
        judge(other, "red")


@pytest.mark.parametrize(
    ("text", "where", "name"),
    [
        (" ", None, None),
        ("red AND NOT hat", None, None),
        ("upper:red", None, None),
        ("red", "height_px > 9999", None),
        ("red", None, "../mine"),
        ("red", "upper_color = 'rad'", None),
    ],
)
def test_bad_hunts_are_refused_before_anything_is_kept(store: Path, text: str, where: str | None, name: str | None) -> None:
    with pytest.raises(BadConfigError) as caught:
        Hunt.start(searcher(store), text, where=where, name=name)
    assert "\n" not in str(caught.value)
    assert not list((store / "hunts").glob("*.json"))


def test_names_come_from_the_text_and_are_never_taken_twice(store: Path) -> None:
    assert [Hunt.start(searcher(store), text).record.name for text in ("Red <b>!", "red b", "???")] == ["red-b", "red-b-2", "hunt"]
    with pytest.raises(BadConfigError, match="--resume red-b"):
        Hunt.start(searcher(store), "red", name="red-b")
    with pytest.raises(BadConfigError, match="hunt, red-b, red-b-2"):
        Hunt.resume(searcher(store), "blue")


def test_words_that_the_text_model_never_saw_are_told(store: Path) -> None:
    assert "'chasuble'" in Hunt.start(searcher(store), "a red chasuble").warnings[0]
    assert Hunt.start(searcher(store), "a red person").warnings == ()


def test_a_damaged_file_says_what_to_do(store: Path) -> None:
    Hunt.start(searcher(store), "red", name="mine")
    file = store / "hunts" / "mine.json"
    for content in ("{", json.dumps({"format": 1}), "[]", json.dumps({"format": 99, "created_by": "par 9"})):
        file.write_text(content)
        with pytest.raises(Exception, match=r"start the hunt anew"):
            Hunt.resume(searcher(store), "mine")


def test_a_live_version_that_lags_behind_proposes_nobody_whose_file_has_gone(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    live = PeopleIndex.open(tmp_path / "store" / "index.lance")
    assert live is not None
    live.history.make_live()
    (photos / "0014.png").unlink()
    index(tmp_path / "store", [photos])
    hunt = Hunt.start(searcher(tmp_path / "store"), "a red person")
    while hunt.batch(12).hits:
        judge(hunt, "red", size=12)
    told = hunt.estimate()
    assert [Path(hit.uri).name for hit in hunt.found()] == ["0015.png"]
    assert (told.found, told.skipped, told.most_left) == (1, 1, 1), "nobody can tell of the one who has gone"


def test_what_is_indexed_meanwhile_takes_part_from_the_next_time_on(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    hunt = Hunt.start(searcher(tmp_path / "store"), "a red person", name="mine")
    people = hunt.estimate().people
    archive(photos / "new", [("red", "red", "red", "red")])
    index(tmp_path / "store", [photos])
    while hunt.batch(30).hits:
        judge(hunt, "red", size=30)
    told = hunt.estimate()
    assert (told.people, told.found, told.most_left) == (people, 2, 0)
    again = Hunt.resume(searcher(tmp_path / "store"), "mine").estimate()
    assert (again.people, again.found, again.most_left) == (people + 4, 2, 4)
