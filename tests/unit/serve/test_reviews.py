"""Reviews over HTTP: who may judge, what is written down, and that a review in memory never falls behind the
store.
"""

import shutil
from pathlib import Path

import pytest

from par_core.access import Access, Role
from par_core.errors import BadConfigError
from par_core.query.from_store import Searcher
from par_core.review.session import Review
from par_core.serve.reviews import Reviews
from par_core.serve.service import ArchiveService
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import client_of


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder / "store", tmp_path / "store"))


def test_reviews_are_for_those_who_may_judge_and_on_record(store: Path) -> None:
    access = Access.open(store)
    seeker, judge = (
        {"Authorization": f"Bearer {access.tokens.add(name, role)}"}
        for name, role in [("anna", Role.SEARCH), ("ben", Role.REVIEWER)]
    )
    with client_of(store) as client:
        for address in ("/reviews", "/reviews/red"):
            assert client.get(address).status_code == 401
            assert client.get(address, headers=seeker).status_code == 403
        assert client.post("/reviews", data={"text": "red"}, headers=seeker).status_code == 403
        assert (
            client.post("/reviews", data={"text": "red"}, headers=judge, follow_redirects=False).headers[
                "location"
            ]
            == "/reviews/red"
        )
        person = Reviews(ArchiveService(store, FAKE)).state("red").batch.hits[0].person_id
        assert (
            client.post("/reviews/red/answers", data={"judged": f"{person}:yes"}, headers=judge).status_code
            == 200
        )
        assert (
            client.post(
                "/reviews/red/answers", data={"judged": f"{person}:perhaps"}, headers=judge
            ).status_code
            == 400
        )
        assert client.get("/reviews/blue", headers=judge).status_code == 404
    events = [
        (event.who, event.what, event.status) for event in access.log.read() if event.action == "review"
    ]
    assert ("ben", "red", "ok") in events
    assert ("ben", f"red: {person}:yes", "ok") in events
    assert ("ben", f"red: {person}:perhaps", "BadConfigError") in events


def test_a_review_that_went_on_elsewhere_goes_on_from_there(store: Path) -> None:
    reviews = Reviews(ArchiveService(store, FAKE))
    name = reviews.start("yellow", None)
    first, second, *_ = (hit.person_id for hit in reviews.state(name).batch.hits)
    Review.resume(Searcher(store, FAKE), name).answer({first: "yes"})
    assert reviews.answer(name, second, "no").answers == {first: "yes", second: "no"}
    assert reviews.undo(name).answers == {first: "yes"}
    assert [hit.person_id for hit in reviews.state(name).fitting] == [first]


def test_people_who_came_since_take_part(store: Path, folder: Path, tmp_path: Path) -> None:
    reviews = Reviews(ArchiveService(store, FAKE))
    name = reviews.start("yellow", None)
    assert reviews.state(name).estimate.people == 7
    index(store, [folder / "photos", save(tmp_path / "more" / "new.png", scene("yellow", seed=50)).parent])
    assert reviews.state(name).estimate.people == 8


def test_no_further_match_answers_only_those_who_wait(store: Path) -> None:
    reviews = Reviews(ArchiveService(store, FAKE))
    name = reviews.start("yellow", None)
    first = reviews.state(name).batch.hits[0].person_id
    reviews.answer(name, first, "yes")
    done = reviews.answer_rest(name)
    assert (done.estimate.found, done.estimate.judged, done.estimate.most_left) == (1, 7, 0)
    assert done.batch.hits == ()


def test_a_review_rereads_an_index_that_was_deleted_and_rebuilt_with_the_same_number(
    store: Path,
) -> None:
    service = ArchiveService(store, FAKE)
    reviews = Reviews(service)
    name = reviews.start("yellow", None)
    before, number = reviews.state(name).estimate.people, service.versions().searched
    shutil.rmtree(store / "index.lance")
    save(store.parent / "more" / "9999.png", scene("red", seed=99))
    index(store, [store.parent / "more"])
    assert service.versions().searched == number
    assert reviews.state(name).estimate.people == before + 1


def test_a_review_that_is_not_there_is_refused(store: Path) -> None:
    with pytest.raises(BadConfigError, match="no review 'x'"):
        Reviews(ArchiveService(store, FAKE)).state("x")
