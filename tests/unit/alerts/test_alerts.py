"""Saved searches: who is new is told once, to a target that may be away, and nothing is lost."""

import hashlib
import hmac
import json
import logging
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from par_core.alerts import deliver
from par_core.alerts.record import (
    SavedSearch,
    all_searches,
    load_search,
    remove_search,
    save_search,
    search_names,
)
from par_core.alerts.run import Outcome, add_search, run_searches
from par_core.errors import BadConfigError, StoreError
from par_core.forget import Request, find_subject, forget
from par_core.query.from_store import Question, Searcher
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene
from tests.unit.alerts.receiver import Received, receiver

GROUPS = [("red",), ("green", "blue"), ("red", "yellow")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


@pytest.fixture
def searcher(tmp_path: Path, photos: Path) -> Searcher:
    index(tmp_path / "store", [photos])
    return Searcher(tmp_path / "store", FAKE)


@pytest.fixture
def target() -> Iterator[Received]:
    with receiver() as received:
        yield received


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "_PAUSES_S", (0.0, 0.0))


def saved(searcher: Searcher, **more: object) -> SavedSearch:
    fields = {"text": "upper:red", "where": None, "weak": False, **more}
    return add_search(
        searcher,
        SavedSearch("red", by="anna", created_at="2026-11-01T00:00:00+00:00", **fields),  # type: ignore[arg-type]
    )


def night(searcher: Searcher, photos: Path, seed: int, *colours: str) -> Outcome:
    """Another picture comes, is indexed, and the searches run."""
    save(photos / f"new{seed}.png", scene(*colours, seed=seed))
    index(searcher.store.root, [photos])
    (outcome,) = run_searches(searcher)
    return outcome


def test_who_was_never_found_before_is_news_and_only_once(searcher: Searcher, photos: Path) -> None:
    assert saved(searcher).found == 2
    assert list(run_searches(searcher)) == [Outcome("red", 2, 0, 0, "")]
    assert night(searcher, photos, 50, "red", "blue") == Outcome("red", 3, 1, 0, "")
    assert night(searcher, photos, 51, "green") == Outcome("red", 3, 0, 0, "")
    (news,) = load_search(searcher.store, "red").news
    (new,) = [
        hit.person_id
        for hit in searcher.ask(Question("upper:red", sort="newest")).hits
        if hit.uri.endswith("new50.png")
    ]
    assert (news.number, news.people, news.delivered) == (1, (new,), True)


def test_a_question_in_words_is_saved_like_one_of_facts(searcher: Searcher, photos: Path) -> None:
    before = saved(searcher, text="a yellow person", where="height_px > 1", weak=True).found
    outcome = night(searcher, photos, 52, "yellow")
    assert (outcome.found, outcome.new) == (before + 1, 1)


def test_people_who_go_and_come_again_are_not_new(searcher: Searcher, photos: Path) -> None:
    saved(searcher)
    picture = photos / "0000.png"
    content = picture.read_bytes()
    picture.unlink()
    index(searcher.store.root, [photos])
    assert list(run_searches(searcher)) == [Outcome("red", 1, 0, 0, "")]
    picture.write_bytes(content)
    index(searcher.store.root, [photos])
    assert list(run_searches(searcher)) == [Outcome("red", 2, 0, 0, "")]


def test_people_of_known_images_are_not_new_where_other_models_gave_them_other_ids(
    searcher: Searcher, photos: Path
) -> None:
    search = saved(searcher)
    other = replace(search, segment_config="of-other-models", seen=tuple("a" * 32 for _ in search.seen))
    save_search(searcher.store, other)
    assert night(searcher, photos, 53, "red") == Outcome("red", 3, 1, 0, "")


def test_news_are_sent_signed_and_without_the_secret(
    searcher: Searcher, photos: Path, target: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cr3t")
    saved(searcher, webhook=target.address, secret_env="HOOK_SECRET")
    assert night(searcher, photos, 54, "red") == Outcome("red", 3, 1, 0, "")
    ((path, headers, body),) = target.requests
    assert path == "/hook/SECRETPATH?key=SECRETKEY"
    assert headers["X-PAR-Signature"] == f"sha256={hmac.new(b's3cr3t', body, hashlib.sha256).hexdigest()}"
    (content,) = target.contents
    assert (content["search"], content["number"], content["new"]) == ("red", 1, 1)
    assert content["people"][0]["uri"].endswith("new54.png")
    assert content["people"][0]["upper_color"] == "red"
    list(run_searches(searcher))
    assert len(target.requests) == 1
    file = searcher.store.searches_path / "red.json"
    assert b"s3cr3t" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_lost_while_the_target_is_away_and_all_comes_in_order_when_it_is_back(
    searcher: Searcher, photos: Path, target: Received
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{closed.getsockname()[1]}/SECRETPATH"
        saved(searcher, webhook=away)
        first = night(searcher, photos, 55, "red")
        second = night(searcher, photos, 56, "red")
    assert (first.pending, second.pending) == (1, 2)
    assert "127.0.0.1 cannot be reached" in second.trouble
    assert "SECRETPATH" not in second.trouble
    save_search(searcher.store, replace(load_search(searcher.store, "red"), webhook=target.address))
    assert list(run_searches(searcher)) == [Outcome("red", 4, 0, 0, "")]
    assert [content["number"] for content in target.contents] == [1, 2]
    assert [Path(one["people"][0]["uri"]).name for one in target.contents] == ["new55.png", "new56.png"]


@pytest.mark.parametrize(
    ("statuses", "tries", "taken"),
    [([503, 500, 204], 3, True), ([500], 3, False), ([404], 1, False), ([429, 200], 2, True)],
)
def test_a_target_in_trouble_is_tried_again_a_few_times(
    searcher: Searcher, photos: Path, target: Received, statuses: list[int], tries: int, taken: bool
) -> None:
    target.statuses = list(statuses)
    saved(searcher, webhook=target.address)
    outcome = night(searcher, photos, 57, "red")
    assert len(target.requests) == tries
    assert (outcome.pending == 0, outcome.trouble == "") == (taken, taken)
    assert "SECRET" not in outcome.trouble


def test_a_redirect_is_not_followed(searcher: Searcher, photos: Path, target: Received) -> None:
    with receiver() as elsewhere:
        target.statuses, target.location = [307], elsewhere.address
        saved(searcher, webhook=target.address)
        outcome = night(searcher, photos, 58, "red")
        assert "a redirect, which is not followed" in outcome.trouble
        assert outcome.pending == 1
        assert elsewhere.requests == []


def test_a_target_that_does_not_answer_takes_bounded_time(
    searcher: Searcher, photos: Path, target: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_TRY_S", 0.2)
    target.slow_s = 1.0
    saved(searcher, webhook=target.address)
    outcome = night(searcher, photos, 59, "red")
    assert "did not answer" in outcome.trouble or "ReadTimeout" in outcome.trouble
    assert outcome.pending == 1


def test_no_log_holds_the_address_of_a_target(
    searcher: Searcher, photos: Path, target: Received, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        saved(searcher, webhook=target.address)
        night(searcher, photos, 60, "red")
    assert len(target.requests) == 1
    assert "SECRET" not in caplog.text


def test_without_its_secret_nothing_is_sent(searcher: Searcher, photos: Path, target: Received) -> None:
    saved(searcher, webhook=target.address, secret_env="PAR_TEST_NOT_SET")
    outcome = night(searcher, photos, 61, "red")
    assert (outcome.pending, target.requests) == (1, [])
    assert "PAR_TEST_NOT_SET is not set" in outcome.trouble


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "example.org",
        "http://",
        "https://a:b@example.org/",
        "http://example.org:0/",
        "http://example.org/a b",
        "http://example.org/\n",
        "http://[::1",
        "javascript:x",
    ],
)
def test_only_addresses_of_http_are_taken(searcher: Searcher, address: str) -> None:
    with pytest.raises(BadConfigError, match="webhook"):
        saved(searcher, webhook=address)
    assert search_names(searcher.store) == []


def test_a_file_holds_all_news_newest_first(searcher: Searcher, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "news.json"
    saved(searcher, json_file=str(out))
    night(searcher, photos, 62, "red")
    night(searcher, photos, 63, "red", "red")
    content = json.loads(out.read_bytes())
    assert [(one["number"], one["new"]) for one in content["news"]] == [(2, 2), (1, 1)]
    save_search(
        searcher.store, replace(load_search(searcher.store, "red"), json_file=str(tmp_path / "photos"))
    )
    (outcome,) = run_searches(searcher)
    assert "cannot be written" in outcome.trouble


def test_what_cannot_be_saved_is_refused(searcher: Searcher) -> None:
    for more, said in (
        ({"text": None}, "nothing is asked"),
        ({"text": "upper:rde"}, "rde"),
        ({"where": "nonsense = 1"}, "nonsense"),
        ({"secret_env": "X"}, "signs"),
    ):
        with pytest.raises(BadConfigError, match=said):
            saved(searcher, **more)
    saved(searcher)
    with pytest.raises(BadConfigError, match="already"):
        saved(searcher)
    with pytest.raises(BadConfigError, match="no saved search 'other'"):
        list(run_searches(searcher, ["other"]))
    with pytest.raises(BadConfigError, match="lower-case"):
        load_search(searcher.store, "../access/tokens")


def test_trouble_of_one_search_leaves_the_others_alone(searcher: Searcher, photos: Path) -> None:
    saved(searcher)
    save_search(searcher.store, replace(load_search(searcher.store, "red"), name="broken", text="upper:rde"))
    (searcher.store.searches_path / "damaged.json").write_text("{")
    outcomes = {outcome.name: outcome for outcome in run_searches(searcher)}
    assert outcomes["red"] == Outcome("red", 2, 0, 0, "")
    assert "rde" in outcomes["broken"].trouble
    assert "rde" in load_search(searcher.store, "broken").trouble
    assert "damaged" in outcomes["damaged"].trouble
    with pytest.raises(StoreError):
        all_searches(searcher.store)


def test_more_people_than_are_kept_are_trouble_and_not_lost(
    searcher: Searcher, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(searcher)
    with monkeypatch.context() as patch:
        patch.setattr("par_core.alerts.run.MOST_SEEN", 2)
        assert "narrow it" in night(searcher, photos, 64, "red").trouble
    assert list(run_searches(searcher)) == [Outcome("red", 3, 1, 0, "")]


def test_a_person_who_is_forgotten_leaves_no_trace_in_a_saved_search(
    searcher: Searcher, photos: Path
) -> None:
    saved(searcher)
    night(searcher, photos, 65, "red")
    ((victim,),) = (news.people for news in load_search(searcher.store, "red").news)
    file = searcher.store.searches_path / "red.json"
    assert victim.encode() in file.read_bytes()
    store = Store.open(searcher.store.root)
    with store.exclusive():
        forget(store, find_subject(store, Request.of((), (), (victim,))))
    assert victim.encode() not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(run_searches(searcher)) == [Outcome("red", 2, 0, 0, "")]
    assert load_search(store, "red").news[0].people != (victim,)


def test_a_search_that_is_removed_is_gone(searcher: Searcher) -> None:
    saved(searcher)
    remove_search(searcher.store, "red")
    assert search_names(searcher.store) == []
    with pytest.raises(BadConfigError, match="no saved search"):
        remove_search(searcher.store, "red")
