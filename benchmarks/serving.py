"""What a server adds to a search, and how twenty users at once fare.

    python benchmarks/serving.py --store build/store-ccp

A real server (uvicorn) in a process of its own, real connections, the shipped models. Every question is a new one, so nothing comes from the
memory of recent answers, except where it is said. The store is copied first; what is asked is written to the copy's audit log, as it always is.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from machine import provenance

from par_core.config import load_config
from par_core.serve.client import Client, ServerError
from par_core.serve.service import ArchiveService

SEED = 0
USERS = 20
TURNS = 150
TOP = 60
WHO = ("woman", "man", "person")
COLOURS = ("black", "white", "grey", "red", "blue", "green", "brown", "yellow", "purple", "pink", "orange", "beige")
WORN = ("coat", "jacket", "dress", "sweater", "shirt", "skirt", "trousers", "jeans", "shorts", "boots")
WITH = ("a bag", "a hat", "a scarf", "glasses", "long hair", "a belt")


def questions(seed: int) -> list[str]:
    """All sentences of these words, no two alike, in a random order."""
    asked = [f"a {who} in a {colour} {worn} with {thing}" for who, colour, worn, thing in product(WHO, COLOURS, WORN, WITH)]
    random.Random(seed).shuffle(asked)
    return asked


def milliseconds(calls: list[Callable[[], Any]]) -> dict[str, float]:
    """Median and 99th percentile of calls, one after the other."""
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return told(times)


def told(times: list[float]) -> dict[str, float]:
    """The figures of some times in milliseconds."""
    return {"n": len(times), "p50_ms": float(np.percentile(times, 50)), "p99_ms": float(np.percentile(times, 99))}


@contextmanager
def server(store: Path) -> Iterator[str]:
    """``par serve`` over a store; gives its address."""
    command = [sys.executable, "-m", "flows.cli", "serve", "--store", str(store), "--port", "0", "--per-minute", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split(" on ")[1].split(" ")[0]
        finally:
            process.terminate()


def overhead(service: ArchiveService, client: Client, asked: list[str]) -> dict[str, Any]:
    """One user: the same kind of question to the service in this process and to the server, taking turns, so that both see the same machine."""
    inside, outside, again, crops = [], [], [], []
    for mine, theirs in zip(asked[::2], asked[1::2], strict=True):
        for times, call in (
            (inside, lambda mine=mine: service.search(mine, top=TOP)),
            (outside, lambda theirs=theirs: client.search(theirs, top=TOP)),
            (again, lambda theirs=theirs: client.search(theirs, top=TOP, offset=TOP)),
        ):
            started = time.perf_counter()
            answer = call()
            times.append(1000 * (time.perf_counter() - started))
        if answer.results:
            crops.append(milliseconds([lambda found=answer.results[0].person_id: client.crop(found)])["p50_ms"])
    figures = {"service": told(inside), "http": told(outside), "http_next_page": told(again), "http_crop": told(crops)}
    return figures | {"overhead_p50_ms": figures["http"]["p50_ms"] - figures["service"]["p50_ms"]}


def at_once(address: str, asked: list[str]) -> dict[str, Any]:
    """Many users, each with the next question as soon as the last one is answered."""
    times: list[float] = []
    errors: list[str] = []

    def ask(mine: list[str]) -> None:
        with Client(address) as client:
            for question in mine:
                started = time.perf_counter()
                try:
                    client.search(question, top=TOP)
                    times.append(1000 * (time.perf_counter() - started))
                except ServerError as error:
                    errors.append(str(error))

    users = [threading.Thread(target=ask, args=(asked[number::USERS],)) for number in range(USERS)]
    started = time.perf_counter()
    for user in users:
        user.start()
    for user in users:
        user.join()
    seconds = time.perf_counter() - started
    return {"users": USERS, **told(times), "per_second": len(times) / seconds, "errors": len(errors), "first_error": errors[0] if errors else None}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a store of the compact profile")
    given, where = parser.parse_args().store, provenance(SEED)
    asked = questions(SEED)
    with tempfile.TemporaryDirectory() as folder:
        store = shutil.copytree(given, Path(folder) / "store")
        service = ArchiveService(store, load_config())
        service.warm()
        with server(store) as address, Client(address) as client:
            milliseconds([lambda question=question: client.search(question) for question in asked[:10]])  # warm
            people = client.status().people
            single = overhead(service, client, asked[10 : 10 + 2 * TURNS])
            many = at_once(address, asked[10 + 2 * TURNS : 10 + 2 * TURNS + 30 * USERS])
    print(json.dumps({"part": "serving", "people": people, "top": TOP, "one_user": single, "users_at_once": many, **where}, indent=1))


if __name__ == "__main__":
    main()
