import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect

from par_core.access import Access, Role
from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from tests.browser.site import Site
from tests.indexing import FAKE
from tests.serving import answering


def test_a_token_is_asked_for_kept_from_scripts_and_forgotten(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    root = shutil.copytree(site.store, tmp_path / "store")
    token = Access.open(root).tokens.add("anna", Role.SEARCH)
    with answering(create_app(ArchiveService(root, FAKE))) as address:
        page = browser.new_page(base_url=address)
        page.goto("/?q=red")
        expect(page.get_by_role("heading")).to_have_text("A token is needed")
        page.get_by_label("Token").fill("par_wrong")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("alert")).to_contain_text("not valid")
        page.goto("/?q=red")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".card img").first).to_have_js_property("naturalHeight", 320)
        assert page.url == f"{address}/?q=red"
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.close()
