"""The Python client against a real server."""

import pickle
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from par_core.errors import BadConfigError, ParError
from par_core.serve.app import create_app
from par_core.serve.client import Client, ServerError
from par_core.serve.schemas_counts import FacetsResponse
from par_core.serve.service import ArchiveService
from tests.indexing import FAKE
from tests.pictures import save, scene
from tests.serving import answering, jpeg_pixels


@pytest.fixture(scope="module")
def par(folder: Path) -> Iterator[Client]:
    with answering(create_app(ArchiveService(folder / "store", FAKE))) as address, Client(address) as client:
        yield client


def test_everything_that_the_api_gives(par: Client, tmp_path: Path) -> None:
    answer = par.search("a yellow person", where="height_px > 10", top=2)
    assert (answer.searched, answer.next, len(answer.results)) == (7, 2, 2)
    hit = answer.results[0]
    assert Path(hit.uri).name == "0003.png"
    assert par.person(hit.person_id).person.image_id == hit.image_id
    assert par.outline(hit.person_id).box == hit.box
    assert jpeg_pixels(par.crop(hit.person_id)).shape[0] == 320
    assert jpeg_pixels(par.image(hit.image_id)).shape == (96, 80, 3)
    assert jpeg_pixels(par.image(hit.image_id, 100)).shape == (96, 80, 3)
    (one,) = par.image_people(hit.image_id).people
    assert one.person_id == hit.person_id
    assert one.outline == par.outline(hit.person_id)
    assert (
        par.facets("upper_color = 'yellow'").people
        == par.facets("upper_color = 'yellow'").upper_color["yellow"]
        == 1
    )
    assert par.status().people == 7
    assert [event.action for event in par.audit(top=2).events] == ["facets", "facets"]
    picture = save(tmp_path / "q.png", scene("yellow", seed=5))
    assert par.add_picture(picture, (1.0, 1.0, 60.0, 96.0)).people == 1
    assert par.add_picture(picture) == par.add_picture(picture.read_bytes()) == par.add_picture(str(picture))


def test_all_hits_are_those_of_all_pages(par: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("par_core.serve.client._PAGE", 2)
    assert [hit.rank for hit in par.all_hits("red")] == list(
        range(1, len(par.search("red", top=100).results) + 1)
    )


def test_the_servers_message_is_the_error(par: Client) -> None:
    with pytest.raises(ServerError, match="did you mean") as caught:
        par.search("red", where="heigth_px > 1")
    assert (caught.value.status, caught.value.kind) == (400, "bad_query")
    assert isinstance(caught.value, ParError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.status, again.kind) == (str(caught.value), 400, "bad_query")
    with pytest.raises(ServerError, match="nobody in the index"):
        par.crop("abc")
    with pytest.raises(BadConfigError, match="cannot be read"):
        par.add_picture(Path("/no/such/picture.jpg"))


def test_no_server_and_another_server_are_distinguished() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{free}") as unreachable,
        pytest.raises(ServerError, match="par serve") as caught,
    ):
        unreachable.status()
    assert (caught.value.status, caught.value.kind) == (0, "unreachable")

    from fastapi import FastAPI

    with (
        answering(FastAPI()) as address,
        Client(address) as other,
        pytest.raises(ServerError, match="not as a PAR server does"),
    ):
        other.status()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises((BadConfigError, ServerError)):
        Client("http://[broken").status()


def test_a_newer_server_may_tell_more(par: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    facets = FacetsResponse(people=1, upper_color={}, lower_color={}, attributes={}, folders={}, days={})
    more = facets.model_dump() | {"shoes": {"red": 1}}
    monkeypatch.setattr(par, "_send", lambda *_, **__: httpx.Response(200, json=more))
    assert par.facets() == facets
