"""Readers while a writer commits: no error, and no version goes back."""

import threading
from pathlib import Path

from fastapi.testclient import TestClient

from tests.indexing import index
from tests.pictures import save, scene
from tests.serving import client_of, small_store

READERS = 6
COMMITS = 4


def test_many_search_while_runs_commit(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    done, answers, errors = threading.Event(), [[] for _ in range(READERS)], []

    def read(client: TestClient, number: int) -> None:
        while not done.is_set():
            for path in (
                f"/api/search?q=red&top={5 + number}",
                f"/api/search?where=height_px>{number}",
                "/api/facets",
                "/api/status",
            ):
                response = client.get(path)
                if response.status_code != 200:
                    errors.append((path, response.text))
                    return
                if "versions" in response.json():
                    answer = response.json()
                    answers[number].append((answer["versions"]["searched"], answer["searched"]))

    with client_of(store) as client:
        readers = [threading.Thread(target=read, args=(client, number)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        for number in range(COMMITS):
            save(tmp_path / "photos" / f"new{number}.png", scene("red", seed=200 + number))
            index(store, [tmp_path / "photos"])
        last = client.get("/api/search?q=red&top=100&apart=true").json()
        done.set()
        for reader in readers:
            reader.join()
    assert not errors
    assert last["searched"] == 7 + COMMITS
    assert {f"new{number}.png" for number in range(COMMITS)} <= {
        hit["uri"].rpartition("/")[2] for hit in last["results"]
    }
    for of_reader in answers:
        assert [version for version, _ in of_reader] == sorted(version for version, _ in of_reader)
        assert [people for _, people in of_reader] == sorted(people for _, people in of_reader)
    assert len({version for of_reader in answers for version, _ in of_reader}) > 1
