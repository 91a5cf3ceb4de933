"""Browsing through a hundred thousand people: every page is as quick as the first, and nobody is left out."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.serve.service import ArchiveService
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import FAKE
from tests.many_people import make_index, people
from tests.serving import client_of

N = 100_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Store.create(tmp_path_factory.mktemp("many") / "store").root
    made = make_index(Store.open(root).index_path, people(N))
    while not made.is_current():  # a table that was written just now is opened anew for each question
        time.sleep(0.02)
        opened = PeopleIndex.open(made.path, "live")
        assert opened is not None
        made = opened
    return root


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[TestClient]:
    with client_of(store) as client:
        service: ArchiveService = client.app.state.app_state.service  # type: ignore[attr-defined]
        service._searcher.wait_until_read()
        assert service._searcher.index().resident is not None
        yield client


def test_a_page_anywhere_goes_on_after_the_person_before_it(client: TestClient) -> None:
    rows = people(N).select(["person_id", "image_id", "captured_at", "source_state"]).to_pylist()
    rows = [row for row in rows if row["source_state"] == "present"]
    rows.sort(key=lambda row: (row["captured_at"] or datetime.min, row["image_id"], row["person_id"]))
    rows.reverse()
    rows.sort(key=lambda row: row["captured_at"] is None)
    took: dict[int, float] = {}
    places = [0, 1, 5_000, 40_000, len(rows) - 9_000, len(rows) - 30, len(rows) - 1]
    for place in places:
        before = rows[place]
        moment = before["captured_at"].isoformat() if before["captured_at"] else ""
        after = f"{moment},{before['image_id']},{before['person_id']}"
        asked = {"sort": "newest", "top": 60, "after": after, "offset": place + 1, "apart": True}
        client.get("/api/search", params=asked)
        began = time.perf_counter()
        answer = client.get("/api/search", params=asked).json()
        took[place] = time.perf_counter() - began
        expected = [row["person_id"] for row in rows[place + 1 :][: len(answer["results"])]]
        assert [hit["person_id"] for hit in answer["results"]] == expected
        assert len(expected) >= min(60, len(rows) - place - 1)
        assert answer["total"] == len(rows)
        assert (answer["next_after"] is None) == (place + 1 + len(expected) == len(rows))
    # a page in the middle costs no more than the first: none counts those before it
    assert took[40_000] < 3 * took[0]


def test_a_day_and_a_camera_are_found_in_the_middle(client: TestClient) -> None:
    groups = client.get("/api/groups", params={"by": "camera"}).json()["groups"]
    assert [group["name"] for group in groups] == [f"/gate-{number}/" for number in range(7)]
    facets = client.get("/api/facets", params={"q": "source:/gate-3/ on:2027-03"}).json()
    assert facets["timeline"]["step"] == "day"
    page = client.get("/?q=source%3A%2Fgate-3%2F+on%3A2027-03&sort=newest").text
    assert f"{facets['people']:,}".replace(",", "\u202f") + " found" in page


def test_counts_in_memory_are_those_of_the_index(store: Path, client: TestClient) -> None:
    plain = ArchiveService(store, FAKE)
    for q in ("", "upper:red,blue hat:yes", "source:gate-3 NOT on:2026-12"):
        asked = {"q": q} if q else {}
        counted = client.get("/api/facets", params=asked).json()
        expected = plain.facets(q=q)
        assert counted["people"] == expected.people
        for name in ("upper_color", "lower_color", "attributes", "folders", "days"):
            assert counted[name] == dict(getattr(expected, name)), (q, name)
        days = client.get("/api/groups", params={"by": "day"} | asked).json()
        assert [(day["name"], day["person_id"]) for day in days["groups"]] == [
            (day.name, day.person_id) for day in plain.groups("day", q).groups
        ]
