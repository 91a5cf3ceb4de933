import json
from dataclasses import replace
from pathlib import Path

import pytest

from par_core.errors import BadConfigError, FingerprintError
from par_core.query.from_store import Searcher
from par_core.review.record import load_record, save_record
from par_core.review.session import Review
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE, index, live_by_a_gate
from tests.pictures import archive

COLOURS = ("blue", "green", "cyan", "yellow")
GROUPS = [(COLOURS[i % 4], COLOURS[(i // 4) % 4]) for i in range(14)] + [("red",), ("magenta", "red")]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reviews")
    index(root / "store", [archive(root / "photos", GROUPS)])
    return root


@pytest.fixture
def store(filled: Path) -> Path:
    reviews = filled / "store" / "reviews"
    for file in reviews.glob("*") if reviews.is_dir() else []:
        file.unlink()
    return filled / "store"


def searcher(store: Path) -> Searcher:
    return Searcher(store, FAKE)


def judge(review: Review, colour: str, batches: int = 1, size: int = 6) -> None:
    """Answer by the colour of the upper garment, which the text of the review does not name."""
    for _ in range(batches):
        batch = review.batch(size)
        review.answer({hit.person_id: "yes" if hit.upper_color == colour else "no" for hit in batch.hits})


def test_a_review_finds_the_rare_ones_first_and_ends_with_an_exact_number(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    judge(review, "red")
    assert review.estimate().found == 2
    assert review.estimate().most_left > 0
    while review.batch(6).hits:
        judge(review, "red")
    estimate = review.estimate()
    assert (estimate.found, estimate.least_left, estimate.most_left, estimate.judged) == (
        2,
        0,
        0,
        estimate.people,
    )
    assert [hit.upper_color for hit in review.found_people()] == ["red", "red"]
    assert not review.batch().hits


def test_judgements_turn_the_review_away_from_its_text(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    judge(review, "blue", size=8)
    batch = review.batch(4)
    likely = {person.person_id for person in review.record.rounds[-1] if person.drawn_from is None}
    assert {hit.upper_color for hit in batch.hits if hit.person_id in likely} == {"blue"}


def test_every_answer_is_saved_and_a_review_resumes_where_it_was(store: Path) -> None:
    review = Review.start(searcher(store), "a red person", where="height_px > 10", name="mine")
    first = review.batch(4)
    review.answer({first.hits[0].person_id: "yes"})
    again = Review.resume(searcher(store), "mine")
    assert again.record == review.record
    assert again.batch().open == first.open - {first.hits[0].person_id}
    assert again.batch().hits == first.hits
    assert again.estimate() == review.estimate()
    assert "vector" not in again.record.rounds[0][0].__dataclass_fields__
    assert not list(store.glob("reviews/*partial*"))


def test_undo_opens_the_batch_again_and_drops_the_one_after_it(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    judge(review, "red", size=3)
    before = review.record
    review.batch(3)
    assert len(review.record.rounds) == 2
    taken_back = review.undo()
    assert review.batch(3).open == {taken_back}
    assert [person.person_id for person in review.record.proposed] == [
        person.person_id for person in before.proposed
    ]
    assert [review.undo() is not None for _ in range(3)] == [True, True, False]


def test_an_answer_can_be_corrected_but_not_made_up(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    person = review.batch(3).hits[0].person_id
    review.answer({person: "no"})
    review.answer({person: "yes"})
    assert review.estimate().found == 1
    for answers in ({"f" * 32: "yes"}, {person: "maybe"}, {person: "gone"}):
        with pytest.raises(BadConfigError):
            review.answer(answers)


def test_no_person_is_proposed_twice_and_a_batch_does_not_reveal_who_was_drawn(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    judge(review, "red", batches=4, size=4)
    review.batch(1)
    proposed = [person.person_id for person in review.record.proposed]
    assert len(set(proposed)) == len(proposed) == 17
    drawn = [
        person.drawn_from is not None
        for person in sorted(review.record.proposed, key=lambda person: person.person_id)
    ]
    assert sum(drawn) == 5
    assert drawn != sorted(drawn)


def test_skipped_people_leave_both_ends_of_the_interval_open(store: Path) -> None:
    review = Review.start(searcher(store), "a red person")
    while (batch := review.batch(30)).hits:
        review.answer({hit.person_id: "skip" if hit.upper_color == "yellow" else "no" for hit in batch.hits})
    estimate = review.estimate()
    assert estimate.least_left == 0
    assert estimate.most_left == estimate.skipped > 0


def test_people_whose_file_vanished_are_left_out_and_deleted_people_are_erased(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    review = Review.start(searcher(tmp_path / "store"), "a red person", name="mine")
    judge(review, "red")
    people = review.estimate().people
    (photos / "0014.png").unlink()
    index(tmp_path / "store", [photos])
    again = Review.resume(searcher(tmp_path / "store"), "mine")
    assert again.estimate().people == people - 1
    assert again.estimate().found == 1
    assert len(again.record.proposed) == len(review.record.proposed), "the file may come back"
    deleted = next(person.person_id for person in again.record.proposed if person.answer == "no")
    table = PeopleIndex.open(tmp_path / "store" / "index.lance")
    assert table is not None
    table.erase([deleted], table.schema.empty_table())
    table.history.make_live()
    Review.resume(searcher(tmp_path / "store"), "mine")
    assert deleted not in (tmp_path / "store" / "reviews" / "mine.json").read_text()


def test_earlier_draws_of_a_stratum_that_changed_count_as_known_people_only(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    review = Review.start(searcher(tmp_path / "store"), "a red person", name="mine")
    judge(review, "red", batches=3)
    assert sum(row.drawn for row in review.estimate().strata) > 0
    archive(photos / "new", [("blue", "cyan", "yellow", "green")])
    index(tmp_path / "store", [photos])
    estimate = Review.resume(searcher(tmp_path / "store"), "mine").estimate()
    assert sum(row.drawn for row in estimate.strata) == 0
    assert estimate.judged == 18
    assert estimate.most_left == estimate.people - 18


def test_another_embedding_is_refused_with_the_way_out(store: Path) -> None:
    Review.start(searcher(store), "a red person", name="mine")
    save_record(Store.open(store), replace(load_record(Store.open(store), "mine"), embedding="another"))
    with pytest.raises(FingerprintError, match="start a new review"):
        Review.resume(searcher(store), "mine")


def test_two_reviewers_of_one_review_do_not_overwrite_each_other(store: Path) -> None:
    review = Review.start(searcher(store), "a red person", name="mine")
    review.batch(4)
    other = Review.resume(searcher(store), "mine")
    judge(review, "red")
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
def test_bad_reviews_are_refused_before_anything_is_kept(
    store: Path, text: str, where: str | None, name: str | None
) -> None:
    with pytest.raises(BadConfigError) as caught:
        Review.start(searcher(store), text, where=where, name=name)
    assert "\n" not in str(caught.value)
    assert not list((store / "reviews").glob("*.json"))


def test_names_come_from_the_text_and_are_never_taken_twice(store: Path) -> None:
    assert [Review.start(searcher(store), text).record.name for text in ("Red <b>!", "red b", "???")] == [
        "red-b",
        "red-b-2",
        "review",
    ]
    with pytest.raises(BadConfigError, match="--resume red-b"):
        Review.start(searcher(store), "red", name="red-b")
    with pytest.raises(BadConfigError, match="red-b, red-b-2, review"):
        Review.resume(searcher(store), "blue")


def test_words_that_the_text_model_never_saw_give_a_warning(store: Path) -> None:
    assert "'chasuble'" in Review.start(searcher(store), "a red chasuble").warnings[0]
    assert Review.start(searcher(store), "a red person").warnings == ()


def test_a_damaged_file_says_what_to_do(store: Path) -> None:
    Review.start(searcher(store), "red", name="mine")
    file = store / "reviews" / "mine.json"
    for content in ("{", json.dumps({"format": 1}), "[]", json.dumps({"format": 99, "created_by": "par 9"})):
        file.write_text(content)
        with pytest.raises(Exception, match="start a new review"):
            Review.resume(searcher(store), "mine")


def test_a_live_version_that_lags_behind_proposes_no_person_whose_file_is_missing(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    live = PeopleIndex.open(tmp_path / "store" / "index.lance")
    assert live is not None
    assert live.version == live_by_a_gate(tmp_path / "store")
    (photos / "0014.png").unlink()
    index(tmp_path / "store", [photos])
    review = Review.start(searcher(tmp_path / "store"), "a red person")
    while review.batch(12).hits:
        judge(review, "red", size=12)
    estimate = review.estimate()
    assert [Path(hit.uri).name for hit in review.found_people()] == ["0015.png"]
    assert (estimate.found, estimate.skipped, estimate.most_left) == (1, 1, 1), (
        "the person whose file is missing cannot be judged"
    )


def test_what_is_indexed_meanwhile_takes_part_from_the_next_time_on(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", GROUPS)
    index(tmp_path / "store", [photos])
    review = Review.start(searcher(tmp_path / "store"), "a red person", name="mine")
    people = review.estimate().people
    archive(photos / "new", [("red", "red", "red", "red")])
    index(tmp_path / "store", [photos])
    while review.batch(30).hits:
        judge(review, "red", size=30)
    estimate = review.estimate()
    assert (estimate.people, estimate.found, estimate.most_left) == (people, 2, 0)
    again = Review.resume(searcher(tmp_path / "store"), "mine").estimate()
    assert (again.people, again.found, again.most_left) == (people + 4, 2, 4)
