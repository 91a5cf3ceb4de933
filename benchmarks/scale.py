"""What a store costs as it grows, beside the build of commit c23fcd2. Prints and writes one JSON.

    python benchmarks/scale.py                              # 1,000,000 images in the middle
    python benchmarks/scale.py --images 20000 --turns 1     # a rehearsal of about two minutes

Stores are synthetic (``synthetic_store.py``); each build makes its own index of them. Every measurement is a
process of its own (``scale_child.py``). CPU seconds are those of all its threads and children; those of the
operation alone count, without the start of Python. Peak memory is that of the whole process. Where two builds
are compared, they take turns: A B A B; the ratio is that of the medians.

With N = ``--images``, stores have N/4, N/2, N, 2 N and 4 N images, of about two people each. The base is
measured at N/4 and N images. Its cost of verifying grows faster than the archive, so that it is compared at
``--base-images``, by default N/4, which flatters the base. What needs files on
disk that do not exist here is replaced: the listing of a folder of N files is given to the planner
ready-made, and listing it is not measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from scale_targets import Sizes, compared_with_targets, markdown

__all__ = ["BASE", "Build", "Measurements"]

BASE: Final = "c23fcd2"
HERE: Final = Path(__file__).resolve().parent
SEED: Final = 0
NEW_IMAGES: Final = 1_000
_LINKED: Final = ("segment", "describe", "listings", "index.lance")  # files there are replaced, never changed


@dataclass(frozen=True, slots=True)
class Build:
    """A checkout that is measured.

    Attributes:
        name: ``new`` or ``base``.
        path: Its folder.
        par: Module of its command line.
    """

    name: str
    path: Path
    par: str

    def environment(self) -> dict[str, str]:
        """Return the environment of a process that imports this build."""
        return os.environ | {"PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass
class Measurements:
    """Everything that was measured, and the folders that it was measured on.

    Attributes:
        scratch: Folder of the stores.
        records: Measurements in the order in which they were made.
    """

    scratch: Path
    records: list[dict[str, Any]] = field(default_factory=list)

    def generated(self, build: Build, images: int) -> Path:
        """Return a store without index, with the ids of a build; made where it is missing."""
        store = self.scratch / f"{build.name}-{images}"
        if not store.exists():
            script = [sys.executable, "-P", str(HERE / "synthetic_store.py")]
            options = ["--images", str(images), "--out", str(store), "--seed", str(SEED)]
            subprocess.run([*script, *options], env=build.environment(), check=True)
        return store

    def indexed(self, build: Build, images: int) -> Path:
        """Return a store with the index of a build; its first commit is measured where it is missing."""
        store = self.scratch / f"{build.name}-{images}-indexed"
        if not store.exists():
            copy_store(self.generated(build, images), store)
            self.measure(build, "first", store, images, name="first commit")
        return store

    def measure(
        self, build: Build, operation: str, store: Path, images: int, *, source: str = "", name: str = ""
    ) -> dict[str, Any]:
        """Carry out one operation in a process of its own and keep what it cost."""
        command = [sys.executable, "-P", str(HERE / "scale_child.py"), operation, str(store)]
        command += ["--source", source] if source else []
        output, usage = _run(command, build)
        told = json.loads(output.splitlines()[-1])
        record = {
            "build": build.name,
            "operation": name or operation,
            "images": images,
            "people": told["result"].get("rows"),
            "costs": {
                part: {key: round(value, 4) for key, value in cost.items()}
                for part, cost in told["costs"].items()
            },
            **usage,
            "result": told["result"],
        }
        self._keep(record)
        return record

    def command(self, build: Build, name: str, store: Path, images: int) -> None:
        """Measure one ``par`` command with its start-up."""
        code = f"from {build.par} import main; main()"
        _, usage = _run([sys.executable, "-P", "-c", code, name, "--store", str(store)], build)
        cost = {"cpu_s": usage["process_cpu_s"]}
        self._keep(
            {"build": build.name, "operation": f"par {name}", "images": images, "costs": {"operation": cost}}
            | usage
        )

    def unchanged(self, build: Build, operation: str, images: int) -> None:
        """Measure an operation on an indexed store, which it leaves as it is."""
        name = "commit unchanged" if operation == "commit" else operation
        self.measure(build, operation, self.indexed(build, images), images, name=name)

    def on_copy(self, build: Build, operation: str, images: int, *, source: str = "", name: str = "") -> None:
        """Measure an operation that changes the store on a copy that is deleted afterwards."""
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy_store(self.indexed(build, images), copy)
        self.measure(build, operation, copy, images, source=source, name=name)
        shutil.rmtree(copy)

    def migrated(self, new: Build, base: Build, images: int) -> None:
        """Measure the first use of a store of the base by the new build."""
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy_store(self.indexed(base, images), copy)
        self.measure(new, "migration", copy, images)
        shutil.rmtree(copy)

    def _keep(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        with (self.scratch / "records.jsonl").open("a") as file:  # a run that is ended keeps what it has
            file.write(json.dumps(record) + "\n")
        costs = ", ".join(f"{part} {cost['cpu_s']:.2f}" for part, cost in record["costs"].items())
        print(
            f"{record['build']:5}{record['operation']:18}{record['images']:>9} images  CPU s: {costs};"
            f" peak {record['peak_mb']} MB",
            file=sys.stderr,
            flush=True,
        )


def _run(command: Sequence[str], build: Build) -> tuple[str, dict[str, float]]:
    """Run a process; its output, CPU seconds with those of its children, and peak resident memory."""
    process = subprocess.Popen(command, env=build.environment(), stdout=subprocess.PIPE, cwd=build.path)
    assert process.stdout is not None
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return output, {"process_cpu_s": round(cpu, 3), "peak_mb": round(usage.ru_maxrss / 1024)}


def copy_store(store: Path, copy: Path) -> None:
    """Copy a store. Files that no build ever changes in place are linked, so that it takes seconds."""

    def link_or_copy(source: str, target: str) -> None:
        linked = Path(source).relative_to(store).parts[0] in _LINKED
        (os.link if linked else shutil.copy2)(source, target)

    shutil.copytree(store, copy, copy_function=link_or_copy)


def base_build(path: Path) -> Build:
    """Return the base; where its folder is missing, it is made as a worktree of this repository."""
    if not path.exists():
        command = ["git", "-C", str(HERE), "worktree", "add", "--force", "--detach", str(path), BASE]
        subprocess.run(command, check=True)
    return Build("base", path, "flows.cli")


def new_pictures(folder: Path) -> str:
    """Write 1,000 small pictures with two people each, and return the folder."""
    import cv2
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    picture = np.full((96, 128, 3), 128, np.uint8)
    picture[10:70, 10:34] = (0, 0, 255)
    picture[10:70, 70:94] = (255, 0, 0)
    for number in range(NEW_IMAGES):
        picture[0, 0] = (number % 256, number // 256, 7)
        cv2.imwrite(str(folder / f"{number:04d}.png"), picture)
    return str(folder)


def store_bytes(store: Path) -> dict[str, int]:
    """Bytes of a store by the name of the folder or file at its top."""
    sizes = {}
    for top in sorted(store.iterdir()):
        files = [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
        sizes[top.name] = sum(file.stat().st_size for file in files)
    return sizes


def run_all(
    new: Build, base: Build | None, sizes: Sizes, measured: Measurements, turns: int
) -> dict[str, int]:
    """Carry out every measurement; returns the bytes of the new build's store of N images."""
    builds = [new, base] if base else [new]
    source = new_pictures(measured.scratch / "new-pictures")
    measured.measure(new, "start", measured.indexed(new, sizes.quarter), sizes.quarter)
    for _ in range(turns):
        for build in builds:
            measured.on_copy(build, "rebuild", sizes.quarter)
        for operation in ("commit", "replan", "status"):
            for build in builds:
                measured.unchanged(build, operation, sizes.n)
    of_store = store_bytes(measured.indexed(new, sizes.n))
    for build in builds:
        measured.unchanged(build, "verify", sizes.base)
        measured.on_copy(build, "forget", sizes.n)
        measured.command(build, "status", measured.indexed(build, sizes.n), sizes.n)
    for size in (sizes.quarter, sizes.n):
        for operation in ("commit", "replan", "status", "verify"):
            measured.unchanged(new, operation, size)
    measured.on_copy(new, "forget", sizes.quarter)
    if base:
        measured.migrated(new, base, sizes.n)
    for size in (sizes.quarter, sizes.half, sizes.n):
        measured.unchanged(new, "verify-thorough", size)
    for size in (sizes.half, sizes.n, sizes.double):
        measured.indexed(new, size)  # its first commit does the work of a rebuild
    for _ in range(turns):
        for size in (sizes.n, sizes.four):
            measured.on_copy(new, "night", size, source=source)
            for operation in ("commit", "status"):
                measured.unchanged(new, operation, size)
            measured.command(new, "status", measured.indexed(new, size), size)
    return of_store


def main() -> None:
    """Measure, compare with the targets, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=1_000_000, help="N (default: 1,000,000)")
    parser.add_argument("--base-images", type=int, help="images that the base verifies (default: N/4)")
    parser.add_argument("--turns", type=int, default=2, help="repetitions, A B A B (default: 2)")
    parser.add_argument("--scratch", type=Path, default=Path("build/scale"), help="folder of the stores")
    parser.add_argument("--keep", action="store_true", help="keep the stores for another run")
    parser.add_argument(
        "--base", type=Path, help=f"checkout of {BASE} (default: a worktree in the scratch folder)"
    )
    parser.add_argument("--without-base", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "scale.json")
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    scratch = options.scratch.resolve()
    new = Build("new", HERE.parent, "flows.cli.main")
    checkout = options.base.resolve() if options.base else scratch / f"checkout-{BASE}"
    base = None if options.without_base else base_build(checkout)
    measured = Measurements(scratch)
    about = provenance(SEED) | {"base": None if base is None else BASE, "images": options.images}
    sizes = Sizes(options.images, options.base_images or options.images // 4)
    of_store = run_all(new, base, sizes, measured, options.turns)
    targets = compared_with_targets(measured.records, sizes)
    result = {**about, "targets": targets, "store_bytes": of_store, "measurements": measured.records}
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(targets))
    if not options.keep:
        for store in scratch.glob("*-[0-9]*"):
            if not store.name.startswith("checkout"):
                shutil.rmtree(store)


if __name__ == "__main__":
    main()
