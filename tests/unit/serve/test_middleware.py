"""What stands before every request."""

import select
import socket
import tempfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from par_core.serve.settings import ServeSettings
from tests.pictures import save, scene
from tests.serving import HERE, answering, client_of


@pytest.mark.parametrize(
    "path", ["/api/search?q=red", "/api/search?top=x", "/api/nothing", "/nothing", "/api/openapi.json"]
)
def test_every_response_bears_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "[",
        "10.0.0.1",
    ],
)
def test_a_name_of_elsewhere_that_points_here_is_not_answered(client: TestClient, host: str) -> None:
    response = client.get("/api/status", headers={"Host": host})
    assert response.status_code == 403
    assert response.json()["error"]["kind"] == "forbidden"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:1", "[::1]:8000"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Real-IP"])
def test_what_a_proxy_passes_on_needs_a_token(client: TestClient, header: str) -> None:
    response = client.get("/api/status", headers={header: "10.0.0.7"})
    assert response.status_code == 403
    assert "par tokens add" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "http://localhost.evil.example", ""]
)
def test_another_sites_form_changes_nothing(client: TestClient, origin: str, tmp_path: Path) -> None:
    content = save(tmp_path / "q.png", scene("red")).read_bytes()
    assert (
        client.post("/api/picture", files={"picture": content}, headers={"Origin": origin}).status_code == 403
    )
    assert (
        client.post("/api/picture", files={"picture": content}, headers={"Origin": HERE}).status_code == 200
    )


def test_another_sites_form_cannot_pass_with_a_password_in_its_address(client: TestClient) -> None:
    headers = {"Origin": "http://evil.example", "Authorization": "Basic eDp5"}
    assert client.post("/reviews", data={"text": "red"}, headers=headers).status_code == 403


def test_a_change_without_any_origin_needs_a_token_in_its_header(client: TestClient, tmp_path: Path) -> None:
    request = client.build_request("POST", "/api/picture", files={"picture": b"x"})
    del request.headers["origin"]
    response = client.send(request)
    assert response.status_code == 403
    assert "Origin" in response.json()["error"]["message"]


def test_large_bodies_are_refused_before_and_while_they_arrive(folder: Path) -> None:
    with client_of(folder / "store", ServeSettings(upload_bytes=50_000)) as client:
        declared = client.post("/api/picture", files={"picture": b"x" * 200_000})
        chunks = (b"x" * 10_000 for _ in range(100))
        form = {"Content-Type": "multipart/form-data; boundary=b"}
        head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="p"\r\n\r\n'
        undeclared = client.post("/api/picture", content=(part for part in (head, *chunks)), headers=form)
        small = client.post(
            "/api/picture", content=b"x" * 70_000, headers={"Content-Type": "application/json"}
        )
        just_over = client.post("/api/picture", files={"picture": b"x" * 50_001})
    for response in (declared, undeclared, small, just_over):
        assert response.status_code == 413, response.text
        assert response.json()["error"]["kind"] == "too_large"


def test_no_upload_is_written_to_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise AssertionError("a temporary file was opened")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    content = save(tmp_path / "q.png", scene("red")).read_bytes() + b"x" * 3_000_000
    with client_of(folder / "store") as client:
        assert client.post("/api/picture", files={"picture": content}).status_code == 200
    with client_of(folder / "store", ServeSettings(upload_bytes=2_000_000)) as client:
        assert client.post("/api/picture", files={"picture": content}).status_code == 413


def test_a_client_that_asks_too_often_must_wait(folder: Path) -> None:
    with client_of(folder / "store", ServeSettings(requests_per_minute=3)) as client:
        responses = [client.get("/api/status") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert int(responses[-1].headers["retry-after"]) > 0


def test_a_body_that_does_not_come_is_given_up(folder: Path) -> None:
    with client_of(folder / "store", ServeSettings(seconds=0.2)) as client, answering(client.app) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sent:
            head = (
                f"POST /api/picture HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {address}\r\nContent-Type:"
                " multipart/form-data; boundary=b\r\n"
            )
            sent.sendall(f"{head}Content-Length: 1000\r\n\r\n--b\r\n".encode())
            assert b" 408 " in sent.recv(4096).splitlines()[0]


def test_a_body_that_trickles_is_given_up(folder: Path) -> None:
    with client_of(folder / "store", ServeSettings(seconds=0.3)) as client, answering(client.app) as address:
        head = (
            f"POST /api/picture HTTP/1.1\r\nOrigin: {address}\r\nContent-Type: multipart/form-data;"
            " boundary=b\r\nContent-Length: 1000\r\n"
        )
        assert b" 408 " in trickled(address, head, b"--b\r\nX-A: " + b"a" * 100)


@pytest.mark.parametrize("head", ["", "GET / HTTP/1.1\r\nX-A: a"])
def test_a_head_that_does_not_come_holds_no_connection(
    folder: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    monkeypatch.setattr("par_core.serve.server._HEAD_S", 0.3)
    with client_of(folder / "store") as client, answering(client.app) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sent:
            sent.sendall(head.encode())
            assert sent.recv(4096) == b""
        # nor does a second one, on a connection that is kept
        with socket.create_connection((host, int(port)), timeout=5) as sent:
            sent.sendall(f"GET /api/status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert b" 200 " in sent.recv(4096).splitlines()[0]
            sent.sendall(b"GET / HT")
            while sent.recv(65_536):
                pass


def trickled(address: str, head: str, body: bytes) -> bytes:
    """What a server answers to a body that comes byte by byte; the first line."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sent:
        sent.sendall(f"{head}Host: {host}:{port}\r\n\r\n".encode())
        for byte in body:
            sent.sendall(bytes([byte]))
            if select.select([sent], [], [], 0.05)[0]:
                return sent.recv(4096).splitlines()[0]
    return b"no answer"
