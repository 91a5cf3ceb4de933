"""The whole photograph of a person, zoomed and moved by mouse, keys and fingers."""

import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from tests.browser.site import Site
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import answering

THREE = "/?where=uri+like+%27%25three.png%27"
ZOOM = "stage => Number(stage.dataset.zoom)"


def opened(page: Page) -> None:
    """Open the photograph of three people, from one of them beside an answer."""
    page.goto(THREE)
    page.locator(".card").first.click()
    page.locator("#panel").get_by_role("link", name="Zoom", exact=True).click()
    expect(page.locator("#zoom .zoom-view")).to_be_focused()


def test_the_photograph_has_an_address_and_outlines_of_everybody(page: Page) -> None:
    opened(page)
    assert re.search(r"/people/[0-9a-f]{32}/photo\?where=", page.url)
    zoomed = page.locator("#zoom")
    expect(zoomed.locator("polygon:not(.other)")).to_have_count(1)
    expect(zoomed.locator("polygon.other")).to_have_count(2)
    photo, person = zoomed.locator("img").bounding_box(), zoomed.locator("polygon:not(.other)").bounding_box()
    assert photo is not None
    assert person is not None
    assert photo["x"] <= person["x"] <= person["x"] + person["width"] <= photo["x"] + photo["width"]
    first = page.url
    zoomed.locator("svg a").first.click()  # another one of the three
    expect(page).not_to_have_url(first)
    other = page.url
    page.go_back()
    expect(page).to_have_url(first)
    page.go_forward()
    back = other.removeprefix(page.evaluate("location.origin")).replace("/photo", "")
    expect(zoomed.locator(".zoom")).to_have_attribute("data-back", back)
    page.keyboard.press("Escape")
    expect(zoomed).to_be_hidden()
    expect(page).to_have_url(other.replace("/photo", ""))
    expect(page.locator("#panel h2")).to_have_text("three.png")
    page.goto(other)  # as a page of its own
    expect(page.locator("main polygon.other")).to_have_count(2)
    expect(page.locator("main .zoom-stage img")).to_have_js_property("complete", True)


def test_wheel_mouse_and_keys_zoom_and_move(page: Page) -> None:
    opened(page)
    stage, view = page.locator("#zoom .zoom-stage"), page.locator("#zoom .zoom-view")
    assert stage.evaluate(ZOOM) == 1
    for _ in range(4):
        page.keyboard.press("+")
    assert stage.evaluate(ZOOM) > 4
    left = view.evaluate("view => view.scrollLeft")
    page.keyboard.press("ArrowRight")
    assert view.evaluate("view => view.scrollLeft") == left + 60
    box = view.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 10)
    page.mouse.move(x + 100, y + 20)
    address = page.url
    page.mouse.up()
    assert view.evaluate("view => view.scrollLeft") == left + 60 - 100
    assert page.url == address  # a drag is no click on whoever lies below
    page.keyboard.press("0")
    assert stage.evaluate(ZOOM) == 1
    page.mouse.wheel(0, -400)
    expect(stage).to_have_attribute("data-zoom", "2.72")
    page.get_by_role("button", name="Smaller").click()
    assert stage.evaluate(ZOOM) < 2
    assert stage.evaluate("stage => getComputedStyle(stage.querySelector('polygon')).vectorEffect") == (
        "non-scaling-stroke"
    )


def test_two_fingers_zoom_and_one_moves(phone: Page) -> None:
    phone.goto(THREE)
    phone.locator(".card").first.tap()
    phone.locator("#panel .whole").tap()
    view, stage = phone.locator("#zoom .zoom-view"), phone.locator("#zoom .zoom-stage")
    expect(view).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    touch = phone.context.new_cdp_session(phone)

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (160, 300), (200, 300))
    for step in (20, 60, 100):
        fingers("touchMove", (160 - step, 300), (200 + step, 300))
    fingers("touchEnd")
    assert stage.evaluate(ZOOM) > 2
    before = view.evaluate("view => view.scrollLeft")
    fingers("touchStart", (200, 300))
    for x in (180, 150, 120):
        fingers("touchMove", (x, 300))
    fingers("touchEnd")
    assert view.evaluate("view => view.scrollLeft") > before


def test_a_photograph_that_is_gone_or_another_one_says_so(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    save(photos / "one.png", scene("red", "blue", seed=5))
    index(tmp_path / "store", [photos])
    with answering(create_app(ArchiveService(tmp_path / "store", FAKE))) as address:
        page = browser.new_page(base_url=address)
        page.goto("/?where=height_px+%3E+0")
        page.locator(".card").first.click()
        expect(page.locator("#panel dl")).to_be_visible()
        save(photos / "one.png", scene("green", seed=6))
        page.goto(page.url.replace("?", "/photo?"))
        expect(page.locator(".zoom-stage .lost")).to_have_text("The file is another one now")
        expect(page.locator("polygon:not(.other)")).to_have_count(1)
        shutil.rmtree(photos)
        page.reload()
        expect(page.locator(".zoom-stage .lost")).to_contain_text("The file is not there any more")
        page.close()


def test_the_photograph_shows_without_scripts(plain: Page) -> None:
    plain.goto(THREE)
    plain.locator(".card").first.click()
    plain.locator("#panel").get_by_role("link", name="Zoom", exact=True).click()
    expect(plain.locator("main polygon.other")).to_have_count(2)
    expect(plain.locator("main img")).to_have_js_property("complete", True)
    plain.locator("main .whom a").first.click()
    expect(plain.locator("main polygon.other")).to_have_count(2)
    plain.get_by_role("link", name="Close").click()
    expect(plain.locator("#panel")).to_be_visible()
