import re

from playwright.sync_api import Page, expect

from tests.browser.site import Site


def test_everybody_comes_while_scrolling_newest_first(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Browse").click()
    expect(page.locator("#summary")).to_contain_text("70 people, newest first")
    expect(page.locator(".card")).to_have_count(60)
    expect(page.locator(".day").first).to_have_text("Tuesday 2026-11-03")
    page.locator("#next").scroll_into_view_if_needed()
    expect(page.locator(".card")).to_have_count(70)
    expect(page.locator("#next")).to_contain_text("That is all")
    ids = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.person)")
    assert len(set(ids)) == 70
    expect(page.locator(".day")).to_have_count(4)  # three days, and those of unknown time


def test_the_timeline_leads_in_and_out_and_back_goes_back(page: Page) -> None:
    page.goto("/?sort=newest")
    page.get_by_role("link", name="2026-11-02: 3 people").click()
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator(".chip")).to_contain_text("on:2026-11-02")
    assert page.url.endswith("/?q=on%3A2026-11-02&sort=newest")
    expect(page.get_by_role("link", name="2026-11-02 12:00: 3 people")).to_be_visible()
    page.get_by_role("link", name="All times").click()
    expect(page.locator("#summary")).to_contain_text("70 people")
    expect(page).to_have_url(re.compile(r"/\?sort=newest$"))  # going back starts from what the browser knows
    page.go_back()
    expect(page.locator(".card")).to_have_count(3)


def test_an_order_is_chosen_and_counts_are_of_the_answer(page: Page) -> None:
    page.goto("/?q=upper%3Ared")
    page.get_by_role("link", name="oldest first").click()
    expect(page.locator(".sorts [aria-current]")).to_have_text("oldest first")
    expect(page.locator(".card .time").first).to_be_visible()
    found = page.locator("#summary b").inner_text().split()[0]
    expect(page.locator("#filters-part")).to_contain_text(f"Counts are of this answer: {found} people")
    red = page.locator("#filters .colours a[aria-current]")
    expect(red).to_have_text(re.compile(f"red\\s*{found}"))
    expect(page.locator("#filters .colours a", has_text="yellow").first).to_be_visible()


def test_arrows_go_from_row_to_row_across_days(page: Page) -> None:
    page.goto("/?sort=newest")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card").nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")  # each of the days has one row
    expect(page.locator(".card").nth(3)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".card").nth(0)).to_be_focused()


def test_browsing_works_without_scripts_and_on_a_phone(plain: Page, phone: Page) -> None:
    plain.goto("/?sort=newest")
    plain.get_by_role("link", name="Further hits").click()
    expect(plain.locator(".card")).to_have_count(10)
    expect(plain.locator("#summary")).to_contain_text("Further people")
    plain.goto("/browse/days")
    plain.get_by_role("link", name=re.compile("2026-11-02")).click()
    expect(plain.locator(".card")).to_have_count(3)
    plain.goto("/filters?sort=newest")
    plain.get_by_role("link", name="2026-11-01: 4 people").click()
    expect(plain.locator(".card")).to_have_count(4)
    for address in (
        "/?sort=newest",
        "/browse/cameras",
        "/browse/days",
        "/searches",
        "/?q=on%3A2026&sort=oldest",
    ):
        phone.goto(address)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, address


def test_a_search_is_saved_seen_and_removed(page: Page, site: Site) -> None:
    page.goto("/?q=upper%3Ared")
    page.get_by_role("link", name="Save this search").click()
    page.get_by_label("Name").fill("red-coats")
    page.get_by_role("button", name="Save the search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("red-coats")
    expect(page.locator("main")).to_contain_text("Nobody new yet")
    page.goto("/searches")
    expect(page.get_by_role("row", name=re.compile("red-coats"))).to_contain_text("upper:red")
    page.goto("/searches/red-coats")
    page.get_by_role("button", name="Remove this saved search").click()
    expect(page.locator("main")).to_contain_text("Nothing is saved yet")
    assert list((site.store / "searches").glob("*.json")) == []
