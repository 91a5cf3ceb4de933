"""No page has anything that axe-core finds wrong, in light and dark, on a desktop and on a phone; targets
have 24 pixels (WCAG 2.2, 2.5.8).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from par_core.access import Access, Role
from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from tests.browser.site import Site
from tests.indexing import FAKE
from tests.pictures import save, scene
from tests.serving import answering

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
RED = "/?q=red&where=upper_color+%3D+%27red%27"
ADDRESSES = (
    "/",
    RED,
    "/?q=red+upper%3Ared",
    "/?sort=newest",
    "/?q=%28red",
    "/?q=red+upper%3Ablue+height%3A%3E5000",
    "/browse/cameras",
    "/browse/days",
    "/filters",
    "/searches",
    "/searches?q=red",
    "/reviews",
    "/status",
    "/audit",
    "/help",
    "/no-such-page",
    "/people/0123456789abcdef",
)


#: For a page that is seen again in other colours.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe finds, on a desktop in light colours, whose contrast is then looked at in dark ones too."""
    found = Axe().run(page, within, OPTIONS).response["violations"]
    if page.evaluate("matchMedia('(prefers-color-scheme: light)').matches"):
        page.emulate_media(color_scheme="dark")
        found += Axe().run(page, within, COLOURS).response["violations"]
        page.emulate_media(color_scheme="light")
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.fixture(params=["page", "phone"])
def seen(request: pytest.FixtureRequest) -> Page:
    """A desktop in light and dark colours, or a phone in dark ones."""
    page: Page = request.getfixturevalue(request.param)
    return page


def test_axe_finds_what_is_wrong(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any(one.startswith("button-name") for one in violations(page))


def test_a_contrast_that_is_too_low_in_dark_colours_alone_is_found(page: Page) -> None:
    page.goto("/")
    rule = "@media (prefers-color-scheme: dark) { header a { color: #333 !important } }"
    page.evaluate("rule => document.styleSheets[0].insertRule(rule)", rule)
    assert {one.partition(":")[0] for one in violations(page)} == {"color-contrast"}


def test_no_page_violates_a_rule(seen: Page) -> None:
    found = {}
    for address in ADDRESSES:
        seen.goto(address)
        seen.wait_for_load_state("networkidle")
        found[address] = violations(seen)
    assert found == {address: [] for address in ADDRESSES}


def test_no_state_of_the_page_violates_a_rule(seen: Page, tmp_path: Path) -> None:
    def three() -> None:
        path = save(tmp_path / "three.png", scene("yellow", "magenta", "cyan", seed=31))
        seen.locator(".upload input[type=file]").set_input_files(path)
        expect(seen.locator("#picture .whom a")).to_have_count(3)

    def person() -> None:
        seen.locator(".card").first.click()
        expect(seen.locator("#panel dl")).to_be_visible()

    def zoomed() -> None:
        seen.locator("#panel").get_by_role("link", name="Zoom", exact=True).click()
        expect(seen.locator("#zoom .zoom-view")).to_be_visible()
        assert violations(seen) == []
        seen.goto(seen.url)
        expect(seen.locator("main .zoom-view")).to_be_visible()

    def words() -> None:
        seen.goto("/")
        seen.get_by_role("searchbox").press_sequentially("someone upper:re")
        expect(seen.locator("#completions a").first).to_be_visible()
        assert (
            violations(seen, "header") == []
        )  # they cover a part of what lies below, where a click hides them
        seen.keyboard.press("Escape")

    def unfolded() -> None:
        seen.goto("/?q=red")
        seen.locator(".alike summary").first.click()
        if not seen.locator("#filters").evaluate("filters => filters.open"):
            seen.locator("#filters summary").first.click()
        expect(seen.locator("#filters .colours a").first).to_be_visible()

    steps: tuple[Callable[[], None], ...] = (three, words, unfolded, person, zoomed)
    seen.goto("/?q=red")
    for step in steps:
        step()
        seen.wait_for_load_state("networkidle")
        assert violations(seen) == [], step.__name__


def test_no_review_violates_a_rule(seen: Page, site: Site) -> None:
    seen.goto("/reviews")
    seen.get_by_label("Whom do you look for").fill("a red person for axe")
    seen.get_by_role("button", name="Start the review").click()
    try:
        expect(seen.locator(".judged").first).to_be_visible()
        seen.wait_for_load_state("networkidle")
        assert violations(seen) == []
        seen.goto("/reviews")
        assert violations(seen) == []
    finally:
        for path in (site.store / "reviews").glob("a-red-person-for-axe*"):
            path.unlink()


def test_an_empty_store_and_the_login_violate_no_rule(browser: Browser, tmp_path: Path) -> None:
    root = Store.create(tmp_path / "store").root
    with answering(create_app(ArchiveService(root, FAKE))) as address:
        page = browser.new_page(base_url=address)
        for path in ("/?q=red", "/status", "/?sort=newest"):
            page.goto(path)
            assert violations(page) == [], path
        Access.open(root).tokens.add("anna", Role.SEARCH)
        page.goto("/")
        expect(page.get_by_label("Token")).to_be_visible()
        assert violations(page) == []
        page.close()
