"""``par serve`` in a process of its own, asked by many users: its rate, processor time and memory."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from scale import Build

__all__ = ["TOP", "USERS", "at_once", "at_rest", "cpu_s", "in_turns", "memory_mb", "running", "summary"]

USERS = 20
TOP = 60


def summary(times: list[float]) -> dict[str, float]:
    """Number and percentiles of some times in milliseconds."""
    return {
        "n": len(times),
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
    }


@contextmanager
def running(store: Path, build: Build, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    """``par serve`` of a build over a store; gives its address and its process."""
    code = f"from {build.par} import main; main()"
    command = [sys.executable, "-P", "-c", code, "serve", "--store", str(store)]
    command += ["--port", "0", "--per-minute", "1000000", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=build.environment(), cwd=build.path
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split(" on ")[1].split(" ")[0]
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


def at_once(address: str, texts: list[str]) -> dict[str, Any]:
    """Many users, each with the next question as soon as the last one is answered."""
    times: list[float] = []
    errors: list[str] = []

    def ask(mine: list[str]) -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            for question in mine:
                started = time.perf_counter()
                answer = client.get("/api/search", params={"q": question, "top": TOP, "weak": "true"})
                if answer.status_code == 200:
                    times.append(1000 * (time.perf_counter() - started))
                else:
                    errors.append(answer.text)

    users = [threading.Thread(target=ask, args=(texts[number::USERS],)) for number in range(USERS)]
    started = time.perf_counter()
    for user in users:
        user.start()
    for user in users:
        user.join()
    seconds = time.perf_counter() - started
    return {
        "users": USERS,
        **summary(times),
        "per_second": len(times) / seconds,
        "errors": len(errors),
        "first_error": errors[0] if errors else None,
    }


def in_turns(servers: dict[str, tuple[str, psutil.Process]], texts: list[str], turns: int) -> dict[str, Any]:
    """Ask servers in turn, each the same questions; returns each turn and the median rates."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
    asked = len(texts) // turns
    for turn in range(turns):
        for name, (address, process) in servers.items():
            before = cpu_s(process)
            figures = at_once(address, texts[turn * asked : (turn + 1) * asked])
            used = cpu_s(process) - before
            told[name].append(figures | {"cpu_ms_an_answer": 1_000 * used / max(figures["n"], 1)})
            print(name, json.dumps(told[name][-1]), file=sys.stderr, flush=True)
    rates = {
        name: float(np.median([one["per_second"] for one in turns_of])) for name, turns_of in told.items()
    }
    return {"turns": told, "answers_a_second": rates}


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a server and its processes so far."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def memory_mb(process: psutil.Process) -> dict[str, float]:
    """Memory in MB of a server and its processes: resident, and with shared pages counted once (PSS)."""
    full = [one.memory_full_info() for one in (process, *process.children(recursive=True))]
    return {
        "processes": len(full),
        "resident": float(sum(one.rss for one in full) / 1e6),
        "pss": float(sum(one.pss for one in full) / 1e6),
    }


def at_rest(process: psutil.Process) -> float:
    """Resident memory in MB of a server, all of its processes, that has nothing to do (any more)."""
    quiet = 0
    while quiet < 3:
        before = cpu_s(process)
        time.sleep(2.0)
        quiet = quiet + 1 if cpu_s(process) - before < 0.04 else 0
    return float(sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6)
