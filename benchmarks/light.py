"""What PAR costs to install, start, hold and run, beside commit c23fcd2. Prints and writes one JSON.

    python benchmarks/light.py                                # about an hour on two cores; 15 GB of disk
    python benchmarks/light.py --part search --part serve --turns 1 # some parts, a minute or two each
    python benchmarks/light.py --part index --photos 60 --turns 1   # about ten minutes
    python benchmarks/light.py --base-env ENV --env ENV       # environments that are installed already

Each build is installed into an environment of its own, base requirements only, with the pins of its
checkout. Parts, in which the builds take turns, A B A B; a ratio is that of the medians:

  size     disk of the environment
  start    par index of the demo's six photographs, with empty caches (as on a new machine), and again
  search   par search with a text, of 1,000 people
  serve    par serve over 100,000 people, ten seconds after its first answer
  index    par index of 500 photographs (``--photos``) by two workers

CPU seconds and resident memory are those of all processes of a command (``footprint.py``). The people of
``search`` and ``serve`` are synthetic (``crowd.py``).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from demo import sample_archive
from footprint import Watched, footprint
from machine import provenance
from photos import natural_photos

BASE: Final = "c23fcd2"
HERE: Final = Path(__file__).resolve().parent
SEED: Final = 0
WORKERS: Final = 2
PHOTOS: Final = 500
AT_REST_S: Final = 10.0
QUESTION: Final = "a woman in a red coat with a bag"
#: Largest ratio to the base that is promised, by part and figure; ``size`` in MB.
TARGETS: Final = {
    ("size", "mb"): 1_500,
    ("search", "cpu_s"): 1 / 6,
    ("search", "peak_mb"): 1 / 3,
    ("start", "cpu_s"): 1 / 3,
    ("serve", "rest_mb"): 1 / 3,
    ("index", "wall_s"): 1 / 1.8,
    ("index", "peak_mb"): 0.4,
}


@dataclass(frozen=True, slots=True)
class Build:
    """An installed build.

    Attributes:
        name: ``new`` or ``base``.
        checkout: Its source.
        environment: Its virtual environment.
    """

    name: str
    checkout: Path
    environment: Path

    def variables(self, caches: Path) -> dict[str, str]:
        """Return the environment of its commands, with a home of their own."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFECT"))
        }
        return kept | {"HOME": str(caches), "XDG_CACHE_HOME": str(caches / "cache"), "OMP_NUM_THREADS": "1"}

    def command(self, *arguments: object) -> list[str]:
        """Return a ``par`` command."""
        return [str(self.environment / "bin" / "par"), *map(str, arguments)]


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts share.

    Attributes:
        builds: The builds, the base first.
        scratch: Folder for stores and outputs.
        turns: Repetitions, A B A B.
        photos: Number of photographs of the part ``index``.
    """

    builds: Sequence[Build]
    scratch: Path
    turns: int
    photos: int = PHOTOS

    def caches(self, build: Build) -> Path:
        """Return the home of a build's commands, in which it keeps its caches."""
        folder = self.scratch / f"home-{build.name}"
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, build: Build, *arguments: object, caches: Path | None = None) -> dict[str, Any]:
        """Run a ``par`` command and return its cost."""
        variables = build.variables(caches or self.caches(build))
        return footprint(build.command(*arguments), variables, self.scratch / "output").figures()

    def crowd(self, build: Build, people: int) -> Path:
        """Return a store of synthetic people in the format of a build."""
        store = self.scratch / f"crowd-{build.name}-{people}"
        if not store.exists():
            python = [build.environment / "bin" / "python", "-P", HERE / "crowd_store.py"]
            command = [*python, build.checkout, store, str(people)]
            subprocess.run(command, env=build.variables(self.caches(build)), check=True)
        return store

    def in_turns(self, measure: Callable[[Build], dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Measure every build in turn; the figures by build."""
        found: dict[str, list[dict[str, Any]]] = {build.name: [] for build in self.builds}
        for _ in range(self.turns):
            for build in self.builds:
                found[build.name].append(measure(build))
                print(build.name, found[build.name][-1], file=sys.stderr, flush=True)
        return found


def size(bench: Bench) -> dict[str, Any]:
    """Disk of the environments."""
    return {
        build.name: [{"mb": round(sum(f.lstat().st_size for f in build.environment.rglob("*")) / 1e6)}]
        for build in bench.builds
    }


def start(bench: Bench) -> dict[str, Any]:
    """The six photographs of the demo; first with empty caches, then with those that the first run left."""
    archive = sample_archive(bench.scratch / "demo")

    def index(build: Build) -> dict[str, Any]:
        caches = bench.scratch / "new-machine"
        shutil.rmtree(caches, ignore_errors=True)
        caches.mkdir()
        figures = {}
        for when in ("first", "again"):
            store = bench.scratch / "demo-store"
            shutil.rmtree(store, ignore_errors=True)
            cost = bench.run(build, "index", archive, "--store", store, caches=caches)
            figures |= {key if when == "again" else f"first_{key}": value for key, value in cost.items()}
        return figures

    return bench.in_turns(index)


def search(bench: Bench) -> dict[str, Any]:
    """One question with a text to 1,000 people."""
    stores = {build.name: bench.crowd(build, 1_000) for build in bench.builds}
    for build in bench.builds:  # the first search of a store fills caches
        bench.run(build, "search", QUESTION, "--store", stores[build.name])
    return bench.in_turns(lambda build: bench.run(build, "search", QUESTION, "--store", stores[build.name]))


def serve(bench: Bench) -> dict[str, Any]:
    """A server at rest, after its first answer."""
    stores = {build.name: bench.crowd(build, 100_000) for build in bench.builds}

    def rest(build: Build) -> dict[str, Any]:
        output = bench.scratch / "output"
        command = build.command("serve", "--store", stores[build.name], "--port", 0)
        server = Watched(command, build.variables(bench.caches(build)), output)
        try:
            while " on " not in output.read_text():
                if server.process.poll() is not None:
                    server.end()
                time.sleep(0.2)
            started = server.cpu_s()
            address = output.read_text().split(" on ")[1].split(" ")[0]
            asked = urllib.parse.urlencode({"q": QUESTION})
            with urllib.request.urlopen(f"{address}/api/search?{asked}", timeout=120) as answer:
                assert json.load(answer)["results"]
            time.sleep(AT_REST_S)
            resident = server.resident_mb()
        finally:
            server.process.terminate()
        server.end(accepted=(0, 1, 130, 143, -15))
        return {"rest_mb": round(resident), "start_cpu_s": round(started, 2)}

    return bench.in_turns(rest)


def index(bench: Bench) -> dict[str, Any]:
    """Photographs by two workers, with warm caches."""
    photos = bench.scratch / f"photos-{bench.photos}"
    what = natural_photos(photos, bench.photos, SEED)
    archive = sample_archive(bench.scratch / "demo")
    for build in bench.builds:
        shutil.rmtree(bench.scratch / "store", ignore_errors=True)
        bench.run(build, "index", archive, "--store", bench.scratch / "store")

    def run(build: Build) -> dict[str, Any]:
        shutil.rmtree(bench.scratch / "store", ignore_errors=True)
        options = ("--store", bench.scratch / "store", "--workers", WORKERS, "--runner", "dask")
        return bench.run(build, "index", photos, *options)

    return {**bench.in_turns(run), "photos": what}


PARTS: Final[dict[str, Callable[[Bench], dict[str, Any]]]] = {
    part.__name__: part for part in (size, start, search, serve, index)
}


def compared(part: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the ratios of the medians, new to base, and the targets with whether they are met."""
    figures = [key for key, value in found["new"][0].items() if isinstance(value, int | float)]
    medians = {
        name: {key: median(run[key] for run in found[name]) for key in figures} for name in ("base", "new")
    }
    ratios = {key: round(medians["new"][key] / medians["base"][key], 3) for key in figures}
    targets = {}
    for (name, key), most in TARGETS.items():
        if name == part:
            reached = medians["new"][key] if most > 1 else ratios[key]
            targets[key] = {"at_most": round(most, 3), "reached": reached, "met": reached <= most}
    return {"medians": medians, "ratios": ratios, "targets": targets}


def installed(name: str, checkout: Path, environment: Path) -> Build:
    """Return a build; its environment is made where it is missing."""
    if not (environment / "bin" / "par").exists():
        subprocess.run([sys.executable, "-P", "-m", "venv", environment], check=True)
        pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--constraint", checkout / "constraints.txt", checkout], check=True)
    return Build(name, checkout, environment)


def base_checkout(path: Path) -> Path:
    """Return a checkout of the base; it is made as a worktree of this repository where it is missing."""
    if not path.exists():
        command = ["git", "-C", HERE, "worktree", "add", "--force", "--detach", path, BASE]
        subprocess.run(command, check=True)
    return path


def main() -> None:
    """Measure, compare with the targets, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--part",
        "--only",
        dest="parts",
        choices=sorted(PARTS),
        action="append",
        help="part; may be given several times",
    )
    parser.add_argument("--turns", type=int, default=2, help="repetitions, A B A B (default: 2)")
    parser.add_argument(
        "--photos", type=int, default=PHOTOS, help=f"photographs of the part index (default: {PHOTOS})"
    )
    parser.add_argument("--scratch", type=Path, default=Path("build/light"), help="folder of everything")
    parser.add_argument(
        "--env", type=Path, help="environment of this build (default: made in the scratch folder)"
    )
    parser.add_argument("--base-env", type=Path, help=f"environment of {BASE} (default: made, too)")
    parser.add_argument(
        "--out", type=Path, help="file of the result (default: light.json in the scratch folder)"
    )
    arguments = parser.parse_args()
    scratch = arguments.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    base = installed("base", base_checkout(scratch / BASE), arguments.base_env or scratch / "env-base")
    new = installed("new", HERE.parent, arguments.env or scratch / "env-new")
    bench, about, parts = Bench((base, new), scratch, arguments.turns, arguments.photos), provenance(SEED), {}
    for part in arguments.parts or PARTS:
        found = PARTS[part](bench)
        parts[part] = {**compared(part, found), **found}
    result = {"part": "light", "base": BASE, "turns": arguments.turns, "parts": parts, **about}
    text = json.dumps(result, indent=1)
    (arguments.out or scratch / "light.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
