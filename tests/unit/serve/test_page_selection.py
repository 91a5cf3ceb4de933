"""The forms of the page for chosen people: what they need, refuse, and never show as HTML."""

import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.access import Access, Role
from par_core.tags.files import FOLDER
from tests.serving import HERE, client_of

NASTY = "</textarea><img src=x>"


@pytest.fixture
def open_client(own: Path) -> Iterator[TestClient]:
    with client_of(own / "store") as client:
        client.follow_redirects = False
        yield client


def people(client: TestClient) -> list[str]:
    found = client.get("/api/search?where=height_px>0&apart=true").json()["results"]
    return sorted(hit["person_id"] for hit in found)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_forms_of_each_role(own: Path) -> None:
    tokens = Access.open(own / "store").tokens
    given = {role: tokens.add(role.value, role) for role in (Role.SEARCH, Role.REVIEWER, Role.ADMIN)}
    with client_of(own / "store") as client:
        client.follow_redirects = False
        headers = {
            role: {"Authorization": f"Bearer {token}", "Origin": HERE} for role, token in given.items()
        }
        admin = headers[Role.ADMIN]
        one = client.get("/api/search?where=height_px>0", headers=admin).json()["results"][0]["person_id"]
        forms = [
            ("/selection/tags", {"person": [one], "tag": "a"}, Role.REVIEWER),
            (f"/people/{one}/tags", {"add": "a"}, Role.REVIEWER),
            ("/selection/export", {"person": [one]}, Role.REVIEWER),
            ("/selection/review", {"person": [one]}, Role.REVIEWER),
            ("/selection/forget", {"person": [one]}, Role.ADMIN),
            ("/forget", {"person": [one], "number": "2"}, Role.ADMIN),
        ]
        for path, data, needed in forms:
            for role in given:
                status = client.post(path, data=data, headers=headers[role]).status_code
                assert (status == 403) == (not role.includes(needed)), (path, role)
            other = {**headers[Role.ADMIN]}
            del other["Authorization"]
            client.cookies.set("par_token", given[Role.ADMIN])
            other["Origin"] = "https://example.org"
            assert client.post(path, data=data, headers=other).status_code == 403
            client.cookies.clear()
        shown = {role: client.get("/?sort=newest", headers=headers[role]).text for role in given}
        for text, needed in (("Compare", Role.SEARCH), ("Add tag", Role.REVIEWER), ("Forget…", Role.ADMIN)):
            for role in given:
                assert (f">{text}</button>" in shown[role]) == role.includes(needed)
        panel = client.get(f"/people/{one}", headers=headers[Role.SEARCH]).text
        assert "<textarea" not in panel
        assert f"/people/{one}/tags" not in panel


def test_tags_and_notes_are_texts(own: Path, open_client: TestClient) -> None:
    one, *_ = people(open_client)
    done = open_client.post(
        f"/people/{one}/tags", data={"note": NASTY, "add": "Check", "back": f"/people/{one}"}
    )
    assert (done.status_code, done.headers["location"]) == (303, f"/people/{one}")
    html = open_client.get(f"/people/{one}").text
    assert NASTY not in html
    assert "&lt;/textarea&gt;&lt;img src=x&gt;" in html
    assert 'href="/?q=tag%3Acheck"' in html
    assert "check" in words(open_client.get("/tags").text)
    other = people(open_client)[1]
    compared = open_client.get("/compare", params={"person": [one, other]}).text
    assert "&lt;/textarea&gt;" in compared
    assert NASTY not in compared
    for back in ("https://example.org", "//example.org", "/\\example.org", "javascript:alert(1)", "/\n"):
        done = open_client.post(f"/people/{one}/tags", data={"add": "b", "back": back})
        assert done.headers["location"] == f"/people/{one}"


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/selection/tags", {"tag": "a"}, 422),
        ("/selection/tags", {"person": ["0" * 32], "tag": "a"}, 404),
        ("/selection/tags", {"person": ["' OR 1=1 --"], "tag": "a"}, 404),
        ("/selection/tags", {"person": ["ONE"], "tag": "<b>"}, 400),
        ("/selection/tags", {"person": ["ONE"], "tag": ""}, 400),
        ("/selection/tags", {"person": ["ONE"], "tag": "a", "how": "set"}, 422),
        ("/selection/tags", {"people": "0 " * 1_001, "tag": "a"}, 422),
        ("/selection/export", {"person": ["0" * 32]}, 400),
        ("/selection/export", {"person": ["') OR (1=1"]}, 400),
        ("/selection/export", {"person": ["ONE"], "form": "fiftyone"}, 422),
        ("/selection/review", {"person": ["0" * 32]}, 400),
        ("/selection/review", {"person": ["' OR 1=1 --"]}, 400),
        ("/selection/review", {"person": [""]}, 400),
        ("/forget", {"person": ["ONE"], "number": "2"}, 400),
        ("/forget", {"person": ["ONE"], "number": ""}, 400),
        ("/forget", {"person": ["ONE"], "number": "1e0"}, 400),
        ("/forget", {"person": ["' OR 1=1 --"], "number": "1"}, 400),
    ],
)
def test_wrong_forms_change_nothing(
    own: Path, open_client: TestClient, path: str, data: dict[str, object], status: int
) -> None:
    before = people(open_client)
    if isinstance(data.get("person"), list):
        data = data | {"person": [before[0] if one == "ONE" else one for one in data["person"]]}  # type: ignore[attr-defined]
    assert open_client.post(path, data=data).status_code == status
    assert people(open_client) == before
    assert list((own / "store" / FOLDER).glob("*.json")) == []
    assert list((own / "store" / "reviews").glob("*.json")) == []


def test_a_thousand_people_fit_into_a_form(open_client: TestClient) -> None:
    ids = [f"{number:032x}" for number in range(1_001)]
    many = {"people": " ".join(ids[:-1]), "tag": "a", "back": "/" + "x" * 900}
    refused = open_client.post("/selection/tags", data=many)
    assert refused.status_code == 404  # they are not there, and were all read
    asked = open_client.post("/selection/forget", data=many)
    assert "Forget 1\u202f000 people for good?" in asked.text
    (kept,) = re.findall(r'name="people" value="([^"]*)"', asked.text)
    assert kept.split() == ids[:-1]
    for data, said in (({"people": " ".join(ids)}, "1,001 people are selected"), ({}, "Nobody is selected")):
        refused = open_client.post("/selection/forget", data=data)
        assert (refused.status_code, said in refused.text) == (422, True)


def test_the_export_holds_the_chosen_with_their_tags(open_client: TestClient) -> None:
    one, other, *_ = people(open_client)
    open_client.post("/api/tags", json={"people": [other], "add": ["check"]})
    done = open_client.post("/selection/export", data={"person": [one, other, one]})
    assert done.headers["content-disposition"] == 'attachment; filename="people-csv.zip"'
    with zipfile.ZipFile(io.BytesIO(done.content)) as file:
        assert sorted(file.namelist()) == ["people/people.csv", "people/provenance.json"]
        lines = file.read("people/people.csv").decode().splitlines()
    assert len(lines) == 3
    assert sum("check" in line for line in lines) == 1


def test_a_review_of_people_like_the_chosen_begins(open_client: TestClient) -> None:
    begun = open_client.post("/selection/review", data={"person": people(open_client)[:2]})
    assert begun.headers["location"].startswith("/reviews/people-like-the-2-chosen-on-")
    assert "people like the 2 chosen on" in words(open_client.get(begun.headers["location"]).text)


def test_forgetting_shows_how_it_goes(open_client: TestClient) -> None:
    before = people(open_client)
    asked = open_client.post("/selection/forget", data={"person": before[:1], "back": "/?q=hat"}).text
    assert "Forget 1 person for good?" in words(asked)
    assert 'href="/?q=hat"' in asked
    begun = open_client.post("/forget", data={"person": before[:1], "number": " 1 "})
    assert begun.status_code == 303
    until = time.monotonic() + 60
    while True:
        shown = open_client.get(begun.headers["location"])
        if "refresh" not in shown.headers:
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "1 person is forgotten" in words(shown.text)
    assert people(open_client) == before[1:]
    assert open_client.get("/forget/ab").status_code == 404


def test_tags_are_offered_while_one_types(open_client: TestClient) -> None:
    open_client.post(
        "/api/tags", json={"people": people(open_client)[:1], "add": ["check", "gate 3", "late"]}
    )
    offered = {
        typed: open_client.get("/api/suggest", params={"q": typed}).json()["completions"]
        for typed in ("red tag:", "tag:ga", "tag:x")
    }
    assert offered == {
        "red tag:": ["red tag:late", "red tag:check", 'red tag:"gate 3"'],
        "tag:ga": ['tag:"gate 3"'],
        "tag:x": [],
    }


def test_a_damaged_file_of_tags_leaves_the_answer(own: Path, open_client: TestClient) -> None:
    one, *_ = people(open_client)
    open_client.post("/api/tags", json={"people": [one], "add": ["check"]})
    (path,) = (own / "store" / FOLDER).glob("*.json")
    path.write_text("{")
    html = open_client.get("/?sort=newest").text
    assert "Tags cannot be shown" in html
    assert html.count('class="card"') == 7
    assert "Tags cannot be shown" in open_client.get(f"/people/{one}").text
    assert open_client.get("/filters?sort=newest").status_code == 200
    assert open_client.get("/api/suggest?q=tag%3A").json()["completions"] == []
    assert open_client.get("/?q=tag%3Acheck").status_code == 503
    assert open_client.get("/?q=a+vintage+red+coat").status_code == 200
