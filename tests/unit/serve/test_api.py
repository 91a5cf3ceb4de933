"""The contract of the API: what it answers, and how it refuses."""

import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL.PngImagePlugin import PngImageFile

from par_core.serve.app_state import AppState
from par_core.serve.settings import ServeSettings
from par_core.store.layout import Store
from par_core.store.run_progress import RunProgress, progress_file, read_progress
from tests.indexing import index
from tests.pictures import save, scene
from tests.serving import HERE, client_of, jpeg_pixels
from tests.waiting import wait_until

HIT = {
    "rank", "person_id", "image_id", "uri", "source_state", "box", "cosine", "probability", "attributes",
    "seen", "upper_color", "lower_color", "captured_at", "height_px", "score", "cutout", "parts",
    "similar",
    "near",
}  # fmt: skip


def refused(response: object, status: int, kind: str) -> str:
    """Check the one form of every error; gives the message."""
    assert response.status_code == status, response.text
    content = response.json()
    assert content.keys() == {"error"}
    assert content["error"].keys() == {"status", "kind", "message"}
    assert (content["error"]["status"], content["error"]["kind"]) == (status, kind)
    return content["error"]["message"]


def test_an_answer_has_the_documented_form(client: TestClient) -> None:
    answer = client.get("/api/search", params={"q": "a red person", "top": 2, "apart": True}).json()
    assert answer.keys() == {
        "question",
        "results",
        "warnings",
        "searched",
        "chance",
        "order",
        "why",
        "total",
        "offset",
        "next",
        "next_after",
        "end",
        "versions",
        "tags",
    }
    assert answer["results"][0].keys() == HIT
    assert answer["results"][0]["parts"][0]["text"] == "a red person"
    assert (answer["searched"], answer["offset"], answer["next"]) == (7, 0, 2)
    assert [hit["rank"] for hit in answer["results"]] == [1, 2]
    assert {Path(hit["uri"]).name for hit in answer["results"]} == {"0000.png", "0004.png"}
    assert "shard" not in json.dumps(answer)


def test_hits_that_tell_the_same_are_folded_unless_they_are_wanted_apart(client: TestClient) -> None:
    folded = client.get("/api/search", params={"q": "red", "weak": True}).json()["results"]
    apart = client.get("/api/search", params={"q": "red", "weak": True, "apart": True}).json()["results"]
    assert any(hit["similar"] for hit in folded)
    assert sorted(one["person_id"] for hit in folded for one in (hit, *hit["similar"])) == sorted(
        hit["person_id"] for hit in apart
    )


def test_a_filter_with_and_without_words_narrows(client: TestClient) -> None:
    alone = client.get("/api/search", params={"where": "upper_color = 'yellow'"}).json()
    both = client.get("/api/search", params={"q": "yellow", "where": "upper_color = 'yellow'"}).json()
    assert (
        [hit["upper_color"] for hit in alone["results"]]
        == [hit["upper_color"] for hit in both["results"]]
        == ["yellow"]
    )


def test_a_person_and_everything_of_it(client: TestClient) -> None:
    hit = client.get("/api/search", params={"q": "yellow", "top": 1}).json()["results"][0]
    person = client.get(f"/api/people/{hit['person_id']}").json()
    assert person["person"]["person_id"] == hit["person_id"]
    assert person["uris"] == [hit["uri"]]
    outline = client.get(f"/api/people/{hit['person_id']}/outline").json()
    assert (outline["width"], outline["height"]) == (person["image_width"], person["image_height"])
    for path in (f"/api/people/{hit['person_id']}/crop", f"/api/image/{hit['image_id']}"):
        picture = client.get(path)
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.headers["cache-control"] == "no-store"  # no copy outlives a token or a person
        assert jpeg_pixels(picture.content).size > 0


def test_counts_and_status(client: TestClient) -> None:
    assert client.get("/api/facets", params={"where": "upper_color = 'red'"}).json()["people"] == 2
    status = client.get("/api/status").json()
    assert (status["people"], status["running"], status["profile"]) == (7, False, "fake")
    assert status["live_version"] == status["newest_version"]
    assert status["found_people"] == {
        "found": 7,
        "described": 7,
        "too_small": 0,
        "second_cuts": 0,
        "failed": 0,
        "forgotten": 0,
        "pending": 0,
    }
    assert status["files"]["listed"] == 5
    assert status["files"]["no_people"] == 1
    assert status["unreadable_times"] == 0


def test_a_picture_is_taken_and_named(client: TestClient, tmp_path: Path) -> None:
    content = save(tmp_path / "q.png", scene("yellow", seed=5)).read_bytes()
    picture = client.post("/api/picture", files={"picture": content}).json()
    assert picture["people"] == 1
    assert len(picture["name"]) == 16
    (one,) = picture["found"]
    assert one["name"] == picture["name"]
    assert one["polygons"]
    boxed = client.post("/api/picture", files={"picture": content}, data={"box": "1,1,60,96"}).json()
    assert boxed["people"] == 1
    for box in ("1,2,3", "1,2,3,x", "-1,2,3,4", "nan,nan,nan,nan"):
        said = refused(
            client.post("/api/picture", files={"picture": content}, data={"box": box}), 422, "bad_parameter"
        )
        assert "give four numbers x1,y1,x2,y2 in pixels of the upright picture" in said
    assert refused(client.post("/api/picture", files={"picture": b"text"}), 400, "bad_picture")
    assert "nobody was found" in refused(
        client.post("/api/picture", files={"picture": save(tmp_path / "e.png", scene()).read_bytes()}),
        400,
        "bad_query",
    )
    assert "picture" in refused(client.post("/api/picture", files={"other": content}), 422, "bad_parameter")


def test_people_like_the_one_in_a_picture_are_found_by_its_name(client: TestClient, tmp_path: Path) -> None:
    content = save(tmp_path / "q.png", scene("yellow", seed=5)).read_bytes()
    name = client.post("/api/picture", files={"picture": content}).json()["name"]
    assert (
        Path(client.get("/api/search", params={"q": f"picture:{name}"}).json()["results"][0]["uri"]).name
        == "0003.png"
    )
    assert "give it again" in refused(
        client.get("/api/search", params={"q": "picture:0123456789abcdef"}), 400, "bad_query"
    )


def test_more_like_this_leaves_this_out(client: TestClient) -> None:
    hit = client.get("/api/search", params={"q": "yellow"}).json()["results"][0]
    like = client.get("/api/search", params={"q": f"like:{hit['person_id']}", "apart": True}).json()[
        "results"
    ]
    assert like
    assert hit["person_id"] not in {one["person_id"] for one in like}


def test_a_wrong_question_is_refused_with_the_place(client: TestClient) -> None:
    message = refused(client.get("/api/search", params={"q": "red", "where": "hat >"}), 400, "bad_query")
    assert message.splitlines()[-1].strip() == "^"
    assert "^" in refused(client.get("/api/search", params={"q": "red AND"}), 400, "bad_query")
    refused(client.get("/api/search"), 400, "bad_query")
    refused(client.get("/api/facets", params={"where": "no_column = 1"}), 400, "bad_query")


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/people/abc", 404, "unknown_id"),
        ("/api/people/abc/crop", 404, "unknown_id"),
        ("/api/people/abc/outline", 404, "unknown_id"),
        ("/api/image/abc", 404, "unknown_id"),
        ("/api/image/..%2F..%2Fetc%2Fpasswd", 404, "not_found"),
        ("/api/people/XYZ", 422, "bad_parameter"),
        ("/api/search?q=red&top=501", 422, "bad_parameter"),
        ("/api/search?q=red&top=0", 422, "bad_parameter"),
        ("/api/search?q=red&offset=-1", 422, "bad_parameter"),
        ("/api/search?q=red&offset=10000", 400, "bad_query"),
        (f"/api/search?q={'x' * 1001}", 422, "bad_parameter"),
        (f"/api/search?where={'x' * 2001}", 422, "bad_parameter"),
        ("/api/search?q=red&tpo=5", 422, "bad_parameter"),
        ("/api/search?q=red&q=blue", 422, "bad_parameter"),
        ("/api/status?q=red", 422, "bad_parameter"),
        ("/api/nothing", 404, "not_found"),
    ],
)
def test_every_refusal_has_one_form(client: TestClient, path: str, status: int, kind: str) -> None:
    refused(client.get(path), status, kind)


def test_another_method_is_refused_in_the_same_form(client: TestClient) -> None:
    refused(client.delete("/api/search"), 405, "method_not_allowed")


def test_a_store_without_people_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    index(tmp_path / "store", [tmp_path / "nothing"])
    with client_of(tmp_path / "store") as client:
        response = client.get("/api/search?q=red")
        assert "par index" in refused(response, 503, "not_ready")
        assert int(response.headers["retry-after"]) > 0
        assert client.get("/api/status").status_code == 200


def test_a_store_of_another_model_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("par_core.query.from_store.embedding_fingerprint", lambda config: "another-embedding")
    with client_of(folder / "store") as client:
        assert "another-embedding" in refused(client.get("/api/search?q=red"), 503, "other_embedding")


def test_a_slow_answer_is_given_up_and_blocks_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    with client_of(folder / "store", ServeSettings(seconds=2.0, searches=2)) as client:
        app_state: AppState = client.app.state.app_state
        search = app_state.service.search
        monkeypatch.setattr(
            app_state.service,
            "search",
            lambda q, **options: release.wait(30) if q == "slow" else search(q, **options),
        )
        try:
            assert "narrow" in refused(client.get("/api/search?q=slow"), 504, "too_slow")
            assert client.get("/api/search?q=red").status_code == 200
        finally:
            release.set()


def test_a_lack_of_memory_asks_for_another_try_and_does_not_call_the_file_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(_: object) -> None:
        raise MemoryError

    with client_of(folder / "store") as client:
        hit = client.get("/api/search", params={"q": "yellow", "top": 1}).json()["results"][0]
        with monkeypatch.context() as patch:
            patch.setattr(PngImageFile, "load", no_memory)
            for path in (f"/api/people/{hit['person_id']}/crop", f"/api/image/{hit['image_id']}"):
                answer = client.get(path)
                assert "out of memory" in refused(answer, 503, "busy")
                assert answer.headers["Retry-After"] == "10"
        assert client.get(f"/api/people/{hit['person_id']}/crop").status_code == 200


def test_an_unforeseen_error_is_a_plain_500_and_goes_to_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(folder / "store") as client:
        monkeypatch.setattr(client.app.state.app_state.service, "search", lambda q, **options: 1 // 0)
        response = client.get("/api/search?q=red")
        assert "ZeroDivision" not in refused(response, 500, "internal")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "ZeroDivisionError" in caplog.text


def test_the_documentation_names_every_path_limit_and_error(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/search",
        "/api/people/{person_id}",
        "/api/people/{person_id}/crop",
        "/api/people/{person_id}/outline",
        "/api/image/{image_id}",
        "/api/image/{image_id}/people",
        "/api/suggest",
        "/api/facets",
        "/api/groups",
        "/api/searches",
        "/api/searches/{name}",
        "/api/tags",
        "/api/people/{person_id}/tags",
        "/api/compare",
        "/api/forget",
        "/api/forget/{name}",
        "/api/status",
        "/api/audit",
        "/api/picture",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            assert {"401", "403", "422", "429", "503", "504"} <= operation["responses"].keys()
            assert operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith(
                "/ErrorResponse"
            )
            for parameter in operation.get("parameters", []):
                assert parameter["description"]
    assert HERE not in json.dumps(document)


def test_the_status_says_how_far_a_run_is_that_is_under_way(own: Path) -> None:
    store = Store.open(own / "store")
    progress = RunProgress(1_800_000_000.0, 40, 10_000, 10, 2_500, 1, 100, 4.0)
    with client_of(own / "store") as client:
        assert client.get("/api/status").json()["progress"] is None
        with store.exclusive(), progress_file(store, lambda: progress):
            wait_until(lambda: read_progress(store) is not None)
            status = client.get("/api/status").json()
            page = client.get("/status").text
    assert status["running"]
    assert status["progress"] == asdict(progress)
    assert "2500 of 10000 images (25%), 100 could not be finished, 4.0 images/s, about 31 min left" in page
