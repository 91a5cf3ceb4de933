r"""What it costs that workers share no folder with the run: a worker of a Dask scheduler that writes its
shards into a store in a folder, beside one that writes them to S3, with milliseconds added to every request.

    PYTHONPATH=. .venv/bin/python benchmarks/shared_nothing.py > result.json
    PYTHONPATH=. .venv/bin/python benchmarks/shared_nothing.py --photos 512 --shard-size 256 \
        --warm-photos 16 --turns 1 > result.json           # the default setting, about five minutes

An S3 API (moto) and the proxy that delays run in a process of their own, on the same cores. Folder and S3
take turns; the first turn warms up and does not count. Both read the photographs from the folder.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import boto3
import psutil
from distributed import Client, LocalCluster

from benchmarks.machine import provenance
from benchmarks.object_store import BUCKET, SEED, delayed_s3, quartiles
from benchmarks.photos import natural_photos
from flows.index import run_index
from par_core.config import RunConfig, load_config
from par_core.object_store.places import close_copies
from par_core.stages.status import store_status
from par_core.store.layout import Store

AIM: Final = 1.15  # times the wall time of a store in a folder
OF_A_WORKER: Final = {"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}


def cpu_of(process: psutil.Process) -> float:
    """Seconds of processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def one_run(photos: Path, store: Path, config: RunConfig, worker: psutil.Process) -> dict[str, float]:
    """Index, and return seconds by the clock, and of processor time of the run and of its worker."""
    before, started, used = cpu_of(worker), time.perf_counter(), time.process_time()
    report = run_index([str(photos)], store, config, quiet=True)
    assert report.exit_code == 0, report
    return {
        "wall_s": time.perf_counter() - started,
        "driver_cpu_s": time.process_time() - used,
        "worker_cpu_s": cpu_of(worker) - before,
    }


def in_turns(
    photos: Path,
    warm: Path,
    folder: Path,
    turns: int,
    config: RunConfig,
    pid: int,
    requests: Callable[[], int],
) -> Any:
    """Index into a folder and into S3 in turns; the first turn has photographs of its own."""
    worker = psutil.Process(pid)
    results: dict[str, list[dict[str, float]]] = {"folder": [], "s3": []}
    asked = 0
    for turn in range(turns + 1):
        for kind, store in (("folder", folder / f"local{turn}"), ("s3", Path(f"s3://{BUCKET}/run{turn}"))):
            before = requests()
            cost = one_run(photos if turn else warm, store, config, worker)
            asked = requests() - before
            if turn:
                results[kind].append(cost)
            print(kind, turn, cost, file=sys.stderr, flush=True)
    names = ("wall_s", "driver_cpu_s", "worker_cpu_s")
    costs = {
        kind: {
            name: {part: round(value, 2) for part, value in quartiles([each[name] for each in runs]).items()}
            for name in names
        }
        for kind, runs in results.items()
    }
    ratio = costs["s3"]["wall_s"]["median"] / costs["folder"]["wall_s"]["median"]
    return {"costs": costs, "ratio_wall": round(ratio, 3), "aim": AIM, "requests_a_run_on_s3": asked}


def sizes(store: Store) -> dict[str, int]:
    """Shards of a store, people in it, and the bytes of shards and of all else."""
    files = [
        (path.relative_to(store.root).parts[0], path.stat().st_size)
        for path in store.root.rglob("*")
        if path.is_file()
    ]
    of_shards = sum(size for top, size in files if top in ("segment", "describe"))
    return {
        "shards": len(list(store.root.glob("segment/*/*/manifest.json"))),
        "people": store_status(store).rows,
        "bytes_of_shards": of_shards,
        "bytes_of_all_else": sum(size for _, size in files) - of_shards,
    }


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=64, help="number of photographs")
    parser.add_argument("--warm-photos", type=int, help="of the turn that warms up; as many without")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--shard-size", type=int, default=8)
    parser.add_argument("--delay-ms", type=float, default=5.0)
    options = parser.parse_args()
    result = provenance(SEED)
    with delayed_s3(options.delay_ms) as (url, requests), tempfile.TemporaryDirectory() as name:
        access = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        os.environ |= access | OF_A_WORKER | {"XDG_CACHE_HOME": f"{name}/cache"}
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        with (
            LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            [pid] = client.run(os.getpid).values()
            config = load_config(
                machine={"scheduler": cluster.scheduler_address, "shard_size": options.shard_size}
            )
            folder = Path(name)
            source = natural_photos(folder / "photos", options.photos, SEED)
            warm = folder / "photos"
            if options.warm_photos:
                warm = folder / "warm"
                natural_photos(warm, options.warm_photos, SEED)
            measured = in_turns(folder / "photos", warm, folder, options.turns, config, pid, requests)
            stores = sizes(Store.open(folder / f"local{options.turns}"))
            close_copies()
    result |= {
        "delay_ms": options.delay_ms,
        "photos": options.photos,
        "source": source,
        "shard_size": options.shard_size,
        "turns": options.turns,
        "store": stores,
        **measured,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
