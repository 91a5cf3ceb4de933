"""The time that a server adds to a search, and the times of twenty users at once.

    python benchmarks/serving.py --store build/store-ccp
    python benchmarks/serving.py --store NEW --base CHECKOUT --base-store BASE  # beside commit c23fcd2
    python benchmarks/serving.py --store NEW --processes        # one process beside one a core, in turn

A real server (uvicorn), real connections, the shipped models. Every question is a new one, so no answer comes
from the cache of recent answers, unless a figure says so. The added time is measured request by request: the
time that a client waits for the bytes of the answer, minus the time of the search within that request; client
and server share one process here, and so its lock. The twenty users ask a server in a process of its own. The
store is copied first; the questions go into the audit log of the copy.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from scale import BASE, Build, base_build
from served import TOP, USERS, at_once, at_rest, in_turns, memory_mb, running, summary

from par_core.config import load_config
from par_core.serve.app import create_app
from par_core.serve.client import Client
from par_core.serve.server import address_of, bind, make_server
from par_core.serve.service import ArchiveService
from par_core.serve.settings import ServeSettings

HERE = Path(__file__).resolve().parent
SEED = 0
TURNS = 150
PROCESS_STARTS_S = 15.0
WHO = ("woman", "man", "person")
COLOURS = (
    "black",
    "white",
    "grey",
    "red",
    "blue",
    "green",
    "brown",
    "yellow",
    "purple",
    "pink",
    "orange",
    "beige",
)
WORN = ("coat", "jacket", "dress", "sweater", "shirt", "skirt", "trousers", "jeans", "shorts", "boots")
WITH = ("a bag", "a hat", "a scarf", "glasses", "long hair", "a belt")


def questions(seed: int) -> list[str]:
    """All sentences of these words, no two alike, in a random order."""
    texts = [
        f"a {who} in a {colour} {worn} with {thing}"
        for who, colour, worn, thing in product(WHO, COLOURS, WORN, WITH)
    ]
    random.Random(seed).shuffle(texts)
    return texts


@contextmanager
def server(store: Path) -> Iterator[str]:
    """``par serve`` of this build over a store; gives its address."""
    with running(store, Build("new", HERE.parent, "flows.cli.main")) as (address, _):
        yield address


def beside(base: Path, stores: dict[str, Path], texts: list[str], turns: int) -> dict[str, Any]:
    """Two builds in turn: many users at once, and the memory at rest before them.

    Args:
        base: Checkout of the other build.
        stores: A store of the same people for ``base`` and ``new``, each made by its build.
        texts: Questions, each asked once of each build.
        turns: Number of turns, A B A B.
    """
    builds = {"base": base_build(base), "new": Build("new", HERE.parent, "flows.cli.main")}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(running(stores[name].resolve(), build))
            for name, build in builds.items()
        }
        memory = {name: at_rest(process) for name, (_, process) in servers.items()}
        found = in_turns(servers, texts, turns)
    rates = found["answers_a_second"]
    return {
        **found,
        "memory_at_rest_mb": memory,
        "memory_new/base": round(memory["new"] / memory["base"], 3),
        "answers_new/base": round(rates["new"] / rates["base"], 3),
    }


def processes(store: Path, texts: list[str], turns: int) -> dict[str, Any]:
    """This build with one process and with one for each core, in turn: many users at once, and the memory
    before, meanwhile and after.
    """
    build = Build("new", HERE.parent, "flows.cli.main")
    with ExitStack() as stack:
        servers = {
            "one": stack.enter_context(running(store.resolve(), build, "--processes", "1")),
            "all": stack.enter_context(running(store.resolve(), build)),
        }
        memory = {name: at_rest(process) for name, (_, process) in servers.items()}
        in_turns(servers, texts[: 2 * USERS], 1)  # further processes are started by many questions at once
        time.sleep(PROCESS_STARTS_S)
        found = in_turns(servers, texts[2 * USERS :], turns)
        loaded = {name: memory_mb(process) for name, (_, process) in servers.items()}
    rates = found["answers_a_second"]
    return {
        **found,
        "memory_at_rest_mb": memory,
        "memory_after_many_mb": loaded,
        "answers_all/one": round(rates["all"] / rates["one"], 3),
    }


@contextmanager
def in_thread(service: ArchiveService) -> Iterator[str]:
    """A server in a thread of this process; gives its address."""
    with bind("127.0.0.1", 0) as listening:
        running = make_server(create_app(service, ServeSettings(requests_per_minute=1_000_000)))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield address_of(listening, "127.0.0.1")  # connections wait until the server answers
        running.should_exit = True
        thread.join()


def one_user(store: Path, texts: list[str]) -> dict[str, Any]:
    """One question after the other, each with its next page and the picture of its first hit."""
    service = ArchiveService(store, load_config())
    searching: list[float] = []
    search = service.search

    def timed(*positional: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return search(*positional, **named)
        finally:
            searching.append(1000 * (time.perf_counter() - started))

    service.search = timed  # type: ignore[method-assign]
    waited: dict[str, list[float]] = {"search": [], "next_page_by_the_typed_client": [], "crop": []}

    def ask(kind: str, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        answer = call()
        waited[kind].append(1000 * (time.perf_counter() - started))
        return answer

    inside = []
    with in_thread(service) as address, Client(address) as client, httpx.Client(base_url=address) as plain:
        for question in texts[:10]:  # warm
            client.search(question, top=TOP)
        for question in texts[10:]:
            answer = ask(
                "search",
                partial(plain.get, "/api/search", params={"q": question, "top": TOP, "weak": "true"}),
            )
            inside.append(searching[-1])
            ask(
                "next_page_by_the_typed_client",
                partial(client.search, question, top=TOP, offset=TOP, weak=True),
            )
            ask("crop", partial(client.crop, answer.json()["results"][0]["person_id"]))
        people = client.status().people
    added = [whole - part for whole, part in zip(waited["search"], inside, strict=True)]
    return {
        "people": people,
        "search_alone": summary(inside),
        "added_by_serving": summary(added),
        **{kind: summary(times) for kind, times in waited.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True, help="a store of the compact profile")
    parser.add_argument("--base", type=Path, help=f"checkout of {BASE}, to take turns with it")
    parser.add_argument("--base-store", type=Path, help="a store of the same people, made by the base")
    parser.add_argument("--processes", action="store_true", help="one process beside one a core, in turn")
    parser.add_argument("--asked", type=int, default=30, help="questions of each of the users (default: 30)")
    options, where = parser.parse_args(), provenance(SEED)
    source, texts = options.store, questions(SEED)
    if options.base:
        stores = {"base": options.base_store, "new": source}
        figures = beside(options.base, stores, texts[: options.asked * USERS], turns=2)
        print(json.dumps({"part": "serving_beside", "top": TOP, "base": BASE, **figures, **where}, indent=1))
        return
    if options.processes:
        figures = processes(source, texts[: (options.asked + 2) * USERS], turns=2)
        print(json.dumps({"part": "serving_processes", "top": TOP, **figures, **where}, indent=1))
        return
    with tempfile.TemporaryDirectory() as folder:
        store = shutil.copytree(source, Path(folder) / "store")
        single = one_user(store, texts[: 10 + TURNS])
        with server(store) as address:
            many = at_once(address, texts[10 + TURNS : 10 + TURNS + 30 * USERS])
    print(
        json.dumps(
            {"part": "serving", "top": TOP, "one_user": single, "users_at_once": many, **where}, indent=1
        )
    )


if __name__ == "__main__":
    main()
