"""What a store on S3 costs beside one in a folder, with milliseconds added to every request.

    PYTHONPATH=. .venv/bin/python benchmarks/object_store.py --photos FOLDER > result.json

An S3 API (moto) and the proxy that delays run in a process of their own, on the same cores. Folder and S3
take turns. Each run of ``par index`` makes a new store; questions go to the last one of each kind, with the
people in memory, as a server answers them. The same table is also asked straight from S3, by LanceDB's own
access to it.
"""

import argparse
import json
import logging
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import boto3
import fsspec
import lancedb
from moto.server import ThreadedMotoServer

from benchmarks.faulty_proxy import faulty_proxy
from benchmarks.machine import provenance
from flows.index import run_index
from par_core.config import RunConfig, load_config
from par_core.object_store.s3 import S3Objects
from par_core.query.from_store import Question, Searcher
from par_core.store.layout import Store

SEED: Final = 0
BUCKET: Final = "people"
QUESTIONS: Final = ("a person in a red coat", "a woman with a bag", "dark trousers", "a person with a hat")


def _serve(channel: Connection, delay_s: float) -> None:
    """Run the S3 API and the proxy; answer each message with the number of requests so far."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with faulty_proxy(server.get_host_and_port()) as proxy:
        proxy.delay_s = delay_s
        channel.send(proxy.url)
        while channel.recv():
            channel.send(len(proxy.seen))
    server.stop()


@contextmanager
def delayed_s3(delay_ms: float) -> Iterator[tuple[str, Callable[[], int]]]:
    """Run an S3 API in a process of its own, with milliseconds added to every request; gives its URL and a
    function that returns the number of requests so far.
    """
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, delay_ms / 1000), daemon=True
    )
    server.start()

    def requests() -> int:
        ours.send(True)
        return int(ours.recv())

    try:
        yield ours.recv(), requests
    finally:
        ours.send(False)
        server.join(10)
        server.terminate()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of this process's processor time."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def quartiles(values: list[float]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {"median": middle, "low": low, "high": high}


def index_in_turns(
    photos: Path, folder: Path, turns: int, config: RunConfig, requests: Callable[[], int]
) -> Any:
    """Index into a folder and into S3 in turns; the first of each kind warms up and does not count."""
    results: dict[str, list[tuple[float, float]]] = {"folder": [], "s3": []}
    asked = []
    for turn in range(turns + 1):
        before = requests()
        for kind, store in (("folder", folder / f"local{turn}"), ("s3", Path(f"s3://{BUCKET}/run{turn}"))):
            cost = timed(lambda store=store: run_index([str(photos)], store, config, quiet=True))
            if turn:
                results[kind].append(cost)
            print(kind, turn, *(f"{value:.2f}" for value in cost), file=sys.stderr, flush=True)
        asked.append(requests() - before)
    walls = {kind: [cost[0] for cost in costs] for kind, costs in results.items()}
    cpu = {kind: [cost[1] for cost in costs] for kind, costs in results.items()}
    return {
        "wall_s": {kind: quartiles(values) for kind, values in walls.items()},
        "cpu_s": {kind: quartiles(values) for kind, values in cpu.items()},
        "requests_a_run": asked[-1],
        "ratio_wall": statistics.median(walls["s3"]) / statistics.median(walls["folder"]),
        "ratio_cpu": statistics.median(cpu["s3"]) / statistics.median(cpu["folder"]),
    }


def ask_in_turns(stores: dict[str, Path], rounds: int, config: RunConfig) -> Any:
    """Ask both stores the same questions in turns, warm."""
    searchers = {kind: Searcher(store, config, resident=True) for kind, store in stores.items()}
    took: dict[str, list[float]] = {kind: [] for kind in stores}
    for searcher in searchers.values():
        searcher.warm()
        searcher.wait_until_read()
        for text in QUESTIONS:
            searcher.ask(Question(text))
    for _ in range(rounds):
        for text in QUESTIONS:
            for kind, searcher in searchers.items():
                took[kind].append(timed(lambda: searcher.ask(Question(text)))[0] * 1000)  # noqa: B023
    return {
        "people": len(next(iter(searchers.values())).index()),
        "ms": {kind: quartiles(values) for kind, values in took.items()},
        "ratio_p50": statistics.median(took["s3"]) / statistics.median(took["folder"]),
    }


def straight_from_s3(folder: Path, url: str, rounds: int) -> Any:
    """The same table by LanceDB, from the folder and from S3: nearest vectors, after one question of each."""
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    for path in (folder / "index.lance").rglob("*"):
        if path.is_file():
            client.upload_file(str(path), BUCKET, f"lance/{path.relative_to(folder / 'index.lance')}")
    options = {
        "endpoint": url,
        "allow_http": "true",
        "region": "us-east-1",
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
    }
    tables = {
        "folder": lancedb.connect(folder / "index.lance").open_table("people"),
        "s3": lancedb.connect(f"s3://{BUCKET}/lance", storage_options=options).open_table("people"),
    }
    vector = tables["folder"].search().limit(1).to_arrow()["vector"][0].as_py()
    took: dict[str, list[float]] = {kind: [] for kind in tables}
    for turn in range(rounds + 1):
        for kind, table in tables.items():
            ms = timed(lambda: table.search(vector).limit(20).to_arrow())[0] * 1000  # noqa: B023
            if turn:
                took[kind].append(ms)
    return {
        "ms": {kind: quartiles(values) for kind, values in took.items()},
        "ratio_p50": statistics.median(took["s3"]) / statistics.median(took["folder"]),
    }


def client_cost(objects: S3Objects, n: int) -> Any:
    """Processor time of a request of the client, in this process."""
    content = os.urandom(1_000)
    put = timed(lambda: [objects.put(f"x{number}", content) for number in range(n)])[1]
    got = timed(lambda: [objects.get(f"x{number}") for number in range(n)])[1]
    return {"put_cpu_ms": put / n * 1000, "get_cpu_ms": got / n * 1000, "requests": n}


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--delay-ms", type=float, default=5.0)
    options = parser.parse_args()
    result = provenance(SEED)
    with delayed_s3(options.delay_ms) as (url, requests), tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        fsspec.config.conf["s3"] = {"endpoint_url": url, "key": "a", "secret": "b"}
        boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        ).create_bucket(Bucket=BUCKET)
        config = load_config(machine={"runner": "threads", "workers": 1})
        indexed = index_in_turns(options.photos, Path(name), options.turns, config, requests)
        stores = {
            "folder": Path(name) / f"local{options.turns}",
            "s3": Path(f"s3://{BUCKET}/run{options.turns}"),
        }
        asked = ask_in_turns(stores, options.rounds, config)
        straight = straight_from_s3(Store.open(stores["folder"]).root, url, options.rounds)
        client = client_cost(S3Objects(f"s3://{BUCKET}/client"), 200)
    result |= {
        "delay_ms": options.delay_ms,
        "photos": len(list(options.photos.iterdir())),
        "turns": options.turns,
        "index": indexed,
        "questions": asked,
        "lancedb_straight_from_s3": straight,
        "client": client,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
