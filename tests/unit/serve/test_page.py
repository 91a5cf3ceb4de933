"""The page over HTTP, without a browser; ``tests/browser`` looks at it in one."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response

from par_core.attributes.colour_terms import COLOUR_TERMS
from par_core.query.answer import Chance, Hit
from par_core.serve.page_look import static_url
from par_core.serve.service import ArchiveService, SearchPage
from tests.indexing import index, live_by_a_gate
from tests.pictures import save, scene
from tests.serving import client_of, small_store


def get(client: TestClient, url: str, part: str = "") -> Response:
    return client.get(url, headers={"Par-Part": part} if part else {}, follow_redirects=False)


def test_files_may_be_kept_for_good_under_the_address_that_pages_give(client: TestClient) -> None:
    page = get(client, "/").text
    for name, kind in [
        ("palette.css", "text/css"),
        ("page.css", "text/css"),
        ("page.js", "text/javascript"),
        ("par.svg", "image/svg+xml"),
    ]:
        assert f'"{static_url(name)}"' in page
        file = get(client, static_url(name))
        assert file.headers["content-type"].startswith(kind)
        assert "immutable" in file.headers["cache-control"]
        assert get(client, f"/static/{name}?v=older").headers["cache-control"] == "no-cache"
    assert get(client, "/static/..%2Fpages.py").status_code == 404


def test_pages_with_people_are_not_kept_by_anybody(client: TestClient) -> None:
    assert get(client, "/?q=red").headers["cache-control"] == "no-store"


def test_a_list_that_ends_early_says_so_and_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("par_core.serve.searches", "par_core.query.first_hits"):
        monkeypatch.setattr(f"{module}.DEEPEST", 2)
    with client_of(folder / "store") as client:
        facts = client.get("/", params={"where": "height_px > 0"}).text
        (further,) = re.findall(r'href="([^"]*)" data-part="more"', facts)
        last = client.get(html.unescape(further)).text
        words = client.get("/", params={"q": "red", "weak": "true"}).text
    assert "These are the first 2 hits" in words
    assert "That is all" not in words
    assert "after=" in further, "a list by facts goes on"
    assert "That is all" in last
    first, rest = (set(re.findall(r'data-person="(\w+)"', page)) for page in (facts, last))
    assert rest
    assert not first & rest
    assert "Review all of them</a>\n</p>" in words


def test_a_part_is_asked_for_by_the_same_address(client: TestClient) -> None:
    whole, main, filters = (get(client, "/?q=red", part).text for part in ("", "main", "filters"))
    assert "<html" in whole
    assert main.strip() in whole
    assert "<html" not in filters
    assert "Worn above" in filters


def test_days_from_a_form_go_into_the_question(client: TestClient) -> None:
    assert (
        get(client, "/?q=man+on%3A2026-01-05&since=2026-01-02&until=2026-01-03").headers["location"]
        == "/?q=man+since%3A2026-01-02+until%3A2026-01-03"
    )
    assert get(client, "/?q=man+since%3A2026-01-02&since=&until=").headers["location"] == "/?q=man"


def test_an_error_has_its_status_and_keeps_the_question(client: TestClient) -> None:
    wrong = get(client, "/?q=a+%3Ci%3Ecoat&where=nonsense+%3D+1")
    assert wrong.status_code == 400
    assert 'value="a &lt;i&gt;coat"' in wrong.text
    assert "No column &#39;nonsense&#39;" in wrong.text
    assert get(client, "/people/" + "0" * 32).status_code == 404
    assert get(client, f"/?q={'x' * 1001}").status_code == 422


def test_a_person_is_explained_part_by_part_with_the_details_of_a_part_below_it(client: TestClient) -> None:
    whole = get(client, "/?q=red", "main").text
    other, person, *_ = re.findall(r'data-person="(\w+)"', whole)
    html = get(client, f"/people/{person}?q=red+like%3A{other}", "panel").text
    parts = re.findall(r'<span class="part ([\w -]+)">\s*<span class="what">([^<]*)</span>', html)
    assert [name for _, name in parts] == [
        "red",
        "text: red",
        "like the person chosen",
        "good cut-out",
    ]
    assert ["detail" in kind for kind, _ in parts] == [False, True, False, False]
    assert re.search(r"<dt>cut-out</dt><dd>[01]\.\d\d \(1 is", html)


def test_the_page_names_the_live_version_while_another_waits_for_its_gate(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    version = live_by_a_gate(store)
    index(store, [tmp_path / "photos", save(tmp_path / "more" / "new.png", scene("yellow", seed=50)).parent])
    with client_of(store) as client:
        text = words(get(client, "/?q=yellow", "main").text)
    assert f"Searched version {version} of the index" in text
    assert "among 7 people" in text


def test_every_colour_has_a_swatch(client: TestClient) -> None:
    style = get(client, static_url("palette.css")).text
    assert set(re.findall(r'\[data-colour="(\w+)"\]', style)) == set(COLOUR_TERMS)


def test_no_page_holds_scripts_or_styles_of_its_own(client: TestClient) -> None:
    for address in ("/", "/?q=red", "/status", "/help", "/filters", "/?where=wrong"):
        html = get(client, address).text
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)|https?://", html), address


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers whose hits are 60 % likely, as a model with a cutoff gives; the fake one has none. A
    question that says "nobody" finds no person.
    """
    real = ArchiveService.search

    def search(self: ArchiveService, q: str | None = None, **more: object) -> SearchPage:
        answer = real(self, q, **more)  # type: ignore[arg-type]
        hits: tuple[Hit, ...] = (
            () if "nobody" in str(q) else tuple(replace(hit, probability=0.6) for hit in answer.result.hits)
        )
        return replace(
            answer,
            result=replace(answer.result, hits=hits, chance=Chance(0.15, 0.4, 0 if more["weak"] else 3)),
        )

    monkeypatch.setattr(ArchiveService, "search", search)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


@pytest.mark.usefixtures("left_out")
def test_an_answer_says_how_many_are_likely_right_and_how_many_were_left_out(client: TestClient) -> None:
    html = get(client, "/?where=height_px+%3E+0", "main").text
    assert (
        "7 found among 7 people, clearest cut-outs first. About 4 of these 7 are likely right. 3 less likely"
        " ones are left out: show them too ." in words(html)
    )
    assert 'href="/?where=height_px+%3E+0&amp;weak=true"' in html
    weak = get(client, "/?where=height_px+%3E+0&weak=true", "main").text
    assert "weak hits too" in weak
    assert "left out" not in weak


@pytest.mark.usefixtures("left_out")
def test_nothing_found_is_an_answer(client: TestClient) -> None:
    text = words(get(client, "/?q=nobody+upper%3Ared", "main").text)
    assert "Nothing found Of 7 people, none fits with a probability of 15 % or more" in text
    assert "Ask without upper:red" in text
    assert "Show those who come nearest" in text
