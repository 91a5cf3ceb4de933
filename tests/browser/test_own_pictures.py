"""Searching with a picture of one's own: several people in it, boxes, dropping, pasting, and bad files."""

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pictures import save, scene

THREE = ("yellow", "magenta", "cyan")
SOON = 20_000  # milliseconds for an upload, its models, and a search
GIVE = """([name, kind, content]) => {
  const bytes = Uint8Array.from(atob(content), one => one.charCodeAt(0)), data = new DataTransfer();
  data.items.add(new File([bytes], "mine.png", { type: kind }));
  const upwards = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(name === "paste" ? new ClipboardEvent(name, { clipboardData: data, ...upwards })
    : new DragEvent(name, { dataTransfer: data, ...upwards }));
}"""


def three(folder: Path) -> Path:
    return save(folder / "three.png", scene(*THREE, seed=31))


def upload(page: Page, path: Path) -> None:
    page.locator(".upload input[type=file]").set_input_files(path)


def give(page: Page, how: str, path: Path, kind: str = "image/png") -> None:
    page.evaluate(GIVE, [how, kind, base64.b64encode(path.read_bytes()).decode()])


def test_one_of_several_people_is_chosen_and_another_one_after(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    page.evaluate("window.same = true")
    upload(page, three(tmp_path))
    dialog = page.get_by_role("dialog", name="Search with a picture")
    expect(dialog.locator(".whom a")).to_have_count(3, timeout=SOON)
    expect(dialog.locator("svg polygon")).to_have_count(3)
    expect(dialog.locator("img")).to_have_js_property("complete", True)
    expect(dialog.get_by_role("link", name="Search for person 1")).to_be_focused()
    dialog.get_by_role("link", name="Search for person 2").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{14}01$"), timeout=SOON)
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Choose in the picture").click()
    dialog.locator("svg a[data-number='3']").click()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{14}02$"), timeout=SOON)
    assert page.evaluate("window.same")
    expect(page).to_have_url(
        re.compile("picture%3A[0-9a-f]{14}02")
    )  # going back starts from what the browser knows
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("01$"), timeout=SOON)


def test_a_box_is_drawn_on_the_picture_or_written(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    upload(page, three(tmp_path))
    picture = page.locator("#picture .drawn-on")
    expect(picture).to_be_visible(timeout=SOON)
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.02, box["y"] + box["height"] * 0.02)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5)
    page.mouse.move(box["x"] + box["width"] * 0.34, box["y"] + box["height"] * 0.98)
    page.mouse.up()
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{14}00$"), timeout=SOON)
    drawn = page.get_by_role("searchbox").input_value()
    page.get_by_role("button", name="Choose in the picture").click()
    page.get_by_text("Box by numbers").click()
    page.get_by_label("left, top, right, bottom").fill("1 2 3")
    page.get_by_role("button", name="Search in the box").click()
    expect(page.locator("#picture")).to_be_visible()  # three numbers are no box
    page.get_by_label("left, top, right, bottom").fill("1,1,4,4")
    page.get_by_role("button", name="Search in the box").click()
    expect(page.locator("#picture [role=alert]")).to_contain_text("The box is 3 x 3 pixels")
    page.get_by_label("left, top, right, bottom").fill("0,0,60,96")
    page.get_by_role("button", name="Search in the box").click()
    expect(page.get_by_role("searchbox")).not_to_have_value(drawn, timeout=SOON)


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(page: Page, tmp_path: Path, how: str) -> None:
    page.goto("/status")
    give(page, how, save(tmp_path / "mine.png", scene("cyan", seed=77)))
    expect(page.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{16}$"), timeout=SOON)
    expect(page.locator(".card").first).to_be_visible()


def test_a_picture_without_people_can_have_a_box(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    upload(page, save(tmp_path / "nobody.png", scene()))
    expect(page.get_by_role("alert")).to_contain_text("Nobody was found in the picture")
    expect(page.locator("#picture .drawn-on")).to_be_visible()


def test_what_is_no_picture_or_too_large_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    (tmp_path / "text.png").write_bytes(b"no picture at all")
    upload(page, tmp_path / "text.png")
    expect(page.get_by_role("alert")).to_contain_text("No picture in a format that PAR reads")
    page.get_by_role("button", name="Close").click()
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(20 * 2**20 + 1)
    upload(page, tmp_path / "huge.jpg")
    expect(page.get_by_role("alert")).to_contain_text("larger than 20 MB")
    page.keyboard.press("Escape")
    expect(page.locator("#picture")).to_be_hidden()


def test_one_of_several_people_is_chosen_without_scripts(plain: Page, tmp_path: Path) -> None:
    plain.goto("/")
    upload(plain, three(tmp_path))
    plain.get_by_role("button", name="Send").click()
    expect(plain.get_by_role("heading", name="Who in the picture?")).to_be_visible()
    expect(plain.locator(".drawn-on img")).to_have_js_property("complete", True)
    plain.get_by_role("link", name="Search for person 3").click()
    expect(plain.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{14}02$"), timeout=SOON)
    expect(plain.locator(".card").first).to_be_visible()


def test_a_phone_draws_a_box_with_a_finger(phone: Page, tmp_path: Path) -> None:
    phone.goto("/")
    upload(phone, three(tmp_path))
    picture = phone.locator("#picture .drawn-on")
    expect(picture).to_be_visible(timeout=SOON)
    box = picture.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    touch = phone.context.new_cdp_session(phone)
    places = [(0.05, 0.2), (0.2, 0.5), (0.34, 0.98)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), places, strict=True):
        point = {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(phone.get_by_role("searchbox")).to_have_value(re.compile("^picture:[0-9a-f]{14}00$"), timeout=SOON)
