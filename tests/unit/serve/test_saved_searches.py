"""Saved searches over the API, its client and the page: who may see them, who may change them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.access import Access, Role
from par_core.alerts.record import load_search
from par_core.alerts.run import run_searches
from par_core.query.from_store import Searcher
from par_core.serve.app import create_app
from par_core.serve.client import Client, ServerError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import HERE, answering, client_of


@pytest.fixture
def open_client(own: Path) -> Iterator[TestClient]:
    with client_of(own / "store") as client:
        yield client


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_search_is_saved_told_about_and_removed_with_the_client(own: Path) -> None:
    with answering(create_app(ArchiveService(own / "store", FAKE))) as address, Client(address) as par:
        saved = par.save_search("upper:red", name="red")
        assert (saved.found, saved.news, saved.trouble) == (2, [], "")
        assert par.save_search("upper:red").name == "upper-red"
        assert par.save_search("upper:red").name == "upper-red-2"
        save(own / "photos" / "9999.png", scene("red", seed=99))
        index(own / "store", [own / "photos"])
        list(run_searches(Searcher(own / "store", FAKE)))
        red = next(search for search in par.searches().searches if search.name == "red")
        ((new,),) = (news.people for news in red.news)
        assert par.person(new).person.uri.endswith("9999.png")
        par.remove_search("red")
        assert [search.name for search in par.searches().searches] == ["upper-red", "upper-red-2"]
        with pytest.raises(ServerError, match="no saved search 'red'"):
            par.remove_search("red")
        with pytest.raises(ServerError, match="already"):
            par.save_search("upper:blue", name="upper-red")
        with pytest.raises(ServerError, match="nothing is asked"):
            par.save_search(" ")


def test_everybody_who_searches_sees_them_and_reviewers_change_them(own: Path) -> None:
    tokens = Access.open(own / "store").tokens
    anna, ben = tokens.add("anna", Role.SEARCH), tokens.add("ben", Role.REVIEWER)
    with client_of(own / "store") as client:

        def status(method: str, path: str, token: str, **more: object) -> int:
            headers = {"Authorization": f"Bearer {token}", "Origin": HERE}
            return client.request(method, path, headers=headers, follow_redirects=False, **more).status_code  # type: ignore[arg-type]

        wanted = {"q": "upper:red", "name": "red"}
        assert status("POST", "/api/searches", anna, json=wanted) == 403
        assert status("POST", "/searches", anna, data=wanted) == 403
        assert status("POST", "/api/searches", ben, json=wanted) == 200
        assert status("GET", "/api/searches/red", anna) == 200
        assert status("GET", "/searches/red", anna) == 200
        assert status("DELETE", "/api/searches/red", anna) == 403
        assert status("POST", "/searches/red/remove", anna) == 403
        assert status("DELETE", "/api/searches/red", ben) == 204
        assert status("GET", "/api/searches/red", anna) == 404
        html = client.get("/searches", headers={"Authorization": f"Bearer {anna}"}).text
        assert "<form" not in html.partition("<main")[2]
    events = Access.open(own / "store").log.latest(50).events
    assert [(event.who, event.action, event.what, event.count, event.status) for event in events][::-1] == [
        ("anna", "reviewer", "/api/searches", None, "refused"),
        ("anna", "reviewer", "/searches", None, "refused"),
        ("ben", "add_saved_search", "red; upper:red", 2, "ok"),
        ("anna", "saved_search", "red", 0, "ok"),
        ("anna", "saved_search", "red", 0, "ok"),
        ("anna", "reviewer", "/api/searches/red", None, "refused"),
        ("anna", "reviewer", "/searches/red/remove", None, "refused"),
        ("ben", "remove_saved_search", "red", 0, "ok"),
        ("anna", "saved_search", "red", None, "UnknownIdError"),
    ]


def test_no_caller_of_a_server_sets_a_target(open_client: TestClient) -> None:
    for name in ("webhook", "json_file", "secret_env"):
        refused = open_client.post("/api/searches", json={"q": "upper:red", name: "http://localhost/"})
        assert refused.status_code == 422


def test_the_page_saves_shows_and_removes(own: Path, open_client: TestClient) -> None:
    answer = open_client.get("/?q=upper%3Ared").text
    address = re.search(r'href="([^"]*)">Save this search', answer)
    assert address is not None
    form = open_client.get(address[1].replace("&amp;", "&")).text
    assert 'name="q" maxlength="1000" value="upper:red"' in form
    made = open_client.post("/searches", data={"q": "upper:red", "where": ""}, follow_redirects=False)
    assert (made.status_code, made.headers["location"]) == (303, "/searches/upper-red")
    save(own / "photos" / "9998.png", scene("red", seed=98))
    index(own / "store", [own / "photos"])
    list(run_searches(Searcher(own / "store", FAKE)))
    (news,) = load_search(Store.open(own / "store"), "upper-red").news
    html = open_client.get("/searches/upper-red").text
    assert f"/api/people/{news.people[0]}/crop" in html
    assert "1 new" in words(html)
    assert f'name="person" value="{news.people[0]}" form="selection"' in html
    assert 'name="back" value="/searches/upper-red"' in html
    assert "upper-red" in words(open_client.get("/searches").text)
    gone = open_client.post("/searches/upper-red/remove", follow_redirects=False)
    assert (gone.status_code, gone.headers["location"]) == (303, "/searches")
    assert open_client.get("/searches/upper-red").status_code == 404


def test_a_question_is_shown_and_never_part_of_the_page(open_client: TestClient) -> None:
    nasty = 'source:"<img/src=x>"'
    open_client.post("/api/searches", json={"q": nasty, "name": "nasty"})
    for address in ("/searches", "/searches/nasty"):
        html = open_client.get(address).text
        assert "<img/src" not in html
        assert "&lt;img/src=x&gt;" in html
    assert open_client.get("/searches/..%2Faccess%2Ftokens").status_code == 404


def test_a_damaged_file_is_named(own: Path, open_client: TestClient) -> None:
    folder = own / "store" / "searches"
    folder.mkdir()
    (folder / "red.json").write_text("{")
    refused = open_client.get("/api/searches/red")
    assert (refused.status_code, "damaged" in refused.json()["error"]["message"]) == (503, True)
    shutil.rmtree(folder)
    assert open_client.get("/api/searches").json() == {"searches": []}
