"""Take the pictures of the documentation: the page over a store, with outlines in place of photographs.

    make demo
    .venv/bin/python docs/images/take.py --store build/demo/store

Writes ``search.png`` (a desktop) and ``phone.png`` beside this file.
"""

import argparse
import json
import re
import shutil
import threading
from pathlib import Path

from playwright.sync_api import Browser, Route, sync_playwright

from par_core.config import load_config
from par_core.serve.app import create_app
from par_core.serve.server import address_of, bind, make_server
from par_core.serve.service import ArchiveService

HERE = Path(__file__).resolve().parent
QUESTION = "a person in a black coat"
DESKTOP, PHONE = (960, 640), (390, 844)
GROUND, PERSON = "#dde1e6", "#4a5568"
CONTEXT = 0.25  # of the box, around a person; as in the page's pictures


def main() -> None:
    """Start a server over the store and take both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, default=Path("build/demo/store"))
    service = ArchiveService(parser.parse_args().store, load_config())
    with bind("127.0.0.1", 0) as listening:
        server = make_server(create_app(service))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        address = address_of(listening, "127.0.0.1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            take(browser, address, DESKTOP, HERE / "search.png")
            take(browser, address, PHONE, HERE / "phone.png")
            browser.close()
        server.should_exit = True
        thread.join()


def take(browser: Browser, address: str, size: tuple[int, int], path: Path) -> None:
    """Take the page of an answer, with outlines in place of photographs."""
    page = browser.new_page(base_url=address, viewport={"width": size[0], "height": size[1]})
    page.route(re.compile(r"/api/people/[0-9a-f]+/crop"), outlined)
    page.goto("/")
    page.locator("#q").fill(QUESTION)
    page.locator("#q").press("Enter")
    page.locator("#grid .frame img").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("body").click(position={"x": 2, "y": size[1] - 2})  # out of the box, which has no caret then
    page.screenshot(path=path)
    page.close()


def outlined(route: Route) -> None:
    """Answer a request for a picture of a person by the outline that PAR has found."""
    found = json.loads(route.fetch(url=route.request.url.removesuffix("crop") + "outline").text())
    x1, y1, x2, y2 = found["box"]
    across, down = CONTEXT * (x2 - x1), CONTEXT * (y2 - y1)
    left, top = max(x1 - across, 0), max(y1 - down, 0)
    width, height = min(x2 + across, found["width"]) - left, min(y2 + down, found["height"]) - top
    shapes = "".join(
        f'<polygon fill="{PERSON}" points="{" ".join(f"{x},{y}" for x, y in polygon)}"/>'
        for polygon in found["polygons"]
    )
    ground = f'<rect x="{left}" y="{top}" width="100%" height="100%" fill="{GROUND}"/>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}" width="{width}"'
        f' height="{height}">{ground}{shapes}</svg>'
    )
    route.fulfill(body=svg, content_type="image/svg+xml")


if __name__ == "__main__":
    main()
