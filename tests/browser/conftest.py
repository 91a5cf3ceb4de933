"""A browser and a server over a small store. Every page that a test opens is watched: no errors, and no
request leaves the machine.
"""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from par_core.serve.app import create_app
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings
from tests.browser.site import Site, photographs
from tests.indexing import FAKE, index
from tests.serving import answering

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# not for the whole session: while Playwright runs, no other test of the process can run an event loop
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    photos = photographs(folder / "photos")
    index(folder / "store", [photos])
    service = ArchiveService(folder / "store", FAKE)
    with answering(create_app(service, ServeSettings(requests_per_minute=100_000))) as address:
        yield Site(address, folder / "store", photos)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    yield from watched(
        browser.new_context(base_url=site.address, viewport={"width": 1280, "height": 800}), site.address
    )


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Page]:
    yield from watched(
        browser.new_context(
            base_url=site.address, viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="dark"
        ),
        site.address,
    )


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Page]:
    """Without scripts."""
    yield from watched(browser.new_context(base_url=site.address, java_script_enabled=False), site.address)


def watched(context: BrowserContext, address: str) -> Iterator[Page]:
    context.set_default_timeout(10_000)
    page, wrong = context.new_page(), []
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text)
            if message.type in ("error", "warning") and not _repeats_status(message.text)
            else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            wrong.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    yield page
    context.close()
    assert wrong == []


def _repeats_status(text: str) -> bool:
    """Whether the console only repeats the status of an answer that a test asked for."""
    return text.startswith("Failed to load resource: the server responded with a status of 4")
