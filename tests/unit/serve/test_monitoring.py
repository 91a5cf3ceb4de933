"""What a server says to Prometheus."""

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from par_core.access import Access, Role
from par_core.serve.reviews import Reviews
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from tests.indexing import FAKE
from tests.serving import HERE, client_of

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(client: TestClient, headers: dict[str, str] | None = None) -> Samples:
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder / "store", tmp_path / "store"))


def test_requests_are_counted_by_the_template_of_their_route(store: Path) -> None:
    with client_of(store) as client:
        people = [hit["person_id"] for hit in client.get("/api/search?q=red").json()["results"]]
        for person in people:
            assert client.get(f"/api/people/{person}").status_code == 200
        assert client.get("/api/people/0").status_code == 404
        assert client.get("/api/openapi.json").status_code == 200
        now = read(client)
    template = "/api/people/{person_id}"
    assert of(now, "par_http_requests_total", method="GET", route=template, status="200") == len(people) > 1
    assert of(now, "par_http_requests_total", method="GET", route=template, status="404") == 1
    assert of(now, "par_http_requests_total", method="GET", route="/api/openapi.json", status="200") == 1
    assert of(now, "par_http_request_seconds_count", route=template) == len(people) + 1
    assert of(now, "par_http_request_seconds_bucket", route=template, le="20.0") == len(people) + 1
    assert of(now, "par_http_request_seconds_sum", route=template) > 0
    assert of(now, "par_http_requests_in_progress") == 1  # this one


def test_what_a_caller_chooses_makes_no_time_series(store: Path) -> None:
    with client_of(store) as client:
        client.get("/metrics")
        read(client)
        before = len(read(client))
        for n in range(30):
            client.get(f"/secret-{n}?q=secret-{n}", headers={"Host": f"secret-{n}.example"})
            client.get(f"/secret-{n}/more")
            client.request(f"SECRET{n}", f"/api/secret-{n}", headers={"Authorization": f"Bearer secret-{n}"})
        text = client.get("/metrics").text
        after = read(client)
    assert "secret" not in text.lower()
    # two methods, two statuses and one route more; and the histogram of this route
    assert len(after) - before < 30
    assert of(after, "par_http_requests_total", method="GET", route="none", status="403") == 30
    assert of(after, "par_http_requests_total", method="GET", route="none", status="404") == 30


def test_the_store_and_its_index_are_read_at_each_reading(store: Path) -> None:
    with client_of(store) as client:
        now = read(client)
        assert of(now, "par_index_people") == 7
        assert of(now, "par_index_version", which="live") == of(now, "par_index_version", which="newest") > 0
        assert of(now, "par_store_files", outcome="indexed") == 4
        assert of(now, "par_store_people", outcome="described") == 7
        assert of(now, "par_store_committed_timestamp_seconds") > 1_700_000_000
        assert of(now, "par_store_readable") == 1
        assert of(now, "par_reviews") == 0
        Reviews(ArchiveService(store, FAKE)).start("red", None)
        assert of(read(client), "par_reviews") == 1
        (store / "status.json").write_text("{")
        damaged = read(client)
    assert of(damaged, "par_store_readable") == 0
    assert "par_index_people" not in {name for name, _ in damaged}
    assert of(damaged, "par_http_requests_total", method="GET", route="/metrics", status="200") == 2


def test_refusals_are_counted_by_their_reason(store: Path) -> None:
    with client_of(store, ServeSettings(requests_per_minute=4)) as client:
        assert of(read(client), "par_refusals_total", reason="too_many") == 0
        assert client.get("/api/status", headers={"Host": "elsewhere.example"}).status_code == 403
        assert client.get("/api/status?q=unknown-parameter").status_code == 422
        while client.get("/api/status").status_code == 200:
            pass
        metrics = client.app.state.app_state.metrics.text().decode()
    assert 'par_refusals_total{reason="too_many"} 1.0' in metrics
    assert 'par_refusals_total{reason="forbidden"} 1.0' in metrics
    assert "bad_parameter" not in metrics


def test_with_tokens_the_metrics_need_one_and_a_role_of_their_own_is_enough(store: Path) -> None:
    access = Access.open(store)
    reader, seeker = (
        {"Authorization": f"Bearer {access.tokens.add(name, role)}"}
        for name, role in [("prometheus", Role.METRICS), ("anna", Role.SEARCH)]
    )
    with client_of(store) as client:
        refused = client.get("/metrics")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["content-type"].startswith("text/plain")
        elsewhere = TestClient(client.app, base_url="http://archive.example", client=("192.0.2.7", 50_000))
        assert elsewhere.get("/metrics", headers=reader).status_code == 200
        for path in ("/api/search?q=red", "/api/status", "/", "/audit", "/reviews"):
            assert client.get(path, headers=reader).status_code == 403, path
        samples = read(client, seeker)
    assert of(samples, "par_refusals_total", reason="unauthorized") == 1
    assert of(samples, "par_refusals_total", reason="forbidden") == 5
    assert "anna" not in str(samples)


def test_without_tokens_only_this_machine_reads_them(store: Path) -> None:
    with client_of(store) as client:
        assert client.get("/metrics").status_code == 200
        elsewhere = TestClient(client.app, base_url=HERE, client=("192.0.2.7", 50_000))
        assert elsewhere.get("/metrics").status_code == 403


def test_answers_of_reviews_are_counted_once_they_are_taken(store: Path) -> None:
    with client_of(store) as client:
        client.post("/reviews", data={"text": "red"})
        person = Reviews(ArchiveService(store, FAKE)).state("red").batch.hits[0].person_id
        for judged in (f"{person}:yes", f"{person}:perhaps", "rest"):
            client.post("/reviews/red/answers", data={"judged": judged})
        now = read(client)
    assert of(now, "par_review_answers_total", answer="yes") == 1
    assert of(now, "par_review_answers_total", answer="rest") == 1
    assert "perhaps" not in str(now)
    route = "/reviews/{name}/answers"
    assert of(now, "par_http_requests_total", method="POST", route=route, status="400") == 1


def test_two_servers_in_one_process_count_apart(store: Path) -> None:
    with client_of(store) as first, client_of(store) as second:
        first.get("/api/status")
        name, labels = "par_http_requests_total", {"method": "GET", "route": "/api/status", "status": "200"}
        assert (of(read(first), name, **labels), of(read(second), name, **labels)) == (1, 0)
