"""How much faster two hosts index than one: a Dask worker on each, pinned to a core of its own.

    PYTHONPATH=. .venv/bin/python benchmarks/two_hosts.py > benchmarks/results/two_hosts.json

The hosts are network namespaces of one machine with two cores (root; iproute2 and util-linux): driver,
scheduler and two workers, started as deployments/README.md says. One host: one worker, pinned to the first
core in one turn and to the second in the next, since cores of a virtual machine need not be equally quick.
Two hosts: a worker pinned to each. Driver and scheduler are pinned to nothing: beside one worker they find a
free core, as on hosts of their own, beside two they do not; what they used is in the result. One and two
hosts take turns, each with new processes and a new store.

Three figures of each turn. The wall time of the whole command ``par index``, with its start, the loading of
the models and the commit. The steady rate, by what the manifests of the stored shards account: images for
each second of work on them, without the first shard of each worker, times the workers. And the processor time
of the workers, which says whether two do more for a picture than one, also where others use the machine:
``others_share`` is the share of both cores that anything else took meanwhile. With others on the machine the
first two figures say little.

The control is arithmetic without PAR: one process, on the cores in turn, beside two on both, with products of
numpy that fit into the cache, and with the features of the segmenter by OpenVINO. That is the limit of this
machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Final

import psutil

from benchmarks.machine import provenance
from benchmarks.network_hosts import Hosts
from benchmarks.photos import natural_photos
from par_core.stages.status import store_status
from par_core.store.layout import Store

SEED: Final = 0
TARGET: Final = 1.85
BIN: Final = Path(sys.executable).parent
QUIET: Final = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
WORKERS: Final = ("one", "two")
KINDS: Final = ("numpy", "openvino")
ALL_CORES: Final = (0, 1)
_START_S: Final = 60
_RUN_S: Final = 600


def index_on(cores: Sequence[int], photos: Path, folder: Path, shard_size: int) -> dict[str, float]:
    """Index with a worker on each of some cores, on hosts of their own; returns the figures of the turn."""
    folder.mkdir()
    n_hosts = len(cores)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PAR_"))}
    environment = {**kept, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    with Hosts(folder, environment) as hosts:
        own = hosts.address("scheduler")
        dask, address = str(BIN / "dask"), f"tcp://{own}:8786"
        same = {"start_new_session": False}  # where sessions share the processor in groups, all are in one
        scheduler = hosts.start("scheduler", [dask, "scheduler", "--host", own, *QUIET], **same)
        workers = []
        for core, host in zip(cores, WORKERS, strict=False):
            worker = [dask, "worker", address, "--host", hosts.address(host), "--nthreads", "1"]
            pinned = ["taskset", "-c", str(core), *worker, "--memory-limit", "0", *QUIET]
            workers.append(hosts.start(host, pinned, **same))
        wait = f"from distributed import Client; Client({address!r}).wait_for_workers({n_hosts}, {_START_S})"
        assert hosts.start("driver", [sys.executable, "-P", "-c", wait], **same).wait(_START_S + 30) == 0
        store = folder / "store"
        typed = ["index", str(photos), "--store", str(store), "--scheduler", address, "--quiet"]
        before = [cpu_of(process.pid) for process in (scheduler, *workers)]
        started, busy = time.perf_counter(), busy_s()
        run = hosts.start("driver", [str(BIN / "par"), *typed, "--shard-size", str(shard_size)], **same)
        used = cpu_until_it_ends(run)
        wall, busy = time.perf_counter() - started, busy_s() - busy
        after = [cpu_of(process.pid) for process in (scheduler, *workers)]
    assert run.returncode == 0, (folder / "driver.log").read_text()
    return {
        "wall_s": wall,
        "images_a_second_steady": steady_rate(store, n_hosts),
        "workers_cpu_s": sum(after[1:]) - sum(before[1:]),
        "driver_cpu_s": used,
        "scheduler_cpu_s": after[0] - before[0],
        "others_share": max(0.0, busy - used - sum(after) + sum(before)) / wall / len(ALL_CORES),
    }


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and its children."""
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def busy_s() -> float:
    """Seconds for which the cores were busy since the machine started, also for other machines on it."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait


def cpu_until_it_ends(run: "subprocess.Popen[str]") -> float:
    """Wait for the end of a process; returns its processor time."""
    process, used = psutil.Process(run.pid), 0.0
    end = time.monotonic() + _RUN_S
    while run.poll() is None:
        assert time.monotonic() < end, "the run does not end"
        try:
            used = sum(process.cpu_times()[:2])
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        time.sleep(0.05)
    return used


def steady_rate(root: Path, workers: int) -> float:
    """Images a second by what the manifests account, without the first shard of each worker."""
    shards = []
    for path in root.glob("describe/*/*/manifest.json"):
        [other] = root.glob(f"segment/*/{path.parent.name}/manifest.json")
        infos = [json.loads(each.read_bytes())["info"] for each in (other, path)]
        shards.append((path.stat().st_mtime, infos[0]["entries"], sum(info["seconds"] for info in infos)))
    later = sorted(shards)[workers:]
    return workers * sum(entries for _, entries, _ in later) / sum(seconds for *_, seconds in later)


def compute(kind: str, seconds: float) -> None:
    """Compute for some seconds once a line arrives, and print how often a second."""
    work = products() if kind == "numpy" else features()
    work()
    print("ready", flush=True)
    sys.stdin.readline()
    started, n = time.perf_counter(), 0
    while (took := time.perf_counter() - started) < seconds:
        work()
        n += 1
    print(n / took)


def products() -> Any:
    """Ten products of matrices that stay in the cache of a core."""
    import numpy as np

    left, right = np.random.default_rng(SEED).standard_normal((2, 256, 256), np.float32)
    return lambda: [left @ right for _ in range(10)]


def features() -> Any:
    """The segmenter's features of one picture, in the precision that PAR takes here, by one thread."""
    import numpy as np

    from par_core.models.hardware import cpu_computes_bf16
    from par_core.models.openvino_library import cpu_settings, openvino_library
    from par_core.models.shipped import FILES
    from par_core.models.shipped_networks import read_network

    model = read_network("segmenter-compact.features", FILES[0])
    model.reshape({model.inputs[0]: [1, 3, 640, 896]})
    precision = "bf16" if cpu_computes_bf16() else "fp32"
    request = (
        openvino_library()
        .Core()
        .compile_model(model, "CPU", cpu_settings(precision, 1))
        .create_infer_request()
    )
    picture = np.random.default_rng(SEED).random((1, 3, 640, 896), np.float32)
    return lambda: request.infer([picture])


def computed(kind: str, cores: Sequence[int], seconds: float) -> float:
    """How often a second processes on some cores compute together."""
    typed = [sys.executable, "-P", str(Path(__file__)), "--compute", kind, "--seconds", str(seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            ["taskset", "-c", str(core), *typed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for core in cores
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(float(process.communicate(timeout=seconds + 60)[0]) for process in started)


def in_turns(turns: int, measure: Callable[[Sequence[int], int], Any]) -> dict[str, list[Any]]:
    """Measure one core and two in turns: the first, both, the second, both."""
    results: dict[str, list[Any]] = {"one": [], "two": []}
    for turn in range(turns):
        for cores, name in (((turn % 2,), "one"), (ALL_CORES, "two")):
            results[name].append(measure(cores, turn))
            print(name, turn, results[name][-1], file=sys.stderr, flush=True)
    return results


def of(results: dict[str, list[dict[str, float]]], figure: str) -> dict[str, float]:
    """Means of one figure."""
    return {name: mean(turn[figure] for turn in turns) for name, turns in results.items()}


def main() -> None:
    """Measure, or compute for the control."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=384, help="number of photographs")
    parser.add_argument("--shard-size", type=int, default=16)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn of the control")
    parser.add_argument("--compute", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compute:
        compute(options.compute, options.seconds)
    else:
        measured(options)


def measured(options: argparse.Namespace) -> None:
    """Measure, and print the result."""
    result = provenance(SEED)
    result["cores"] = subprocess.run(["lscpu", "-e"], capture_output=True, text=True, check=True).stdout
    control = {
        kind: in_turns(options.turns, lambda cores, _, kind=kind: computed(kind, cores, options.seconds))
        for kind in KINDS
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = natural_photos(folder / "photos", options.photos, SEED)

        def measure(cores: Sequence[int], turn: int) -> dict[str, float]:
            place = folder / f"run{len(cores)}-{turn}"
            return index_on(cores, folder / "photos", place, options.shard_size)

        indexed = in_turns(options.turns, measure)
        last = store_status(Store.open(folder / f"run2-{options.turns - 1}" / "store"))
    walls, rates = of(indexed, "wall_s"), of(indexed, "images_a_second_steady")
    cpu = of(indexed, "workers_cpu_s")
    result |= {
        "photos": source,
        "people": last.rows,
        "shard_size": options.shard_size,
        "turns": indexed,
        "target": TARGET,
        "ratio_wall": walls["one"] / walls["two"],
        "ratio_steady": rates["two"] / rates["one"],
        "ratio_by_processor_time": 2 * cpu["one"] / cpu["two"],
        "control_a_second": control,
        "ratio_control": {kind: mean(each["two"]) / mean(each["one"]) for kind, each in control.items()},
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
