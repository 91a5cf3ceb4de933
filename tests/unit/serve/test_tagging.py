"""Tags, comparisons and erasures over the API and its client: who may see them, who may change them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.access import Access, Role
from par_core.serve.app import create_app
from par_core.serve.client import Client, ServerError
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.forgetting import assert_well
from tests.indexing import FAKE
from tests.serving import HERE, answering, client_of


@pytest.fixture
def open_client(own: Path) -> Iterator[TestClient]:
    with client_of(own / "store") as client:
        yield client


def people(client: TestClient) -> list[str]:
    found = client.get("/api/search?where=height_px>0&apart=true").json()["results"]
    return sorted(hit["person_id"] for hit in found)


def test_tags_are_changed_seen_and_asked_for_with_the_client(own: Path) -> None:
    with answering(create_app(ArchiveService(own / "store", FAKE))) as address, Client(address) as par:
        ids = sorted(hit.person_id for hit in par.search(where="height_px > 0", apart=True).results)
        assert par.search("tag:check").results == []  # which is kept, until tags change
        assert par.facets(q="tag:check").people == 0
        tagged = par.tag(ids[:2], ["Check", "late"], note="a ladder").people
        assert [[tag.name for tag in one.tags] for one in tagged] == [["check", "late"]] * 2
        assert {hit.person_id for hit in par.search("tag:check", apart=True).results} == set(ids[:2])
        assert par.facets(q="tag:check").people == 2
        assert par.tags().tags == {"check": 2, "late": 2}
        assert par.facets().tags == {"check": 2, "late": 2}
        of_one = f"person_id = '{ids[0]}'"
        assert par.facets(of_one).tags == {"check": 1, "late": 1}
        assert par.facets(f"person_id = '{ids[2]}'").tags == {}
        assert par.facets(of_one, q="a person").tags == {"check": 1, "late": 1}, "of hits too"
        answer = par.search(where="height_px > 0", apart=True)
        assert answer.tags == {one: ["check", "late"] for one in ids[:2]}
        person = par.person(ids[0])
        assert person.note is not None
        assert ([tag.name for tag in person.tags], person.note.text) == (["check", "late"], "a ladder")
        par.tag(ids[:1], remove=["check"], note="")
        assert [tag.name for tag in par.tags_of(ids[0]).tags] == ["late"]
        assert par.tags_of(ids[0]).note is None
        assert par.facets().tags == {"late": 2, "check": 1}, "most first, and as tags are now"
        assert par.tags_of(ids[2]).tags == []
        assert {hit.person_id for hit in par.search("tag:check").results} == {ids[1]}
        for wrong, said in (
            ({"people": ["0" * 32], "add": ["a"]}, "nobody in the index"),
            ({"people": ids, "add": ["<b>"]}, "a tag has"),
            ({"people": ids, "note": "x" * 3000}, "2,000 characters"),
            ({"people": ids}, "nothing to change"),
        ):
            with pytest.raises(ServerError, match=said):
                par.tag(**wrong)  # type: ignore[arg-type]


def test_two_people_are_compared(open_client: TestClient) -> None:
    ids = people(open_client)
    found = open_client.get("/api/compare", params={"first": ids[0], "second": ids[1]}).json()
    assert -1 <= found["cosine"] <= 1
    assert 0 <= found["as_alike"] <= 1
    assert found["sampled"] == 4 or found["sampled"] == len(ids) - 2
    differences = [abs(pair["difference"]) for pair in found["attributes"]]
    assert differences == sorted(differences, reverse=True)
    assert "PAR identifies nobody" in found["meaning"]
    back = open_client.get("/api/compare", params={"first": ids[1], "second": ids[0]}).json()
    assert back["cosine"] == pytest.approx(found["cosine"])
    assert {p["name"]: -p["difference"] for p in back["attributes"]} == {
        p["name"]: p["difference"] for p in found["attributes"]
    }
    assert open_client.get("/api/compare", params={"first": ids[0], "second": ids[0]}).status_code == 400
    assert open_client.get("/api/compare", params={"first": ids[0], "second": "0" * 32}).status_code == 404


def wait_for(client: TestClient, name: str, headers: dict[str, str] | None = None) -> dict[str, object]:
    until = time.monotonic() + 60
    while True:
        answer = client.get(f"/api/forget/{name}", headers=headers).json()
        if answer["state"] != "running":
            return answer
        assert time.monotonic() < until
        time.sleep(0.05)


def test_chosen_people_are_erased_once_their_number_is_confirmed(own: Path, open_client: TestClient) -> None:
    ids = people(open_client)
    open_client.post("/api/tags", json={"people": ids[:3], "add": ["check"]})
    refused = open_client.post("/api/forget", json={"people": ids[:2], "number": 3})
    assert (refused.status_code, "nobody was erased" in refused.json()["error"]["message"]) == (400, True)
    begun = open_client.post("/api/forget", json={"people": ids[:2], "number": 2})
    assert (begun.status_code, begun.json()["people"]) == (202, 2)
    ended = wait_for(open_client, begun.json()["name"])
    assert (ended["state"], ended["left"]) == ("done", 0)
    assert (own / "store" / "certificates" / f"{ended['certificate']}.json").is_file()
    assert set(people(open_client)) == set(ids[2:])
    assert open_client.get("/api/tags").json()["tags"] == {"check": 1}
    assert open_client.get(f"/api/people/{ids[0]}").status_code == 404
    assert_well(own / "store")
    events = Access.open(own / "store").log.latest(50).events
    assert [(e.action, e.what.split(",")[0], e.count, e.status) for e in events if "forget" in e.action] == [
        ("forget", "person", 2, "ok"),
        ("ask_to_forget", "2 people", 2, "ok"),
        ("ask_to_forget", "2 people", None, "BadConfigError"),
    ]
    asked_later = ("person",)  # of which the caller gave the id after the erasure
    assert not any(one in e.what for e in events for one in ids[:2] if e.action not in asked_later)
    again = open_client.post("/api/forget", json={"people": ids[:1], "number": 1}).json()
    assert "knows no person" in str(wait_for(open_client, again["name"])["message"])


def test_an_erasure_that_cannot_be_carried_out_says_why(own: Path, open_client: TestClient) -> None:
    ids = people(open_client)
    Store.open(own / "store").forgetting_path.write_text("{}")
    begun = open_client.post("/api/forget", json={"people": ids[:1], "number": 1}).json()
    ended = wait_for(open_client, begun["name"])
    assert (ended["state"], "par forget --finish" in str(ended["message"])) == ("failed", True)
    assert set(people(open_client)) == set(ids)
    assert open_client.post("/api/tags", json={"people": ids, "add": ["a"]}).status_code == 503


def test_roles(own: Path) -> None:
    tokens = Access.open(own / "store").tokens
    anna, ben, carl = (
        tokens.add("anna", Role.SEARCH),
        tokens.add("ben", Role.REVIEWER),
        tokens.add("carl", Role.ADMIN),
    )
    with client_of(own / "store") as client:

        def answered(method: str, path: str, token: str | None, **more: object) -> int:
            headers = {"Origin": HERE} | ({"Authorization": f"Bearer {token}"} if token else {})
            return client.request(method, path, headers=headers, **more).status_code  # type: ignore[arg-type]

        one = (
            ArchiveService(own / "store", FAKE).search(where="height_px > 0", top=1).result.hits[0].person_id
        )
        change = {"people": [one], "add": ["check"]}
        assert answered("POST", "/api/tags", None, json=change) == 401
        assert answered("POST", "/api/tags", anna, json=change) == 403
        assert answered("POST", "/api/tags", ben, json=change) == 200
        assert answered("GET", "/api/tags", anna) == 200
        assert answered("GET", f"/api/people/{one}/tags", anna) == 200
        assert answered("POST", "/api/forget", ben, json={"people": [one], "number": 1}) == 403
        assert answered("GET", "/api/forget/ab", ben) == 403
        assert answered("GET", "/api/forget/ab", carl) == 404
        assert answered("POST", "/api/tags", carl, json={"people": [one], "note": "by carl"}) == 200
        headers = {"Authorization": f"Bearer {ben}"}
        known = client.get(f"/api/people/{one}/tags", headers=headers).json()
        assert (known["tags"][0]["by"], known["note"]["by"]) == ("ben", "carl")


def test_another_site_changes_no_tags(open_client: TestClient) -> None:
    ids = people(open_client)
    for headers in ({"Origin": "https://example.org"}, {"Origin": "null"}):
        for path, body in (
            ("/api/tags", {"people": ids, "add": ["a"]}),
            ("/api/forget", {"people": ids, "number": len(ids)}),
        ):
            assert open_client.post(path, json=body, headers=headers).status_code == 403
    assert open_client.get("/api/tags").json()["tags"] == {}
