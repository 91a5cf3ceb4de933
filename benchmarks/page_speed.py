"""How soon a question is answered on the page, in real browsers: the first results, and all pictures in view.

    python benchmarks/page_speed.py                               # 100,000 people; 1, 5 and 20 users
    python benchmarks/page_speed.py --browsers 1                  # the same with one browser
    python benchmarks/page_speed.py --people 2000 --users 1 --asked 3    # a rehearsal

``par serve`` runs in a process of its own over ``pictured_store.py``; every user is a context of Chromium on
the same machine (1280 x 800 pixels), with cookies and caches of its own. A user types a question and presses
Enter, looks at the answer for two to eight seconds, and asks the next one; no question is asked twice.
Times count from Enter, by the clock of the page: until the first card is drawn (or that nobody was found),
and until every picture in view is decoded. ``server_cpu_ms`` is the processor time of the server for one
answer with its pictures and counts, which other work on the machine does not change much. ``opened`` counts
from the start of the navigation to the address of an answer, in a browser that has opened the page before.
Browser and server share the cores, although users of a real server draw their pages elsewhere. So of many
users only some need have a browser (``--browsers``); the others make the same requests, six at a time, with
the same pauses, and draw nothing.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from pictured_store import write_photographs, write_store
from playwright.async_api import Browser, Error, Page, async_playwright
from scale_measurements import Build
from served import at_rest, cpu_s, running
from serving import questions

HERE = Path(__file__).resolve().parent
SEED = 0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
LOOKS_S = (2.0, 8.0)
PICTURE = re.compile(r"/api/people/[0-9a-f]+/crop")
PICTURES_NEAR = 15  # that the page fetches at once in a view of 1280 x 800 pixels: 12 to 18
CONNECTIONS = 6  # of a browser to a server

MEASURE = """(asked) => new Promise(resolve => {
  const started = asked === null ? 0 : performance.now(), times = {};
  const inView = image => {
    const box = image.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  };
  const look = () => {
    const main = document.querySelector("#main"), card = document.querySelector("#grid .card");
    if (main?.querySelector(".empty") && (asked === null || main.dataset.q === asked)) {
      return resolve({ first: performance.now() - started });
    }
    if (card && (asked === null || main.dataset.q === asked)) {
      times.first ??= performance.now() - started;
      const images = [...document.querySelectorAll("#grid .frame img")].filter(inView);
      if (images.length && images.every(image => image.complete && image.naturalWidth)) {
        times.pictures = performance.now() - started;
        times.shown = images.length;
        return resolve(times);
      }
    }
    if (performance.now() - started > 60000) return resolve(null);
    requestAnimationFrame(look);
  };
  if (asked !== null) {
    document.querySelector("#q").value = asked;
    document.querySelector(".ask").requestSubmit();
  }
  requestAnimationFrame(look);
})"""


def main() -> None:
    """Measure, print, and write the result where it is wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--users", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--browsers", type=int, default=sys.maxsize, help="users who draw the page")
    parser.add_argument("--asked", type=int, default=8, help="questions of each user (default: 8)")
    parser.add_argument("--keep", type=Path, help="folder of the store and photographs, used again if there")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    where = provenance(SEED)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="par-page-"))
    try:
        if not (folder / "store").exists():
            write_store(folder / "store", folder / "photographs", options.people, SEED)
        figures = measured(folder, options.users, options.browsers, options.asked)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)
    text = json.dumps({"part": "page_speed", "people": options.people, "users": figures, **where}, indent=2)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


def measured(folder: Path, users: list[int], browsers: int, asked: int) -> list[dict[str, Any]]:
    """Return the figures of each number of users."""
    texts = questions(SEED)
    with running(folder / "store", Build("new", HERE.parent, "flows.cli.main")) as (address, process):
        at_rest(process)  # people are being read into memory
        print(
            f"photographs: {_photographs(folder, address, texts[: sum(users) * (2 * asked + 1)])}", flush=True
        )
    figures = []
    for number in users:  # a server for each, which has cut no picture yet
        mine, texts = texts[: number * (2 * asked + 1)], texts[number * (2 * asked + 1) :]
        with running(folder / "store", Build("new", HERE.parent, "flows.cli.main")) as (address, process):
            at_rest(process)
            before = cpu_s(process)
            found = asyncio.run(_users(address, number, browsers, mine))
            found["server_cpu_ms"] = round(1_000 * (cpu_s(process) - before) / len(mine))
            figures.append(found)
        print(json.dumps(figures[-1]), file=sys.stderr, flush=True)
    return figures


def _photographs(folder: Path, address: str, texts: list[str]) -> int:
    """Write the photographs of everybody whom the questions show on their first page."""
    uris = set()
    with httpx.Client(base_url=address, timeout=60) as client:
        for text in texts:
            answer = client.get("/api/search", params={"q": text}).json()
            uris |= {hit["uri"] for hit in answer["results"]}
    return write_photographs(folder / "photographs", uris)


async def _users(address: str, number: int, browsers: int, texts: list[str]) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        parts = [texts[one::number] for one in range(number)]
        load = os.getloadavg()[0]
        others = [
            asyncio.create_task(_visitor(address, parts[seed], seed)) for seed in range(number)[browsers:]
        ]
        times = await asyncio.gather(
            *(_user(browser, address, mine, seed) for seed, mine in enumerate(parts[:browsers]))
        )
        ended = sum(task.done() for task in others)
        await asyncio.gather(*others)
        version = browser.version
        await browser.close()
    kinds = {kind: _summary([time for user in times for time in user[kind]]) for kind in ("asked", "opened")}
    about = {"users": number, "browsers": len(times), "others_that_ended_before": ended}
    return {**about, "chromium": version, "load_before": load, **kinds}


async def _user(browser: Browser, address: str, texts: list[str], seed: int) -> dict[str, list[Any]]:
    context = await browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(90_000)
    page, rng, half = await context.new_page(), random.Random(seed), len(texts) // 2
    times: dict[str, list[Any]] = {"asked": [], "opened": []}
    await asyncio.sleep(rng.uniform(0, LOOKS_S[1]))
    await page.goto("/")
    await page.evaluate(MEASURE, texts[-1])  # warm: not counted
    for text in texts[:half]:
        await asyncio.sleep(rng.uniform(*LOOKS_S))
        times["asked"].append(await _answer(page, text))
    for text in texts[half : 2 * half]:
        await asyncio.sleep(rng.uniform(*LOOKS_S))
        await page.goto("/?" + str(httpx.QueryParams({"q": text})), wait_until="commit")
        times["opened"].append(await _answer(page, None))
    await context.close()
    return times


async def _visitor(address: str, texts: list[str], seed: int) -> None:
    """Make the requests of a user's page: answer, filters and timeline, and the pictures near the view."""
    rng, slots = random.Random(seed), asyncio.Semaphore(CONNECTIONS)
    kept = httpx.Limits(keepalive_expiry=2.0)  # seconds; the server closes what was idle for five
    async with httpx.AsyncClient(base_url=address, timeout=90, limits=kept) as client:

        async def fetch(path: str, part: str, **parameters: str) -> str:
            async with slots:
                response = await client.get(path, params=parameters, headers={"Par-Part": part})
                if response.status_code != httpx.codes.GONE:  # not all photographs of the last rows exist
                    response.raise_for_status()
                return response.text if part else ""

        await asyncio.sleep(rng.uniform(0, LOOKS_S[1]))
        for text in texts:
            await asyncio.sleep(rng.uniform(*LOOKS_S))
            answer = await fetch("/", "main", q=text)
            pictures = list(dict.fromkeys(PICTURE.findall(answer)))[:PICTURES_NEAR]
            parts = [fetch("/", part, q=text) for part in ("filters", "timeline")]
            await asyncio.gather(*parts, *(fetch(path, "") for path in pictures))


async def _answer(page: Page, asked: str | None) -> dict[str, float] | None:
    """Return the times of one answer; None where none came, and the page was loaded again."""
    try:
        times: dict[str, float] | None = await page.evaluate(MEASURE, asked)
    except Error:
        return None
    return times


def _summary(times: list[dict[str, float] | None]) -> dict[str, float]:
    whole = [time for time in times if time is not None]
    values = {"n": len(whole), "failed": len(times) - len(whole)}
    for kind in ("first", "pictures"):
        taken = [time[kind] for time in whole if kind in time] or [float("nan")]
        for percentile in (50, 95):
            values[f"{kind}_p{percentile}_ms"] = round(float(np.percentile(taken, percentile)))
    shown = [time["shown"] for time in whole if "shown" in time]
    values |= {"with_people": len(shown), "pictures_in_view": float(np.median(shown or [0]))}
    return values


if __name__ == "__main__":
    main()
