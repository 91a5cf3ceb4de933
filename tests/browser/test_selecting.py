"""Selecting people of an answer, and what is done with them: by mouse, key and touch, and without scripts."""

import json
import re
import zipfile
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from par_core.tags.files import FOLDER
from tests.browser.site import Site
from tests.browser.test_looking import CONTRASTS, NAMELESS

NASTY = "<img src=x onerror=document.title='taken'>"


@pytest.fixture(autouse=True)
def no_tags(site: Site) -> None:
    for path in (site.store / FOLDER).glob("*.json"):
        path.unlink()


def pick(page: Page, number: int) -> None:
    box = page.locator(".pick input").nth(number)
    box.scroll_into_view_if_needed()
    page.locator(".grid > li:has(.pick)").nth(number).hover()
    box.click()


def ids(page: Page, count: int) -> list[str]:
    return page.locator(".card").evaluate_all(
        f"cards => cards.slice(0, {count}).map(card => card.dataset.person)"
    )


def stored(site: Site) -> dict[str, list[str]]:
    people = [
        one for path in (site.store / FOLDER).glob("*.json") for one in json.loads(path.read_text())["people"]
    ]
    return {one["person_id"]: [tag["name"] for tag in one["tags"]] for one in people}


def test_a_range_is_selected_and_outlasts_scrolling_another_question_and_a_reload(page: Page) -> None:
    page.goto("/?sort=newest")
    expect(page.locator("#selection")).to_be_hidden()
    pick(page, 1)
    expect(page.locator("#selected")).to_have_text("1 selected")
    page.locator(".grid > li:has(.pick)").nth(4).hover()
    page.locator(".pick input").nth(4).click(modifiers=["Shift"])
    expect(page.locator("#selected")).to_have_text("4 selected")
    expect(page.locator("#said")).to_have_text("4 selected")
    page.locator("#next").scroll_into_view_if_needed()
    expect(page.locator(".card")).to_have_count(70)
    expect(page.locator("#selected")).to_have_text("4 selected")
    pick(page, 65)  # one of those who came later
    expect(page.locator("#selected")).to_have_text("5 selected")
    page.get_by_role("searchbox").fill("on:2027")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#selected")).to_have_text("5 selected, 5 not in this list")
    page.goto("/?sort=newest")
    expect(page.locator("#selected")).to_have_text("5 selected, 1 not in this list")
    assert [box.is_checked() for box in page.locator(".pick input").all()[:6]] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.locator(".card").first).to_be_focused()
    page.reload()
    expect(page.locator("#selection")).to_be_hidden()


def test_a_day_is_selected_whole_and_its_people_are_known_elsewhere(page: Page, site: Site) -> None:
    page.goto("/browse/days")
    expect(page.locator(".name").first).to_have_text("2026-11-03")
    pick(page, 0)
    expect(page.locator("#selected")).to_have_text("3 selected")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.locator("#selected")).to_have_text("6 selected")
    page.locator(".grid > li").first.hover()
    page.locator(".pick input").first.uncheck()
    expect(page.locator("#selected")).to_have_text("3 selected")
    page.get_by_label("Tag", exact=True).fill("second day")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Added to 3 people: second day")
    assert len(stored(site)) == 3
    page.goto("/?q=on%3A2026-11-02")
    expect(page.locator(".card .tag")).to_have_text(["second day"] * 3)
    assert all(box.is_checked() for box in page.locator(".pick input").all())
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#selection")).to_be_hidden()


def test_keys_select_and_tag(page: Page, site: Site) -> None:
    page.goto("/?sort=newest")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    expect(page.locator("#selected")).to_have_text("3 selected")
    page.get_by_label("Tag", exact=True).fill("Gate 3")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Added to 3 people: Gate 3")
    expect(page.locator(".card .tag")).to_have_text(["gate 3"] * 3)
    assert stored(site) == {one: ["gate 3"] for one in ids(page, 3)}
    page.goto("/?q=tag%3A%22gate+3%22")
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator("#filters .choices a[aria-current]")).to_have_text("gate 33")  # and how many
    page.get_by_label("Tag", exact=True).fill("gate 3")
    page.get_by_role("button", name="Remove tag").click()
    expect(page.locator(".card .tag")).to_have_count(0)
    assert stored(site) == {}
    page.get_by_label("Tag", exact=True).fill("<b>")
    page.keyboard.press("Enter")
    expect(page.locator("#selection [data-trouble]")).to_contain_text("A tag has 1 to 40 letters")


def test_a_person_gets_tags_and_a_note_in_place(page: Page, site: Site) -> None:
    page.goto("/?sort=newest")
    page.locator(".card").first.click()
    panel = page.locator("#panel")
    panel.get_by_label("Tag", exact=True).fill("check, late")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Tags: check, late")
    expect(panel.get_by_label("Tag", exact=True)).to_be_focused()
    panel.get_by_role("textbox", name="Note").fill(f"a ladder\n{NASTY}")
    panel.get_by_role("button", name="Save the note").click()
    expect(page.locator("#said")).to_have_text("The note is saved")
    expect(panel.get_by_role("textbox", name="Note")).to_have_value(f"a ladder\n{NASTY}")
    expect(page.locator(".card").first.locator(".tag")).to_have_text(["check", "late", "note"])
    panel.get_by_role("button", name="Remove the tag late").click()
    expect(page.locator(".card").first.locator(".tag")).to_have_text(["check", "note"])
    page.reload()
    expect(panel.get_by_role("textbox", name="Note")).to_have_value(f"a ladder\n{NASTY}")
    assert "taken" not in page.title()
    panel.get_by_role("link", name="check", exact=True).click()
    expect(page.locator(".card")).to_have_count(1)
    assert page.url.endswith("/?q=tag%3Acheck&sort=newest") or page.url.endswith("/?q=tag%3Acheck")
    page.goto("/tags")
    expect(page.locator("main .choices a")).to_have_text(re.compile(r"check\s*1"))


def test_two_people_are_compared(page: Page) -> None:
    page.goto("/?sort=newest")
    pick(page, 0)
    expect(page.get_by_role("button", name="Compare")).to_be_disabled()
    pick(page, 2)
    one, _, other = ids(page, 3)
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(f"**/compare?person={one}&person={other}")
    expect(page.locator("main")).to_contain_text("PAR identifies nobody")
    expect(page.locator("main")).to_contain_text("they were taken")
    expect(page.locator(".compared tbody tr").first).to_contain_text("points")
    assert page.locator(".pair img").evaluate_all("all => all.map(one => one.naturalWidth > 0)") == [
        True,
        True,
    ]
    page.get_by_role("link", name="Swap them").click()
    page.wait_for_url(f"**/compare?person={other}&person={one}")


def test_the_selection_is_exported_and_starts_a_review(page: Page, site: Site, tmp_path: Path) -> None:
    page.goto("/?sort=newest")
    for number in range(3):
        pick(page, number)
    page.get_by_role("searchbox").fill("on:2027")  # nobody of them is in sight
    page.keyboard.press("Enter")
    expect(page.locator("#selected")).to_have_text("3 selected, 3 not in this list")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "people.zip")
    with zipfile.ZipFile(tmp_path / "people.zip") as file:
        assert len(file.read("people/people.csv").splitlines()) == 4
    page.get_by_role("button", name="Review people like them").click()
    page.wait_for_url(re.compile("/reviews/people-like-the-3-chosen"))
    expect(page.locator(".judged")).to_have_count(12)
    for path in (site.store / "reviews").glob("people-like*"):
        path.unlink()


def test_forgetting_names_the_number_and_can_be_left(page: Page) -> None:
    page.goto("/?sort=newest")
    pick(page, 0)
    pick(page, 1)
    page.get_by_role("button", name="Forget…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Forget 2 people for good?")
    page.get_by_label(re.compile("Type 2")).fill("3")
    page.get_by_role("button", name="Forget 2 people for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Forget 2 people for good?")  # not sent
    page.get_by_role("link", name="Keep them").click()
    expect(page.locator("#summary")).to_contain_text("70 people")
    expect(page.locator("#selected")).to_have_text("2 selected")


def test_it_works_without_scripts(plain: Page, site: Site) -> None:
    plain.goto("/?sort=newest")
    for number in (0, 1):
        plain.locator(".pick input").nth(number).check(force=True)
    chosen = ids_of_boxes(plain)
    plain.get_by_label("Tag", exact=True).fill("check")
    plain.get_by_role("button", name="Add tag").click()
    expect(plain.locator(".card .tag")).to_have_text(["check"] * 2)
    assert stored(site) == {one: ["check"] for one in chosen}
    for number in (0, 1):
        plain.locator(".pick input").nth(number).check(force=True)
    plain.get_by_role("button", name="Compare").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Two people compared")
    plain.goto(f"/people/{chosen[0]}")
    plain.get_by_role("textbox", name="Note").fill("a ladder")
    plain.get_by_role("button", name="Save the note").click()
    expect(plain.get_by_role("textbox", name="Note")).to_have_value("a ladder")


def ids_of_boxes(page: Page) -> list[str]:
    return [box.get_attribute("value") or "" for box in page.locator(".pick input:checked").all()]


def test_a_phone_selects_by_touch(phone: Page) -> None:
    phone.goto("/?sort=newest")
    for number in (0, 1):
        box = phone.locator(".pick").nth(number).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 36
        phone.locator(".pick").nth(number).tap()
    expect(phone.locator("#selected")).to_have_text("2 selected")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    bar = phone.locator("#selection").bounding_box()
    assert bar is not None
    assert bar["height"] < 370
    phone.get_by_role("button", name="Compare").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Two people compared")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_has_a_name_and_enough_contrast(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto("/?sort=newest")
    pick(page, 0)
    pick(page, 1)
    page.get_by_label("Tag", exact=True).fill("check")
    page.keyboard.press("Enter")
    expect(page.locator(".card .tag")).to_have_count(2)
    one, other = ids(page, 2)
    page.locator(".card").first.click()
    expect(page.locator("#panel .tagging .chip")).to_have_count(1)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRASTS) == []
    for address in (f"/compare?person={one}&person={other}", "/tags"):
        page.goto(address)
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(CONTRASTS) == []
    page.goto("/?sort=newest")
    page.get_by_role("button", name="Forget…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Forget 2 people")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRASTS) == []
