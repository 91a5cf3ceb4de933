"""Is PAR as fast as it says? Prints and writes one JSON with every figure, losses included.

    python benchmarks/bench.py                 # about two hours on two cores
    python benchmarks/bench.py --only replan   # one part

Parts (ratios within one run; the machine may be noisy):
  compact        par index against the obvious script (obvious.py), whole commands, A B A B
  clip           detector and describer of the clip architectures with random weights, two processes against
                 two threads
  orchestration  cost of a task on Dask, as a share of a default shard's work
  memory         resident memory of the run after 500 and after 4,000 images
  replan         an unchanged archive of 20,000 files
  search         import, model load, and a warm query
  search_speed   searches of 10,000 to 1,000,000 people (search_speed.py: 10 minutes of its own)
  light          installed size, start, search, server and index run beside commit c23fcd2 (light.py: an hour)
  start          what the index of six photographs spends its CPU seconds and memory on (start.py)
  serving        what par serve adds to a search, and twenty users at once (serving.py)
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from photos import natural_photos
from random_weights import write_random_weights

from flows.pools import one_thread_each

PAR = str(Path(sys.executable).with_name("par"))
SEED = 0
WORKERS = 2
# in which every shard is handed out again, so that the cost of one stands out from that of the start
TURNS = 30


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds of a whole command, and its output; an error if the command fails."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return time.monotonic() - started, done.stdout


def index(photos: Path, store: Path, *options: str) -> tuple[float, dict[str, Any]]:
    """Index with the command line; seconds and the report."""
    seconds, output = timed(
        [PAR, "index", str(photos), "--store", str(store), "--workers", str(WORKERS), "--json", *options]
    )
    return seconds, json.loads(output)


def compact(scratch: Path) -> dict[str, Any]:
    """End to end against the obvious script, alternating."""
    n = 500
    what = natural_photos(scratch / "photos", n, SEED)
    ours, theirs, people = [], [], {}
    for turn in range(2):
        seconds, report = index(scratch / "photos", scratch / f"store{turn}", "--runner", "dask")
        ours.append(seconds)
        people["par"] = report["commit"]["rows"]
        seconds, output = timed(
            [
                sys.executable,
                "benchmarks/obvious.py",
                str(scratch / "photos"),
                str(scratch / f"db{turn}"),
                "--threads",
                str(WORKERS),
            ]
        )
        theirs.append(seconds)
        people["obvious"] = json.loads(output)["people"]
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "photos": what,
        "images": n,
        "par_s": ours,
        "obvious_s": theirs,
        "people": people,
        "ratios": ratios,
        "ratio": median(ratios),
        "promised": 2.0,
    }


def _segment_some(photos: list[str], profile_options: dict[str, Any]) -> float:
    """One worker process of PAR: seconds for some pictures after a warm-up."""
    from par_core.archive import decode
    from par_core.config import load_config
    from par_core.models.profiles import load_describer, load_segmenter

    config = load_config(**profile_options)
    segmenter, describer = load_segmenter(config), load_describer(config)
    images = [decode(Path(path).read_bytes(), config.archive).pixels for path in photos]
    segmenter.segment(images[:1])
    describer.describe([images[0]])
    started = time.monotonic()
    segmenter.segment(images)
    # two people a picture
    describer.describe([image[: image.shape[0] // 2] for image in images for _ in range(2)])
    return time.monotonic() - started


def _obvious_some(photos: list[str], weights: Path) -> tuple[float, int]:
    """The obvious way with the same networks, one at a time, fp32, torch's threads: seconds, and objects that
    the detector reported.
    """
    import torch
    from obvious import models
    from PIL import Image

    torch.set_num_threads(WORKERS)
    network, describer, (height, width) = models("clip", weights)
    images = [np.asarray(Image.open(path).convert("RGB")).copy() for path in photos]
    started, objects = time.monotonic(), 0
    with torch.no_grad():
        for image in images:
            objects += len(network([torch.from_numpy(image).permute(2, 0, 1).float() / 255])[0]["labels"])
            for _ in range(2):
                crop = Image.fromarray(image[: image.shape[0] // 2]).resize(
                    (width, height), Image.Resampling.BICUBIC
                )
                describer(torch.from_numpy(np.asarray(crop).copy()).permute(2, 0, 1).float()[None] / 255)
    return time.monotonic() - started, objects


def clip(scratch: Path) -> dict[str, Any]:
    """The paper's architectures with random weights: two processes of one thread against one of two."""
    natural_photos(scratch / "photos", 12, SEED)
    photos = sorted(str(path) for path in (scratch / "photos").iterdir())
    write_random_weights(scratch / "weights", [Path(path) for path in photos[::4]], SEED)
    options = {"profile": "clip", "weights_dir": scratch / "weights", "clip": {"pretrained": "random"}}
    ours, theirs, objects = [], [], 0
    as_workers = mock.patch.dict(os.environ, one_thread_each(1))
    for _ in range(2):
        with as_workers, ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            ours.append(
                max(
                    pool.map(_segment_some, [photos[i::WORKERS] for i in range(WORKERS)], [options] * WORKERS)
                )
            )
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            seconds, objects = pool.submit(_obvious_some, photos, scratch / "weights").result()
            theirs.append(seconds)
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    note = (
        "both describe two people a picture; the obvious script makes masks for all objects, PAR for the"
        " people among them, of whom random weights find few"
    )
    return {
        "images": len(photos),
        "objects_a_picture": objects / len(photos),
        "par_s": ours,
        "obvious_s": theirs,
        "ratios": ratios,
        "ratio": median(ratios),
        "promised": 2.5,
        "note": note,
    }


def orchestration(scratch: Path) -> dict[str, Any]:
    """Cost of handing a shard to Dask, against the work in a default shard."""
    what = natural_photos(scratch / "photos", 128, SEED)
    _, report = index(scratch / "photos", scratch / "store", "--runner", "dask", "--shard-size", "4")
    seconds = {
        stage: [
            json.loads(path.read_text())["info"]["seconds"]
            for path in (scratch / "store").glob(f"{stage}/*/*/manifest.json")
        ]
        for stage in ("segment", "describe")
    }
    # medians, so that loading the models does not count as work
    work_of_four = sum(median(each) for each in seconds.values())
    n_shards = len(seconds["segment"])
    code = (
        "import json, sys, time\nfrom dataclasses import asdict\nfrom pathlib import Path\nfrom flows.fan_out"
        " import ListJob, fan_out\nfrom flows.runners import open_pool\nfrom par_core.config import"
        " load_config\nfrom par_core.stages.run import Run\nfrom par_core.store.layout import Store\nfrom"
        " tasks.shards import index_shard\nif __name__ == '__main__':\n    config ="
        " load_config(machine={'workers': 2, 'runner': 'dask'})\n    settings ="
        " config.model_dump(mode='json')\n    store = Path(sys.argv[1])\n    ids ="
        " asdict(Run.of(Store.open(store), config).ids)\n    shards = [path.name for path in"
        " sorted(store.glob('segment/*/*'))]\n    for name, part in (('few', shards[:2]),"
        " ('many', shards * int(sys.argv[2]))):\n        started = time.monotonic()\n        with"
        " open_pool(config.machine, 'dask', print) as pool:\n            job = ListJob(part, lambda shard,"
        " attempt: (index_shard, (str(store), shard, settings, ids, attempt)), lambda shard, attempt:"
        " [shard], 1)\n            failed = fan_out(job, pool, name=name, say=print)\n        assert not"
        " failed, failed\n        print(json.dumps(time.monotonic() - started))\n"
    )
    script = scratch / "again.py"
    script.write_text(code)
    few, many = (
        float(line)
        for line in timed([sys.executable, str(script), str(scratch / "store"), str(TURNS)])[1].split()
    )
    a_shard = max(many - few, 0.0) / (n_shards * TURNS - 2)
    default_work = work_of_four / 4 * 256 / WORKERS
    return {
        "photos": what,
        "shards_that_were_done_already": n_shards * TURNS,
        "start_and_two_shards_s": few,
        "orchestration_of_a_shard_s": a_shard,
        "work_of_a_default_shard_s": default_work,
        "share": a_shard / (a_shard + default_work),
        "promised": 0.01,
        "equation": report["equation"],
    }


def memory(scratch: Path) -> dict[str, Any]:
    """Resident memory of driver and workers while they go through 4,000 images."""
    n = 4_000
    what = natural_photos(scratch / "photos", n, SEED)
    command = [
        PAR,
        "index",
        str(scratch / "photos"),
        "--store",
        str(scratch / "store"),
        "--workers",
        str(WORKERS),
        "--runner",
        "dask",
        "--shard-size",
        "50",
        "--quiet",
    ]
    run = subprocess.Popen(command)
    samples: list[tuple[int, int]] = []
    while run.poll() is None:
        done = 50 * len(list((scratch / "store").glob("describe/*/*/manifest.json")))
        samples.append((done, _resident(run.pid)))
        time.sleep(1)
    early = [size for done, size in samples if 400 <= done <= 600]
    late = [size for done, size in samples if 3_700 <= done <= 3_950]
    growth = median(late) / median(early) - 1
    return {
        "photos": what,
        "images": n,
        "mb_at_500": median(early) / 1e6,
        "mb_at_4000": median(late) / 1e6,
        "growth": growth,
        "promised": 0.03,
        "exit_code": run.returncode,
    }


def _resident(pid: int) -> int:
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.Error:
        return total
    return total


def replan(scratch: Path) -> dict[str, Any]:
    """An unchanged archive of 20,000 small files, indexed with the fake profile and listed again."""
    import cv2

    n = 20_000
    folder = scratch / "many"
    folder.mkdir(parents=True)
    picture = np.full((24, 24, 3), 128, np.uint8)
    for number in range(n):
        picture[0, 0] = (number % 256, number // 256, 7)
        cv2.imwrite(str(folder / f"{number:06d}.png"), picture)
    first, report = index(folder, scratch / "store", "--profile", "fake", "--runner", "threads")
    again = [index(folder, scratch / "store", "--profile", "fake") for _ in range(3)]
    return {
        "files": n,
        "first_s": first,
        "again_command_s": [s for s, _ in again],
        "again_inside_s": [r["seconds"] for _, r in again],
        "promised": 5.0,
        "equation": report["equation"],
    }


def search(scratch: Path) -> dict[str, Any]:
    """Import, model load, first and warm queries, in a process of its own each time."""
    natural_photos(scratch / "photos", 40, SEED)
    index(scratch / "photos", scratch / "store", "--runner", "threads")
    code = (
        "import sys, time, json\nt0 = time.monotonic()\nfrom pathlib import Path\nfrom"
        " par_core.query.from_store import Question, ask\nfrom par_core.config import load_config\nt1 ="
        " time.monotonic()\nfrom par_core.models.profiles import load_text_encoder\nconfig ="
        " load_config()\nload_text_encoder(config)\nt2 = time.monotonic()\nask(Path(sys.argv[1]), Question('a"
        " woman with a bag'), config)\nt3 = time.monotonic()\nfor _ in range(20): ask(Path(sys.argv[1]),"
        " Question('a man in a blue coat'), config)\nt4 = time.monotonic()\nprint(json.dumps({'import_s': t1"
        " - t0, 'text_model_s': t2 - t1, 'first_query_s': t3 - t2, 'warm_query_s': (t4 - t3) / 20}))\n"
    )
    runs = [
        json.loads(timed([sys.executable, "-P", "-c", code, str(scratch / "store")])[1]) for _ in range(3)
    ]
    return {key: median(run[key] for run in runs) for key in runs[0]}


def search_speed(scratch: Path) -> dict[str, Any]:
    """Searches of many people, in a process of its own."""
    out = scratch / "search_speed.json"
    timed([sys.executable, "benchmarks/search_speed.py", "--scratch", str(scratch), "--out", str(out)])
    return {"sizes": json.loads(out.read_text())["sizes"]}


def light(scratch: Path) -> dict[str, Any]:
    """Size, start, search, server and run beside the base, each build in an environment of its own."""
    out = scratch / "light.json"
    timed([sys.executable, "benchmarks/light.py", "--out", str(out)])
    return {"parts": json.loads(out.read_text())["parts"]}


def start(scratch: Path) -> dict[str, Any]:
    """Imports and phases of a small run, one by one."""
    figures = json.loads(timed([sys.executable, "benchmarks/start.py"])[1])
    return {key: figures[key] for key in ("first", "again", "workers")}


def serving(scratch: Path) -> dict[str, Any]:
    """The time that a server adds to a search, and twenty users at once, in a process of its own."""
    natural_photos(scratch / "photos", 200, SEED)
    index(scratch / "photos", scratch / "store")
    figures = json.loads(
        timed([sys.executable, "benchmarks/serving.py", "--store", str(scratch / "store")])[1]
    )
    return {key: figures[key] for key in ("top", "one_user", "users_at_once")}


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    f.__name__: f
    for f in (search, search_speed, serving, replan, orchestration, compact, clip, memory, start, light)
}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        choices=sorted(PARTS),
        action="append",
        help="measure this part only; may be given several times",
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the results")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or PARTS:
        scratch = Path(tempfile.mkdtemp(prefix="par-bench-"))
        about = provenance(SEED)
        try:
            result = {"part": name, **PARTS[name](scratch), **about}
        finally:
            shutil.rmtree(scratch)
        path = arguments.out / f"{name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        print(path, json.dumps(result, indent=1), sep="\n", flush=True)


if __name__ == "__main__":
    main()
