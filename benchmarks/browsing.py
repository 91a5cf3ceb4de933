"""Measure browsing without a question: pages anywhere in the order of capture, cameras, days, and counts.

    python benchmarks/browsing.py --people 1000000 --out benchmarks/results/browsing.json

The people are those of ``crowd.py``, in memory as ``par serve`` has them. Each step is timed in the process
of the server, without HTTP: the first time (nothing is kept yet) and the median of further ones. Pages are of
60 people; a page begins after a person anywhere in the list.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance

from par_core.config import load_config
from par_core.query.answer import SearchResult
from par_core.serve.service import ArchiveService

AGAIN = 9
TOP = 60


def main() -> None:
    """Print the result, and write it where it is wanted."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=1_000_000)
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    here = Path(__file__).parents[1]
    folder = Path(tempfile.mkdtemp(prefix="par-browsing-"))
    try:
        command = [sys.executable, str(Path(__file__).parent / "crowd_store.py")]
        subprocess.run([*command, str(here), str(folder / "store"), str(given.people)], check=True)
        result = {**provenance(0), "people": given.people, "milliseconds": measured(folder / "store")}
    finally:
        shutil.rmtree(folder)
    text = json.dumps(result, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


def measured(store: Path) -> dict[str, Any]:
    """Return the times of each step in milliseconds."""
    service = ArchiveService(store, load_config())
    started = time.perf_counter()
    service.warm()
    service._searcher.wait_until_read()
    times: dict[str, Any] = {"read into memory": 1000 * (time.perf_counter() - started)}
    afters: list[str] = []

    def page(after: str | None, q: str | None = None) -> SearchResult:
        offset = 1 if after else 0  # for the ranks only
        return service.search(q, top=TOP, sort="newest", after=after, offset=offset).result

    times["page, newest"] = both(lambda: page(None))
    groups = service.groups("day").groups
    for name, place in (("middle", len(groups) // 2), ("end", len(groups) - 1)):
        day = groups[place].name
        first = service.search(f"on:{day}", sort="newest", top=1).result.next_after
        assert first is not None
        afters.append(first)
        times[f"page, {name}"] = both(lambda: page(afters[-1]))
    times["page under a filter"] = both(lambda: page(None, "upper:red"))
    drop(service)
    times["cameras"] = both(lambda: service.groups("camera"), lambda: drop(service))
    times["days"] = both(lambda: service.groups("day"), lambda: drop(service))
    times["counts of everybody"] = both(lambda: service.facets(), lambda: drop(service))
    times["counts under a filter"] = both(lambda: service.facets(q="upper:red"), lambda: drop(service))
    text = "a woman in a red coat"
    times["counts of words"] = both(lambda: service.facets(q=text), lambda: drop(service))
    times["words, newest first"] = both(lambda: page(None, text), lambda: drop(service))
    return times


def drop(service: ArchiveService) -> None:
    """Forget what the server keeps of counts and answers."""
    service._counts.clear()
    service._searches.keep_only(None)


def both(step: Callable[[], object], before: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Return the first time and the median of further ones, in milliseconds."""
    times = []
    for _ in range(1 + AGAIN):
        before()
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    return {"first": times[0], "again": median(times[1:])}


if __name__ == "__main__":
    main()
