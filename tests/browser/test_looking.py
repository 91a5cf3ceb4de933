import re
from dataclasses import replace

from playwright.sync_api import Page, Route, expect

from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from par_core.store.layout import Store
from par_core.store.run_progress import RunProgress, progress_file
from tests.browser.site import Site
from tests.indexing import FAKE
from tests.serving import answering

EVERYBODY = "/?where=height_px+%3E+0"
RED = "/?q=red&where=upper_color+%3D+%27red%27"

CONTRASTS = """() => {
  const channel = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const numbers = colour => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if ((colour[3] ?? 1) === 1 && colour.length >= 3) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  const texts = "p, a, b, small, th, td, h1, h2, h3, dt, dd, summary, button, .button, .rank, .line";
  for (const node of document.querySelectorAll(texts)) {
    const says = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    if (!says || !node.offsetParent || node.closest(".note")) continue;
    const lights = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    const [more, less] = lights.sort((a, b) => b - a), ratio = (more + .05) / (less + .05);
    if (ratio < 4.5) low.push(`${node.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""

NAMELESS = """() => {
  const named = node => node.getAttribute("aria-label") || node.title || node.labels?.length
    || (node.matches("img") ? node.hasAttribute("alt")
      : node.textContent.trim() || node.querySelector("img[alt]:not([alt=''])"));
  const all = [...document.querySelectorAll("a, button, input:not([type=hidden]), img, summary")];
  return all.filter(node => node.offsetParent && !named(node)).map(node => node.outerHTML.slice(0, 100));
}"""

ROOM_BESIDE_EXAMPLE = """box => {
  const style = getComputedStyle(box), pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const inside = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return inside - pen.measureText(box.placeholder).width;
}"""


def test_a_person_opens_beside_the_answer_and_the_address_shows_the_same_again(page: Page) -> None:
    page.goto(RED)
    page.evaluate("window.same = true")
    page.locator(".card").first.click()
    panel = page.locator("#panel")
    expect(panel.locator(".attributes tr")).to_have_count(2)
    expect(panel.locator("dl")).to_contain_text("fake-embedding-1")
    expect(panel.locator(".photo img")).to_have_js_property("complete", True)
    assert re.search(r"/people/[0-9a-f]{32}\?q=red&where=", page.url)
    assert page.evaluate("window.same")
    text = panel.inner_text()
    page.goto(page.url)
    assert panel.inner_text() == text
    expect(page.locator(".card")).not_to_have_count(0)


def test_the_outline_lies_on_the_person_and_can_be_taken_away(page: Page) -> None:
    page.goto(RED)
    page.locator(".card").first.click()
    outline = page.locator("#panel .outline")
    expect(outline.locator("polygon")).to_have_count(1)
    photo, person = (
        page.locator("#panel .photo img").bounding_box(),
        outline.locator("polygon").bounding_box(),
    )
    assert photo is not None
    assert person is not None
    assert photo["x"] <= person["x"] <= person["x"] + person["width"] <= photo["x"] + photo["width"]
    assert photo["y"] <= person["y"] <= person["y"] + person["height"] <= photo["y"] + photo["height"]
    page.get_by_text("Outline", exact=True).click()
    expect(outline).to_be_hidden()


def test_back_closes_the_panel_and_goes_to_the_question_before(page: Page) -> None:
    page.goto("/?q=red")
    page.locator("#filters .colours a", has_text="yellow").first.click()
    expect(page.locator(".chip")).to_have_count(1)
    page.locator(".card").first.click()
    expect(page.locator("#panel")).to_be_visible()
    expect(page).to_have_url(re.compile("/people/"))  # going back starts from what the browser knows
    page.go_back()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".chip")).to_have_count(1)
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_have_value("red")
    page.go_forward()
    expect(page.locator(".chip")).to_have_count(1)


def test_more_like_this_and_not_like_this_edit_the_question(page: Page) -> None:
    page.goto(RED)
    page.locator(".card").first.click()
    page.get_by_role("link", name="More like this").click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^red like:[0-9a-f]{32}$"))
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".chip img")).to_have_js_property("naturalHeight", 320)
    page.locator(".card").first.click()
    page.get_by_role("link", name="Not like this").click()
    expect(page.get_by_role("searchbox")).to_have_value(
        re.compile("^red (like:[0-9a-f]{32} )?unlike:[0-9a-f]{32}$")
    )


def test_keys_reach_everything(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    expect(page.locator(".card").first).to_be_visible()
    page.goto(EVERYBODY)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card").nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card").nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    name = page.locator("#panel h2")
    expect(name).to_be_focused()
    first = name.inner_text()
    page.keyboard.press("ArrowRight")
    expect(name).not_to_have_text(first)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator(".card").nth(2)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("How to ask")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^like:[0-9a-f]{32}$"))


def test_a_phone_shows_all_of_it_in_its_width(phone: Page) -> None:
    for address in (RED, "/", "/status", "/help", "/?q=%28red"):
        phone.goto(address)
        assert phone.evaluate("document.documentElement.scrollWidth") == 360, address
    phone.goto("/")
    assert phone.locator("#q").evaluate(ROOM_BESIDE_EXAMPLE) > 0
    phone.goto(RED)
    phone.locator(".card").first.tap()
    expect(phone.locator("#panel")).to_be_visible()
    box = phone.locator("#panel").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (360, 740)
    phone.get_by_role("link", name="Close").tap()
    phone.locator("#filters summary").tap()
    expect(phone.locator("#filters .colours a").first).to_be_visible()


def test_everything_has_a_name_and_enough_contrast_in_light_and_dark(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for address in (RED, "/status", "/help"):
            page.goto(address)
            if address == RED:
                page.locator(".card").first.click()
                expect(page.locator("#panel dl")).to_be_visible()
                expect(page.locator("#filters .colours a").first).to_be_visible()
            assert page.evaluate(CONTRASTS) == [], (scheme, address)
            assert page.evaluate(NAMELESS) == [], address


def test_the_chosen_colours_stay(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto("/status")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark != before


def test_a_missing_picture_says_so_in_its_place(page: Page) -> None:
    def answer_gone(route: Route) -> None:
        route.fulfill(status=410, body="gone")

    page.route("**/crop", answer_gone)
    page.goto(RED)
    expect(page.locator(".card .lost").first).to_have_text("The file is not there any more")


def test_nothing_moves_while_pictures_come(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/crop", hold)
    page.route("**/api/image/*", hold)
    page.goto(RED, wait_until="commit")
    expect(page.locator(".card").first).to_be_visible()
    page.locator(".card").first.click()
    expect(page.locator("#panel dl")).to_be_visible()
    watched = [page.locator(".card").first, page.locator("#panel .actions"), page.locator("#panel .photo")]
    before = [element.bounding_box() for element in watched]
    for route in held:
        route.continue_()
    expect(page.locator(".card img").first).to_have_js_property("naturalHeight", 320)
    expect(page.locator(".photo img")).to_have_js_property("complete", True)
    assert [element.bounding_box() for element in watched] == before


def test_the_status_page_tells_what_the_store_holds(page: Page) -> None:
    page.goto("/status")
    expect(page.locator(".facts")).to_contain_text("70 people")
    expect(page.locator("main")).to_contain_text("68 listed = 68 indexed + 0 without people")
    expect(page.get_by_role("row", name=re.compile("^1 20"))).to_contain_text("70")


def test_the_page_says_that_a_run_is_under_way(page: Page, site: Site) -> None:
    page.goto("/?q=red")
    expect(page.locator(".note", has_text="under way")).to_have_count(0)
    with Store.open(site.store).exclusive():
        page.goto("/?q=red")
        expect(page.locator(".note", has_text="under way")).to_contain_text("Results are of version")
        page.goto("/status")
        expect(page.locator(".note")).to_contain_text("under way")
        first = RunProgress(1_800_000_000.0, 40, 10_000, 10, 2_500, 1, 100, 4.0)
        steps = iter([first, *[replace(first, done_images=5_000)] * 1_000])
        with progress_file(Store.open(site.store), lambda: next(steps)):  # the page goes on by itself
            expect(page.locator("#progress")).to_contain_text("5000 of 10000 images (50%)", timeout=20_000)
            expect(page.locator("#progress progress")).to_have_js_property("value", 5_100)
            page.goto("/?q=red")
            expect(page.locator("#progress-line")).to_contain_text("5000 of 10000 images", timeout=20_000)
            page.goto("/status")
    expect(page.locator("#progress")).to_contain_text("Nothing is being written", timeout=20_000)


def test_an_empty_store_says_how_to_fill_it(plain: Page, tmp_path: object) -> None:
    root = Store.create(tmp_path / "store").root  # type: ignore[operator]
    with answering(create_app(ArchiveService(root, FAKE))) as address:
        page = plain.context.browser.new_page()  # type: ignore[union-attr]
        page.goto(f"{address}/?q=red")
        expect(page.get_by_role("alert")).to_contain_text("fill it with: par index")
        page.goto(f"{address}/status")
        expect(page.locator("main")).to_contain_text("0 listed")
        page.close()
