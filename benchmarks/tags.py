"""Measure tags of people: changes, the first look at them, and searches that ask for them.

    python benchmarks/tags.py --people 1000000 --out benchmarks/results/tags.json

The people are those of ``crowd.py``. For each number of tagged people, times are of the process of a server,
without HTTP: the first one and the median of further ones, a tag changed before each; once while LanceDB
answers, and once with the people in memory, as ``par serve`` has them.
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
from par_core.serve.service import ArchiveService
from par_core.tags.change import MOST_AT_ONCE, TagChange, change_tags
from par_core.tags.files import FOLDER
from par_core.tags.of_index import tags_of

TAGGED = (10, 1_000, 20_000)
AGAIN = 5
TOP = 60


def main() -> None:
    """Print the result, and write it where it is wanted."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=1_000_000)
    arguments.add_argument("--store", type=Path, help="A store that crowd_store.py has made; its tags go.")
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    here = Path(__file__).parents[1]
    folder = Path(tempfile.mkdtemp(prefix="par-tags-"))
    try:
        store = given.store or folder / "store"
        if given.store is None:
            command = [sys.executable, str(Path(__file__).parent / "crowd_store.py")]
            subprocess.run([*command, str(here), str(store), str(given.people)], check=True)
        result = {**provenance(0), "people": given.people, "milliseconds": measured(store)}
    finally:
        shutil.rmtree(folder)
    text = json.dumps(result, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


def measured(store: Path) -> dict[str, Any]:
    """Return the times of each step in milliseconds, by number of tagged people."""
    service = ArchiveService(store, load_config())
    service._searcher._resident = None  # LanceDB answers
    ids = [row["person_id"] for row in service.live_index().sample(max(TAGGED), ["person_id"]).to_pylist()]
    found: dict[str, Any] = {}
    resident = ArchiveService(store, load_config())
    resident.warm()
    resident._searcher.wait_until_read()
    for number in TAGGED:
        shutil.rmtree(store / FOLDER, ignore_errors=True)
        for start in range(0, number, MOST_AT_ONCE):
            tag(service, ids[start : min(start + MOST_AT_ONCE, number)], "check")
        found[f"{number} people tagged"] = {
            "on disk": steps(service, ids[:number]),
            "in memory": steps(resident, ids[:number]),
        }
    shutil.rmtree(store / FOLDER, ignore_errors=True)
    return found


def steps(service: ArchiveService, ids: list[str]) -> dict[str, Any]:
    """Return the times of a server."""

    def search(q: str, **more: Any) -> Callable[[], object]:
        return lambda: service.search(q, top=TOP, **more)

    def changed() -> None:
        """Change a tag, so that nothing counts that is kept of tags or answers."""
        change = TagChange.of(["turn"]) if "turn" not in names() else TagChange.of((), ["turn"])
        change_tags(service.store, service.live_index, ids[:1], change, "benchmark")
        service._searches.keep_only(None)

    def names() -> tuple[str, ...]:
        return tags_of(service.live_index()).people[ids[0]].names

    return {
        "tag one person": both(changed),
        "look at the tags after a change": both(lambda: tags_of(service.live_index()), changed),
        **{
            q: both(search(q), changed)
            for q in ("tag:check", "a woman in a red coat tag:check", "upper:red NOT tag:check", "upper:red")
        },
        "tag:check, newest first": both(search("tag:check", sort="newest"), changed),
    }


def both(step: Callable[[], object], before: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Return the first time and the median of further ones, in milliseconds; tags change before each."""
    times = []
    for _ in range(1 + AGAIN):
        before()
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    return {"first": round(times[0], 1), "again": round(median(times[1:]), 1)}


def tag(service: ArchiveService, ids: list[str], *names: str) -> None:
    """Add tags."""
    change_tags(service.store, service.live_index, ids, TagChange.of(names), "benchmark")


if __name__ == "__main__":
    main()
