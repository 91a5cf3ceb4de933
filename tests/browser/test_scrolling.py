"""A grid of thousands: what is far from the view holds no pictures, and comes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from tests.browser.conftest import watched
from tests.indexing import FAKE, index
from tests.pictures import RGB, save, scene
from tests.serving import answering

PEOPLE, PICTURES = 60, 50
HELD = "() => [...document.querySelectorAll('.card img')].filter(image => image.naturalWidth).length"
NEAR = """() => [...document.querySelectorAll('.card')]
    .filter(card => card.closest('li').getBoundingClientRect().top <= innerHeight + 60).length"""
MOST_HELD = 600  # cards within 3,000 pixels above and below a view of 1280 x 800


@pytest.fixture
def crowd(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page over 60 people of each of so many pictures."""
    colours = (list(RGB) * PEOPLE)[:PEOPLE]
    for number in range(request.param):
        save(tmp_path / "photos" / f"{number:03d}.png", scene(*colours, seed=number))
    index(tmp_path / "store", [tmp_path / "photos"])
    service = ArchiveService(tmp_path / "store", FAKE)
    with answering(create_app(service, ServeSettings(requests_per_minute=1_000_000))) as address:
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
        yield from watched(context, address)


@pytest.mark.parametrize("crowd", [2], indirect=True)
def test_only_pictures_near_the_view_are_fetched(crowd: Page) -> None:
    page, fetched = crowd, set[str]()
    page.on("request", lambda asked: fetched.add(asked.url) if asked.url.endswith("/crop") else None)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    fetched.clear()
    page.locator("#q").fill("upper:red OR NOT upper:red")
    page.locator("#q").press("Enter")
    expect(page.locator(".card")).to_have_count(60)
    page.wait_for_load_state("networkidle")
    near = page.evaluate(NEAR)
    assert near == len(fetched) < 30
    page.mouse.wheel(0, 100)
    expect(page.locator(".card img").nth(near + 6)).to_have_js_property("naturalHeight", 320)
    assert len(fetched) < 60


@pytest.mark.slow
@pytest.mark.parametrize("crowd", [PICTURES], indirect=True)
def test_thousands_of_cards_hold_the_pictures_of_some_hundreds(crowd: Page) -> None:
    page = crowd
    page.set_default_timeout(60_000)
    page.goto("/?sort=oldest")
    expect(page.locator("#summary")).to_contain_text("3\u202f000 people")
    most = cards = 0
    while cards < PEOPLE * PICTURES:
        page.locator("#next").scroll_into_view_if_needed()
        expect(page.locator(".card")).not_to_have_count(cards, timeout=60_000)
        cards = page.locator(".card").count()
        most = max(most, page.evaluate(HELD))
    expect(page.locator("#next")).to_contain_text("That is all")
    last = page.locator(".card img").last
    last.scroll_into_view_if_needed()
    expect(last).to_have_js_property("naturalHeight", 320)
    page.wait_for_load_state("networkidle")
    assert 0 < page.evaluate(HELD) <= max(most, 1) <= MOST_HELD
    first = page.locator(".card img").first
    assert first.evaluate("image => image.naturalWidth") == 0
    page.evaluate("scrollTo(0, 0)")
    expect(first).to_have_js_property("naturalHeight", 320)
    assert page.evaluate(HELD) <= MOST_HELD
