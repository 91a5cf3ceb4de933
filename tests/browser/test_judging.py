from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from par_core.review.record import load_record
from par_core.store.layout import Store
from tests.browser.site import Site


@pytest.fixture
def review(page: Page, site: Site) -> Iterator[Page]:
    """A review that was just started from an answer."""
    page.goto("/?q=a+yellow+person+tall%3Ayes&where=upper_color+in+%28%27yellow%27%2C+%27red%27%29")
    page.get_by_role("link", name="Review all of them").click()
    expect(page.get_by_label("Whom do you look for")).to_have_value("a yellow person")
    page.get_by_role("button", name="Start the review").click()
    expect(page.locator(".judged.open")).to_have_count(12)
    yield page
    for file in (site.store / "reviews").glob("*.json"):
        file.unlink()


def answers(site: Site) -> list[str | None]:
    return [person.answer for person in load_record(Store.open(site.store), "a-yellow-person").proposed]


def test_keys_judge_one_person_after_the_other_and_take_back(review: Page, site: Site) -> None:
    expect(review.locator(".facts")).to_contain_text("0 judged of 24")
    for key in "ynsy":
        review.keyboard.press(key)
    expect(review.locator(".facts")).to_contain_text("3 judged of 24; 1 cannot be judged")
    expect(review.locator(".facts")).to_contain_text("2 found")
    expect(review.locator(".judged.yes")).to_have_count(2)
    assert review.locator(".judged.skip").evaluate("card => card.clientWidth") > 100
    expect(review.locator(".judged[aria-current]")).to_have_count(1)
    review.keyboard.press("u")
    expect(review.locator(".facts")).to_contain_text("1 found")
    expect(review.locator(".judged.open")).to_have_count(9)
    assert sorted(answer for answer in answers(site) if answer) == ["no", "skip", "yes"]


def test_a_review_goes_on_to_its_end_where_it_was_left(review: Page, site: Site) -> None:
    review.keyboard.press("y")
    expect(review.locator(".facts")).to_contain_text("1 found")
    review.goto("/reviews")
    review.get_by_role("link", name="a yellow person").click()
    expect(review.locator(".judged.yes")).to_have_count(1)
    judged = 0
    while review.locator(".judging").count():
        review.get_by_role("button", name="Nobody else here fits").click()
        judged = min(judged + 12, 24)
        expect(review.locator(".facts")).to_contain_text(f"{judged} judged of 24")
    expect(review.locator(".note")).to_have_text("All people are judged. The review is done.")
    expect(review.locator(".facts")).to_contain_text("nobody more left")
    assert len(answers(site)) == 24


def test_a_review_works_without_scripts_and_on_a_phone(review: Page, plain: Page, phone: Page) -> None:
    plain.goto("/reviews/a-yellow-person")
    plain.locator(".judged.open").first.get_by_role("button", name="Yes").click()
    expect(plain.locator(".facts")).to_contain_text("1 found")
    phone.goto("/reviews/a-yellow-person")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    phone.locator(".judged.open").first.get_by_role("button", name="No", exact=True).tap()
    expect(phone.locator(".facts")).to_contain_text("2 judged of 24")


def test_a_review_that_is_not_there_is_not_made_up(page: Page) -> None:
    page.goto("/reviews/nobody")
    expect(page.get_by_role("alert")).to_contain_text("There is no review 'nobody'")
