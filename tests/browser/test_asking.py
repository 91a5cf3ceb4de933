import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.site import NASTY, Site
from tests.pictures import save, scene

EVERYBODY = "/?where=height_px+%3E+0"


def ask(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("searchbox").press("Enter")


def test_words_are_answered_without_loading_the_page_again(page: Page) -> None:
    page.goto("/")
    page.evaluate("window.same = true")
    ask(page, "a red person")
    expect(page.locator("#summary")).to_contain_text("found among 70 people")
    expect(page.locator(".card").first).to_contain_text("%")
    expect(page.locator(".card img").first).to_have_js_property("naturalHeight", 320)
    assert page.url.endswith("/?q=a+red+person")
    assert page.title() == "a red person – PAR"
    assert page.evaluate("window.same")


def test_an_example_can_be_clicked(page: Page) -> None:
    page.goto("/")
    text = page.locator(".examples a").first.inner_text()
    page.locator(".examples a").first.click()
    expect(page.get_by_role("searchbox")).to_have_value(text)
    expect(page.locator("#grid")).to_be_visible()


def test_words_are_completed_while_one_types(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").press_sequentially("someone upper:re")
    page.locator("#completions a").first.click()
    expect(page.get_by_role("searchbox")).to_have_value("someone upper:red")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator("#grid")).to_be_visible()


def test_everything_works_without_scripts(plain: Page) -> None:
    plain.goto("/")
    ask(plain, "a red person")
    plain.locator(".card").first.click()
    expect(plain.locator("#panel")).to_be_visible()
    expect(plain.locator("#panel .attributes")).to_contain_text("tall")
    plain.get_by_role("link", name="Close").click()
    expect(plain.locator("#panel")).to_be_hidden()
    plain.locator("#filters summary").click()
    plain.get_by_role("link", name="Show the filters").click()
    plain.locator(".choices a").first.click()
    expect(plain.locator(".chip")).to_have_count(1)
    plain.goto(EVERYBODY)
    plain.get_by_role("link", name="Further hits").click()
    expect(plain.locator(".card")).to_have_count(10)


def test_a_filter_edits_the_question_and_a_chip_takes_it_out(page: Page) -> None:
    page.goto("/?q=a+person")
    page.locator("#filters .colours a", has_text="yellow").first.click()
    expect(page.get_by_role("searchbox")).to_have_value("a person upper:yellow")
    expect(page.locator("#filters a[aria-current]")).to_have_text(re.compile("yellow"))
    page.locator("#filters .colours a", has_text="red").first.click()
    expect(page.get_by_role("searchbox")).to_have_value("a person upper:yellow,red")
    page.locator(".chip").click()
    expect(page.get_by_role("searchbox")).to_have_value("a person")
    expect(page.locator(".chip")).to_have_count(0)


def test_days_are_chosen_by_their_bars_and_by_a_range(page: Page) -> None:
    page.goto("/")
    bars = page.locator(".timeline svg a")
    expect(bars).to_have_count(3)
    bars.nth(1).click()
    expect(page.get_by_role("searchbox")).to_have_value("on:2026-11-02")
    expect(page.locator(".card")).to_have_count(3)
    expect(bars).to_have_count(1)  # within the day, by hours
    expect(page.get_by_label("from", exact=True)).to_have_value("2026-11-02")
    page.get_by_label("to", exact=True).fill("2026-11-03")
    page.get_by_role("button", name="Apply").first.click()
    expect(page.get_by_role("searchbox")).to_have_value("since:2026-11-02 until:2026-11-03")
    expect(page.locator(".card")).to_have_count(6)


def test_further_hits_come_while_scrolling_and_end(page: Page) -> None:
    page.goto(EVERYBODY)
    expect(page.locator(".card")).to_have_count(60)
    page.locator("#next").scroll_into_view_if_needed()
    expect(page.locator(".card")).to_have_count(70)
    expect(page.locator("#next")).to_contain_text("That is all")
    ids = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.person)")
    assert len(set(ids)) == 70


def test_a_wrong_question_keeps_the_words_and_shows_the_place(page: Page) -> None:
    page.goto("/")
    ask(page, "(red AND")
    expect(page.get_by_role("alert")).to_contain_text("That cannot be asked")
    lines = page.locator(".trouble pre").inner_text().split("\n")
    assert lines[0].strip() == "(red AND"
    assert lines[1].strip() == "^"
    expect(page.get_by_role("searchbox")).to_have_value("(red AND")
    ask(page, "red")
    expect(page.locator(".card").first).to_be_visible()


def test_a_wrong_filter_can_be_mended_in_place(page: Page) -> None:
    page.goto("/?q=red&where=height_px+%3E%3E+100")
    expect(page.get_by_role("alert")).to_contain_text("The filter does not make sense here")
    page.get_by_label("Filter", exact=True).fill("height_px > 60")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".chip")).to_contain_text("filter: height_px > 60")
    expect(page.locator(".card").first).to_be_visible()


def test_nothing_found_says_so_and_what_to_do(page: Page) -> None:
    page.goto("/?q=red+upper%3Ablue+height%3A%3E5000")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_role("link", name="Ask without height:>5000").click()
    expect(page.get_by_role("searchbox")).to_have_value("red upper:blue")
    expect(page.locator(".empty a", has_text="height")).to_have_count(0)


def test_what_shows_nearly_the_same_is_folded_and_unfolds(page: Page) -> None:
    page.goto("/?q=red")
    page.locator(".alike summary").first.click()
    expect(page.locator(".alike img").first).to_have_js_property("naturalHeight", 320)
    page.locator(".alike a").first.click()
    expect(page.locator("#panel .attributes")).to_be_visible()
    expect(page.locator("#panel .why-list")).to_contain_text("red")


def test_a_picture_of_ones_own_is_a_question(page: Page, tmp_path: Path) -> None:
    mine = save(tmp_path / "mine.png", scene("cyan", seed=77))
    page.goto("/")
    page.locator(".upload input[type=file]").set_input_files(mine)
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{16}$"))
    expect(page.locator(".chip")).to_contain_text("like your picture")
    page.locator(".card").first.click()
    expect(page.locator("#panel")).to_be_visible()


def test_a_picture_without_people_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    page.locator(".upload input[type=file]").set_input_files(save(tmp_path / "nobody.png", scene()))
    expect(page.get_by_role("alert")).to_contain_text("Nobody was found in the picture")


def test_what_people_wrote_is_shown_as_text(page: Page, site: Site) -> None:
    attack = "\"<script>document.title='taken'</script>\" <img src=x onerror=document.title='taken'>"
    page.goto("/")
    ask(page, attack)
    expect(page.get_by_role("searchbox")).to_have_value(attack)
    expect(page.locator("#grid, .empty, .trouble")).to_be_visible()
    page.goto("/?where=uri+like+%27%25onerror%25%27")
    page.locator(".card").click()
    expect(page.locator("#panel h2")).to_have_text(NASTY)
    assert page.locator("img[src='x'], script:not([src])").count() == 0
    assert "taken" not in page.title().replace(NASTY, "")
