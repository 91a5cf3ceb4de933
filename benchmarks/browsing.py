"""Measure browsing without a question: pages anywhere in the order of capture, cameras, days, and counts.

    python benchmarks/browsing.py --people 1000000 --out benchmarks/results/browsing.json

The people are those of ``crowd.py``, in memory as ``par serve`` has them. Each step is timed in the process
of the server, without HTTP: the first time (nothing is kept yet) and the median of further ones. Pages are of
60 people; a page begins after a person anywhere in the list. A list in the order of fit is also read from end
to end, unless ``--some-pages`` leaves that out: of a million people it takes minutes.
"""

import argparse
import json
import resource
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
    arguments.add_argument("--store", type=Path, help="A store that crowd_store.py has made.")
    arguments.add_argument("--some-pages", action="store_true", help="Read no list from end to end.")
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    here = Path(__file__).parents[1]
    folder = Path(tempfile.mkdtemp(prefix="par-browsing-"))
    try:
        store = given.store or folder / "store"
        if given.store is None:
            command = [sys.executable, str(Path(__file__).parent / "crowd_store.py")]
            subprocess.run([*command, str(here), str(store), str(given.people)], check=True)
        times = measured(store, to_the_end=not given.some_pages)
        result = {**provenance(0), "people": given.people, "milliseconds": times}
    finally:
        shutil.rmtree(folder)
    text = json.dumps(result, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


def measured(store: Path, *, to_the_end: bool) -> dict[str, Any]:
    """Return the times of each step in milliseconds.

    Args:
        store: The store.
        to_the_end: Whether a list in the order of fit is read from end to end.
    """
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
    times["by fit, first page"] = both(lambda: service.search("height:>0", top=TOP), lambda: drop(service))
    few = "upper:red"
    times["by fit under a filter"] = both(lambda: service.search(few, top=TOP), lambda: drop(service))
    after = service.search("height:>0", top=TOP).result.next_after
    times["by fit, second page"] = both(lambda: by_fit(service, after))
    times["by fit, page after a value of 0.01"] = both(lambda: by_fit(service, "0.01,f"))
    if to_the_end:
        times["by fit, everybody, 200 a page"] = whole_list(service)
    return times


def by_fit(service: ArchiveService, after: str | None, top: int = TOP) -> SearchResult:
    """Return a page of everybody in the order of fit."""
    return service.search("height:>0", top=top, after=after, offset=1 if after else 0).result


def whole_list(service: ArchiveService) -> dict[str, float]:
    """Read a list from end to end."""
    began = time.perf_counter()
    page = by_fit(service, None, 200)
    people, slowest = 0, 0.0
    while True:
        people += sum(1 + len(hit.similar) for hit in page.hits)
        if page.next_after is None:
            break
        started = time.perf_counter()
        page = by_fit(service, page.next_after, 200)
        slowest = max(slowest, time.perf_counter() - started)
    took = 1000 * (time.perf_counter() - began)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"all pages": took, "slowest page": 1000 * slowest, "people": people, "largest resident MB": most}


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
