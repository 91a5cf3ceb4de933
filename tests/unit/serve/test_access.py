"""Who is let in, and what is written down."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient

from par_core.access import Access, Caller, Event, Role
from par_core.serve.app_state import COOKIE
from par_core.serve.client import Client, ServerError
from par_core.serve.settings import ServeSettings
from par_core.serve.user_session import session_for
from tests.pictures import save, scene
from tests.serving import HERE, answering, client_of

PATHS = [
    "/api/search?q=red",
    "/api/people/abc",
    "/api/people/abc/crop",
    "/api/people/abc/outline",
    "/api/image/abc",
    "/api/suggest?q=red",
    "/api/facets",
    "/api/groups?by=day",
    "/api/searches",
    "/api/searches/abc",
    "/api/status",
    "/api/audit",
]


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Path:
    """A store of its own for each test; the photos are those of the module."""
    return Path(shutil.copytree(folder / "store", tmp_path / "store"))


@pytest.fixture
def token(store: Path) -> str:
    return Access.open(store).tokens.add("anna", Role.SEARCH)


@pytest.fixture
def client(store: Path, token: str) -> Iterator[TestClient]:
    with client_of(store) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def events(store: Path, action: str) -> list[Event]:
    return [event for event in Access.open(store).log.read() if event.action == action]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "shown",
    [{}, bearer("par_wrong"), bearer(""), {"Authorization": "Basic YTpi"}, {"Cookie": f"{COOKIE}=par_wrong"}],
)
def test_nothing_is_revealed_without_a_valid_token(
    client: TestClient, path: str, shown: dict[str, str]
) -> None:
    response = client.get(path, headers=shown)
    assert response.status_code == 401
    assert response.json()["error"]["kind"] == "unauthorized"
    assert response.headers["www-authenticate"] == "Bearer"


def test_an_upload_needs_a_token_too(client: TestClient, token: str, tmp_path: Path) -> None:
    content = save(tmp_path / "q.png", scene("red")).read_bytes()
    assert client.post("/api/picture", files={"picture": content}).status_code == 401
    assert client.post("/api/picture", files={"picture": content}, headers=bearer(token)).status_code == 200


def test_a_token_opens_by_header_and_by_cookie_until_it_is_revoked(
    client: TestClient, token: str, store: Path
) -> None:
    assert client.get("/api/search?q=red", headers=bearer(token)).status_code == 200
    assert client.get("/api/search?q=red", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 200
    Access.open(store).tokens.revoke("anna")
    assert client.get("/api/search?q=red", headers=bearer(token)).status_code == 401


def test_with_tokens_any_name_of_the_server_is_answered(client: TestClient, token: str) -> None:
    assert client.get("/api/status", headers=bearer(token) | {"Host": "archive.example"}).status_code == 200


def test_a_first_token_closes_a_server_that_runs_already(store: Path) -> None:
    with client_of(store) as client:
        assert client.get("/api/status").status_code == 200
        Access.open(store).tokens.add("anna", Role.SEARCH)
        assert client.get("/api/status").status_code == 401


def test_without_the_file_of_tokens_only_this_machine_is_answered_however_far_the_server_reaches(
    store: Path, token: str
) -> None:
    with client_of(store) as client:
        elsewhere = TestClient(client.app, base_url=HERE, client=("192.0.2.7", 50_000))
        assert elsewhere.get("/api/status", headers=bearer(token)).status_code == 200
        (store / "access" / "tokens.json").unlink()
        assert elsewhere.get("/api/status").status_code == 403  # whatever name it gives the server
        for here in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            assert (
                TestClient(client.app, base_url=HERE, client=(here, 50_000)).get("/api/status").status_code
                == 200
            )


def test_a_picture_is_refused_without_a_token(client: TestClient) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "par_core.serve.middleware.AccessMiddleware._counted",
            lambda *_: pytest.fail("the body would be read"),
        )
        assert client.post("/api/picture", files={"picture": b"x" * 100_000}).status_code == 401


@pytest.mark.parametrize(("role", "status"), [(Role.SEARCH, 403), (Role.REVIEWER, 200), (Role.ADMIN, 200)])
def test_a_role_opens_what_is_its_own_and_a_refusal_is_written_down(
    client: TestClient, store: Path, role: Role, status: int
) -> None:
    router = APIRouter()
    router.add_api_route(
        "/api/test-of-judges", lambda: "judged", dependencies=[Depends(session_for("reviewer"))]
    )
    client.app.include_router(router)
    token = Access.open(store).tokens.add("bert", role)
    response = client.get("/api/test-of-judges", headers=bearer(token))
    assert response.status_code == status
    refused = [(event.who, event.what, event.status) for event in events(store, "reviewer")]
    assert refused == ([("bert", "/api/test-of-judges", "refused")] if status == 403 else [])


def test_what_was_asked_is_written_down_with_who_and_how_many(
    client: TestClient, token: str, store: Path
) -> None:
    hits = client.get("/api/search?q=red&where=height_px>1&top=2&offset=1", headers=bearer(token)).json()[
        "results"
    ]
    client.get("/api/search?q=red&where=nonsense>", headers=bearer(token))
    client.get(f"/api/people/{hits[0]['person_id']}", headers=bearer(token))
    client.get(f"/api/image/{hits[0]['image_id']}", headers=bearer(token))
    search, wrong = events(store, "search")
    assert (search.who, search.how, search.source, search.count, search.status) == (
        "anna",
        "api",
        "127.0.0.1",
        len(hits),
        "ok",
    )
    assert search.what == "red; where: height_px>1; from hit 2"
    assert (wrong.count, wrong.status) == (None, "FilterError")
    assert [event.what for event in events(store, "person")] == [hits[0]["person_id"]]
    assert [event.what for event in events(store, "image")] == [hits[0]["image_id"]]


def test_admins_read_the_audit_log_a_page_at_a_time_and_are_written_down_themselves(
    client: TestClient, token: str, store: Path
) -> None:
    admin = bearer(Access.open(store).tokens.add("ada", Role.ADMIN))
    for q in ("red", "<script>blue"):
        client.get("/api/search", params={"q": q}, headers=bearer(token))
    Access.open(store).record(Caller("root", Role.ADMIN), "export", "/odd/\udcff", 3)
    assert client.get("/api/audit", headers=bearer(token)).status_code == 403
    first = client.get("/api/audit?top=3", headers=admin).json()
    assert [(event["who"], event["action"], event["what"]) for event in first["events"]] == [
        ("anna", "admin", "/api/audit"),
        ("root", "export", "/odd/\\udcff"),
        ("anna", "search", "<script>blue"),
    ]
    rest = client.get("/api/audit", params={"before": first["next"]}, headers=admin).json()
    assert [event["what"] for event in rest["events"]] == ["red"]
    assert rest["next"] is None
    assert [event.who for event in events(store, "audit_log")] == ["ada", "ada"]
    assert client.get("/api/audit?before=yesterday", headers=admin).status_code == 422


@pytest.mark.parametrize(("role", "status"), [(Role.SEARCH, 403), (Role.ADMIN, 200)])
def test_the_page_of_the_audit_log_is_for_admins_only(
    client: TestClient, store: Path, role: Role, status: int
) -> None:
    access = Access.open(store)
    access.record(Caller("anna", Role.SEARCH), "search", "<script>blue", 1)
    token = {"Cookie": f"{COOKIE}={access.tokens.add('cara', role)}"}
    page = client.get("/audit", headers=token)
    assert page.status_code == status
    assert "<script>blue" not in page.text
    assert ("&lt;script&gt;blue" in page.text) == (status == 200)
    assert ('href="/audit"' in client.get("/status", headers=token).text) == (status == 200)


def test_counts_of_a_filter_are_a_question_and_counts_of_all_people_are_none(
    client: TestClient, token: str, store: Path
) -> None:
    everybody = client.get("/api/facets", headers=bearer(token)).json()["people"]
    some = client.get("/api/facets?where=upper_color='red'", headers=bearer(token)).json()["people"]
    assert 0 < some < everybody
    assert [(event.what, event.count) for event in events(store, "facets")] == [
        ("where: upper_color='red'", some)
    ]


def test_nothing_is_answered_that_cannot_be_written_down(client: TestClient, token: str, store: Path) -> None:
    (store / "access" / "audit").parent.mkdir(exist_ok=True)
    (store / "access" / "audit").write_text("in the way")
    response = client.get("/api/search?q=red", headers=bearer(token))
    assert response.status_code == 503
    assert "results" not in response.json()


def test_the_pace_is_a_tokens_not_an_addresss(store: Path) -> None:
    tokens = [Access.open(store).tokens.add(name, Role.SEARCH) for name in ("anna", "bert")]
    with client_of(store, ServeSettings(requests_per_minute=2)) as client:
        first = [client.get("/api/status", headers=bearer(tokens[0])).status_code for _ in range(3)]
        assert first == [200, 200, 429]
        assert client.get("/api/status", headers=bearer(tokens[1])).status_code == 200
        assert [client.get("/api/status", headers=bearer("par_guess")).status_code for _ in range(3)] == [
            401,
            401,
            429,
        ]


def test_logging_in_keeps_the_token_where_scripts_and_other_sites_cannot_use_it(
    client: TestClient, token: str
) -> None:
    response = client.post("/login", data={"token": f" {token} ", "then": "/?q=red"}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/?q=red")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert client.get("/api/status").status_code == 200
    client.post("/logout", follow_redirects=False)
    assert client.get("/api/status").status_code == 401


def test_the_address_of_the_form_leads_to_it(client: TestClient) -> None:
    shown = client.get("/login")
    assert shown.status_code == 401
    assert 'action="/login"' in shown.text


def test_a_wrong_token_does_not_log_in(client: TestClient) -> None:
    response = client.post("/login", data={"token": "par_wrong"}, follow_redirects=False)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "place",
    [
        "http://evil.example",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "/\r\nX: y",
        "/\t/evil.example",
        "javascript:alert(1)",
    ],
)
def test_logging_in_leads_to_no_other_site(client: TestClient, token: str, place: str) -> None:
    response = client.post("/login", data={"token": token, "then": place}, follow_redirects=False)
    assert response.headers["location"] == "/"


def test_another_site_cannot_log_a_user_in(client: TestClient, token: str) -> None:
    assert (
        client.post(
            "/login", data={"token": token}, headers={"Origin": "http://evil.example"}, follow_redirects=False
        ).status_code
        == 403
    )


def test_behind_tls_the_cookie_is_for_tls_only(client: TestClient, token: str) -> None:
    response = client.post(
        "https://localhost/login",
        data={"token": token},
        headers={"Origin": "https://localhost"},
        follow_redirects=False,
    )
    assert "secure" in response.headers["set-cookie"].lower()


def test_the_python_client_shows_its_token(client: TestClient, token: str) -> None:
    with answering(client.app) as address:
        with Client(address, token) as par:
            assert par.search("red").searched == 7
        with Client(address) as par, pytest.raises(ServerError, match="par tokens add") as caught:
            par.search("red")
    assert caught.value.status == 401
    assert HERE not in str(caught.value)
