"""Browsing without a question, orders of an answer, and counts of an answer: service, API, client, page."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.access import Access, Role
from par_core.errors import BadConfigError
from par_core.query.from_store import Question, Searcher
from par_core.serve.app import create_app
from par_core.serve.client import Client
from par_core.serve.service import ArchiveService
from tests.browser.site import taken
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import HERE, answering, client_of

PEOPLE = [  # camera, colours, moment
    ("cam1", ("red",), "2026:11:01 08:00:00"),
    ("cam1", ("green", "blue"), "2026:11:01 09:30:00"),
    ("cam10", ("red",), "2026:11:03 12:15:00"),
    ("cam10", ("yellow",), "2026:11:03 12:45:00"),
    ("cam10", ("magenta",), ""),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browsing")
    for number, (camera, colours, moment) in enumerate(PEOPLE):
        path = save(folder / "photos" / camera / f"{number}.png", scene(*colours, seed=number))
        if moment:
            taken(path, moment)
    index(folder / "store", [folder / "photos"])
    return folder / "store"


@pytest.fixture(scope="module")
def service(store: Path) -> ArchiveService:
    return ArchiveService(store, FAKE)


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[TestClient]:
    with client_of(store) as client:
        yield client


def names(answer: object) -> list[str]:
    return [Path(hit.uri).name for hit in answer.result.hits]  # type: ignore[attr-defined]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_everybody_is_listed_in_the_order_of_capture(service: ArchiveService) -> None:
    newest = service.search(sort="newest")
    assert names(newest) == ["3.png", "2.png", "1.png", "1.png", "0.png", "4.png"]
    assert names(service.search(sort="oldest")) == ["0.png", "1.png", "1.png", "2.png", "3.png", "4.png"]
    assert (newest.result.total, newest.next, newest.result.next_after) == (6, None, None)
    assert names(service.search("upper:red", sort="newest")) == ["2.png", "0.png"]


def test_hits_of_words_are_the_same_people_in_another_order(service: ArchiveService) -> None:
    best = service.search("a red person", weak=True, apart=True)
    newest = service.search("a red person", weak=True, apart=True, sort="newest")
    assert sorted(names(best)) == sorted(names(newest))
    assert names(newest) == ["3.png", "2.png", "1.png", "1.png", "0.png", "4.png"]
    by_id = {hit.person_id: hit.probability for hit in best.result.hits}
    assert [hit.probability for hit in newest.result.hits] == [
        by_id[hit.person_id] for hit in newest.result.hits
    ]
    same = Searcher(service.store.root, FAKE).ask(
        Question("a red person", weak=True, apart=True, sort="newest")
    )
    assert [hit.person_id for hit in same.hits] == [hit.person_id for hit in newest.result.hits]


def test_what_cannot_be_a_page_is_refused(service: ArchiveService) -> None:
    with pytest.raises(BadConfigError, match="goes on by after"):
        service.search(sort="newest", offset=3)
    with pytest.raises(BadConfigError, match="sort by newest or oldest"):
        service.search("a red person", after=",0,0")
    with pytest.raises(BadConfigError, match="no such place"):
        service.search("upper:red", after=",0,0")
    with pytest.raises(BadConfigError, match="no such place"):
        service.search(sort="newest", after="x")
    with pytest.raises(BadConfigError, match="nothing was asked"):
        service.search()


def test_counts_are_of_the_answer(service: ArchiveService) -> None:
    everybody = service.facets()
    assert (everybody.people, everybody.upper_color["red"], everybody.best) == (6, 2, None)
    asked = service.facets(q="upper:red since:2026-11-02")
    assert (asked.people, dict(asked.upper_color)) == (1, {"red": 1})
    assert service.facets("upper_color = 'red'", q="on:2026-11-01").people == 1
    found = service.search("a red person", weak=True)
    counted = service.facets(q="a red person", weak=True)
    assert counted.people == sum(1 + len(hit.similar) for hit in found.result.hits)


def test_the_times_are_counted_in_steps_that_fit(service: ArchiveService) -> None:
    whole = service.facets().timeline
    assert (whole.step, whole.unknown) == ("day", 1)
    assert [(bar.on, bar.people) for bar in whole.bars] == [
        ("2026-11-01", 3),
        ("2026-11-02", 0),
        ("2026-11-03", 2),
    ]
    day = service.facets(q="on:2026-11-01").timeline
    assert (day.step, [(bar.on, bar.people) for bar in day.bars]) == (
        "hour",
        [("2026-11-01T08", 1), ("2026-11-01T09", 2)],
    )
    for bar in (*whole.bars, *day.bars):  # each leads to as many people as it says
        assert service.facets(q=f"on:{bar.on}").people == bar.people


def test_cameras_and_days_are_counted_and_lead_to_their_people(service: ArchiveService) -> None:
    cameras = service.groups("camera")
    assert [(group.name.split("/")[-2], group.people) for group in cameras.groups] == [
        ("cam1", 3),
        ("cam10", 3),
    ]
    for group in cameras.groups:
        assert group.name.endswith("/")
        people = service.search(f'source:"{group.name}"', sort="newest")
        assert people.result.total == group.people
        assert people.result.hits[0].person_id == group.person_id
        assert people.result.hits[0].captured_at == group.newest
    days = service.groups("day")
    assert [(group.name, group.people) for group in days.groups] == [
        ("2026-11-03", 2),
        ("2026-11-01", 3),
        ("", 1),
    ]
    assert [group.people for group in service.groups("day", "upper:red").groups] == [1, 1]


def test_the_api_and_its_client_browse(store: Path, service: ArchiveService) -> None:
    with answering(create_app(ArchiveService(store, FAKE))) as address, Client(address) as par:
        first = par.search(sort="newest", top=2)
        assert (first.total, first.next, len(first.results)) == (6, None, 2)
        assert first.next_after is not None
        second = par.search(sort="newest", top=2, after=first.next_after, offset=2)
        assert [hit.rank for hit in (*first.results, *second.results)] == [1, 2, 3, 4]
        assert [hit.person_id for hit in par.all_hits(sort="oldest")] == [
            hit.person_id for hit in service.search(sort="oldest").result.hits
        ]
        assert par.facets(q="upper:red").people == 2
        assert par.facets().timeline.bars[0].on == "2026-11-01"
        assert [group.people for group in par.groups("camera", where="upper_color = 'red'").groups] == [1, 1]


def test_looks_at_everybody_and_counts_of_questions_are_recorded(store: Path, client: TestClient) -> None:
    client.get("/api/search?sort=newest")
    client.get("/api/facets?q=upper%3Ared")
    client.get("/api/groups?by=day&q=upper%3Ared")
    events = Access.open(store).log.latest(3).events
    assert [(event.action, event.what, event.count) for event in events] == [
        ("facets", "upper:red", 2),
        ("facets", "upper:red", 2),
        ("search", "everybody; newest first", 6),
    ]


def test_the_page_shows_days_and_goes_on_by_a_link(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("par_core.serve.pages._A_PAGE", 2)
    html = client.get("/?sort=newest").text
    assert "6 people , newest first" in words(html)
    assert "Tuesday 2026-11-03" in html
    seen, days, address = [], [], "/?sort=newest"
    while address:
        html = client.get(address, headers={"Par-Part": "more"}).text
        seen += re.findall(r'data-person="(\w+)"', html)
        days += re.findall(r'<li class="day"><h2>(?:<a [^>]*>)?([^<]*)', html)
        more = re.search(r'id="next">\s*<a class="button" href="([^"]*)"', html)
        address = more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == 6
    assert days == ["Tuesday 2026-11-03", "Sunday 2026-11-01", "Time not known"]


def test_a_person_of_a_further_page_opens_beside_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("par_core.serve.pages._A_PAGE", 2)
    first = client.get("/?sort=newest").text
    more = re.search(r'id="next">\s*<a class="button" href="([^"]*)"', first)
    assert more is not None
    second = client.get(more[1].replace("&amp;", "&")).text
    card = re.search(r'class="card" href="([^"]*)"', second)
    assert card is not None
    beside = client.get(card[1].replace("&amp;", "&")).text
    cards = r'class="card"[^>]* data-person="(\w+)"'
    assert re.findall(cards, beside) == re.findall(cards, second) != []


def test_every_state_has_its_address(client: TestClient) -> None:
    html = client.get("/?q=upper%3Ared&sort=oldest").text
    assert "oldest first" in html
    assert re.findall(r'href="([^"]*)" data-part="main"[^>]*>(?:best|newest|oldest) first', html) == [
        "/?q=upper%3Ared",
        "/?q=upper%3Ared&amp;sort=newest",
        "/?q=upper%3Ared&amp;sort=oldest",
    ]
    timeline = client.get("/?sort=newest", headers={"Par-Part": "timeline"}).text
    assert 'aria-label="2026-11-01: 3 people"' in timeline
    assert 'href="/?q=on%3A2026-11-01&amp;sort=newest"' in timeline
    assert "1 of unknown time" in words(timeline)
    filters = words(client.get("/?q=upper%3Ared", headers={"Par-Part": "filters"}).text)
    assert "Counts are of this answer without neighbouring colours: 2 people" in filters
    assert "yellow 1" in filters  # as if no colour were asked for
    oldest = client.get("/?q=upper%3Ared&sort=oldest", headers={"Par-Part": "filters"}).text
    assert "Counts are of this answer: 2 people" in words(oldest)


def test_people_in_neighbouring_colours_are_counted_apart(client: TestClient) -> None:
    counts = client.get("/api/facets?q=upper%3Ared").json()
    results = client.get("/api/search?q=upper%3Ared").json()["results"]
    itself = [hit for hit in results if not hit["near"]]
    assert {hit["upper_color"] for hit in itself} == {"red"}
    assert sum(1 + len(hit["similar"]) for hit in itself) == counts["people"] == 2
    near = [hit for hit in results if hit["near"]]
    assert [hit["upper_color"] for hit in near] == ["pink"]
    html = words(client.get("/?q=upper%3Ared", headers={"Par-Part": "main"}).text)
    assert "2 found and 1 in a neighbouring colour among" in html
    assert "2 found among" in words(client.get("/?q=upper%3Ared&sort=oldest").text)


def test_cameras_and_days_have_pages_that_go_on(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("par_core.serve.page_browse._A_PAGE", 1)
    for kind, expected in (("cameras", ["cam1", "cam10"]), ("days", ["2026-11-03", "2026-11-01", "Time"])):
        found, address = [], f"/browse/{kind}"
        while address:
            html = client.get(address).text
            found += [name.split("/")[-1].split()[0] for name in re.findall(r'class="name">([^<]*)', html)]
            for url in re.findall(r'class="card" href="([^"]*)"', html):
                assert client.get(url.replace("&amp;", "&")).status_code == 200
            more = re.search(r'id="next">\s*<a class="button" href="([^"]*)"', html)
            address = more[1].replace("&amp;", "&") if more else ""
        assert found == expected
    assert client.get("/browse/else").status_code == 404
    assert client.get("/browse/days?q=%28").status_code == 400


def test_browsing_needs_the_role_search(store: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(store, tmp_path / "store"))
    token = Access.open(own).tokens.add("scraper", Role.METRICS)
    with client_of(own) as client:
        for address in ("/api/search?sort=newest", "/api/groups?by=day", "/?sort=newest", "/browse/cameras"):
            assert client.get(address).status_code == 401
            refused = client.get(address, headers={"Authorization": f"Bearer {token}", "Origin": HERE})
            assert refused.status_code == 403
