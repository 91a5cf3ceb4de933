"""Work on a plan of very many small shards: memory of the driver, cost of handing out, a kill, a new start.

    .venv/bin/python -m benchmarks.many_shards [--shards N]

A folder of hard links to a few tiny pictures is planned with one picture a shard, which is the worst case
for the handing out, and worked on by two processes with the ``fake`` models. The driver is killed (SIGKILL)
at half of the shards; the next one plans what is left. Listing, ledger and commit are not measured here.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from PIL import Image

from benchmarks.machine import provenance
from flows.fan_out import fan_out
from flows.runners import open_pool
from flows.shard_job import ShardJob
from par_core.archive import Entry
from par_core.config import RunConfig, load_config
from par_core.ids import digest_of
from par_core.stages.run import Run
from par_core.stages.shard_work import work_table
from par_core.store.layout import Store
from par_core.store.listings import entries_table
from par_core.store.plan_file import PlanFile
from par_core.store.plan_writer import write_plan

SEED = 1
WORKERS = 2
DIFFERENT = 64  # pictures; a file system allows a few ten thousand hard links to each
RESULTS = Path(__file__).parent / "results" / "many_shards.json"


def settings() -> RunConfig:
    """The settings of all runs."""
    return load_config(profile="fake", machine={"workers": WORKERS, "runner": "dask"})


def pictures(folder: Path, count: int) -> list[Path]:
    """Make ``count`` files, hard links to a few small noisy pictures."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(SEED)
    for number in range(DIFFERENT):
        pixels = random.integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg")
    for number in range(DIFFERENT, count):
        (folder / f"{number:06d}.jpg").hardlink_to(folder / f"{number % DIFFERENT:06d}.jpg")
    return [folder / f"{number:06d}.jpg" for number in range(count)]


def plan(run: Run, files: Sequence[Path]) -> int:
    """Write a plan of the files whose shards are not described; returns their number."""
    folder = run.store.root / "describe" / run.ids.describe
    done = set(os.listdir(folder)) if folder.is_dir() else set()
    with write_plan(run.store) as writer:
        for path in files:
            shard_id = digest_of(str(path))
            if shard_id in done:
                continue
            status = path.stat()
            entries = entries_table([Entry(str(path), status.st_size, str(status.st_mtime_ns))])
            writer.add(shard_id, work_table(entries, pa.array([1], pa.int32()), {}))
    return len(PlanFile.of(run.store))


def drive(root: Path) -> None:
    """Be the driver: work on the plan of a store, and print what was measured, a line of JSON each time."""
    run = Run.of(Store.open(root), settings())
    marks = iter((0.0, 0.1, 0.25, 0.5, 0.75, 1.0))
    wanted, began = next(marks), time.monotonic()

    def finished(_: Sequence[str]) -> None:
        nonlocal wanted
        now = job.progress()
        if now.done_shards < wanted * now.planned_shards:
            return
        usage = resource.getrusage(resource.RUSAGE_SELF)
        line = {
            "share_done": round(now.done_shards / now.planned_shards, 4),
            "shards": now.done_shards,
            "seconds": round(time.monotonic() - began, 2),
            "driver_cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
            "workers_cpu_s": round(workers_cpu(), 2),
            "driver_rss_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
            "driver_peak_rss_mb": round(usage.ru_maxrss / 1e3, 1),
            "tasks": tasks,
        }
        print(json.dumps(line), flush=True)
        wanted = next(marks, 2.0)

    tasks = 0

    class Counting(ShardJob):
        def task(self, part: Any, attempt: str) -> Any:
            nonlocal tasks
            tasks += 1
            return super().task(part, attempt)

    def workers_cpu() -> float:
        children = psutil.Process().children(recursive=True)
        return sum(sum(child.cpu_times()[:2]) for child in children)

    job = Counting(run, PlanFile.of(run.store), finished)
    with open_pool(run.config.machine, "dask", print, run.store.root / "workers.log") as pool:
        failed = fan_out(job, pool, name=f"bench-{os.getpid()}", say=print)
    assert not failed, failed


def driven(root: Path, kill_at: float | None) -> list[dict[str, Any]]:
    """Run a driver in a process of its own, and kill it when a share of its shards is done."""
    command = [sys.executable, "-P", "-m", "benchmarks.many_shards", "--drive", str(root)]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = []
    for text in process.stdout:
        lines.append(json.loads(text))
        print(text, end="", flush=True)
        if kill_at is not None and lines[-1]["share_done"] >= kill_at:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    assert process.returncode == (0 if kill_at is None else -signal.SIGKILL)
    return lines


def costs(lines: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Cost of handing out between the first and the last line: after the start of the workers."""
    first, last = lines[0], lines[-1]
    shards = last["shards"] - first["shards"]
    driver, workers = (last[name] - first[name] for name in ("driver_cpu_s", "workers_cpu_s"))
    return {
        "shards": shards,
        "shards_a_task": shards / (last["tasks"] - first["tasks"]),
        "driver_cpu_ms_a_shard": 1e3 * driver / shards,
        "workers_cpu_ms_a_shard": 1e3 * workers / shards,
        "share_of_driver": driver / (driver + workers),
        "shards_a_second": shards / (last["seconds"] - first["seconds"]),
    }


def measure(shards: int, scratch: Path) -> dict[str, Any]:
    """Plan, start, kill, plan the rest, start again; returns all figures."""
    files = pictures(scratch / "photos", shards)
    run = Run.of(Store.create(scratch / "store"), settings())
    started = time.monotonic()
    planned = plan(run, files)
    planning = time.monotonic() - started
    first = driven(run.store.root, kill_at=0.5)
    left = plan(run, files)
    second = driven(run.store.root, kill_at=None)
    described = len(os.listdir(run.store.root / "describe" / run.ids.describe))
    assert described == planned == shards
    return {
        "shards": planned,
        "images_a_shard": 1,
        "workers": WORKERS,
        "seconds_to_write_the_plan": round(planning, 1),
        "until_the_kill": first,
        "planned_after_the_kill": left,
        "after_the_kill": second,
        "described": described,
        "cost_until_the_kill": costs(first),
        "cost_after_the_kill": costs(second),
        "promised_share_of_driver": 0.01,
        **provenance(SEED),
    }


def main() -> None:
    """Read the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shards", type=int, default=100_000)
    options.add_argument("--scratch", type=Path, help="folder for a temporary store, such as /dev/shm")
    options.add_argument("--drive", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--out", type=Path, default=RESULTS)
    chosen = options.parse_args()
    if chosen.drive is not None:
        drive(chosen.drive)
        return
    with tempfile.TemporaryDirectory(dir=chosen.scratch) as scratch:
        result = measure(chosen.shards, Path(scratch))
    chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    print(
        json.dumps({name: result[name] for name in ("cost_until_the_kill", "cost_after_the_kill")}, indent=1)
    )


if __name__ == "__main__":
    main()
