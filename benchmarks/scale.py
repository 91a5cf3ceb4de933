"""What a store costs as it grows, beside the build of commit c23fcd2. Prints and writes one JSON.

    python benchmarks/scale.py                              # 1,000,000 images in the middle
    python benchmarks/scale.py --images 20000 --turns 1     # a rehearsal of about two minutes

Stores are synthetic (``synthetic_store.py``); each build makes its own index of them. Every measurement is a
process of its own (``scale_child.py``). CPU seconds are those of all its threads and children; those of the
operation alone count, without the start of Python. Peak memory is that of the whole process. Where two builds
are compared, they take turns: A B A B; the ratio is that of the medians.

A run that was ended goes on where it was with ``--resume``: what it measured at the same commit is taken from
``records.jsonl`` in the scratch folder, and its stores are used again.

With N = ``--images``, stores have N/4, N/2, N, 2 N and 4 N images, of about two people each. The base is
measured at N/4 and N images. Its cost of verifying grows faster than the archive, so that it is compared at
``--base-images``, by default N/4, which flatters the base. What needs files on
disk that do not exist here is replaced: the listing of a folder of N files is given to the planner
ready-made, and listing it is not measured.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))
from machine import provenance
from scale_measurements import SEED, Build, Measurements
from scale_targets import Sizes, compared_with_targets, markdown

__all__ = ["BASE"]

BASE: Final = "c23fcd2"
HERE: Final = Path(__file__).resolve().parent
NEW_IMAGES: Final = 1_000


def base_build(path: Path) -> Build:
    """Return the base; where its folder is missing, it is made as a worktree of this repository."""
    if not path.exists():
        command = ["git", "-C", str(HERE), "worktree", "add", "--force", "--detach", str(path), BASE]
        subprocess.run(command, check=True)
    return Build("base", path.resolve(), "flows.cli")


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
    measured.command(new, "status", sizes.n)
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
            measured.command(new, "status", size)
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
    parser.add_argument("--resume", action="store_true", help="go on with a run that was ended")
    parser.add_argument("--keep", action="store_true", help="keep the stores for another run")
    parser.add_argument(
        "--base", type=Path, help=f"checkout of {BASE} (default: a worktree in the scratch folder)"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="OPERATION", help="such as: rebuild night 'par status'"
    )
    parser.add_argument("--without-base", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "scale.json")
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    scratch = options.scratch.resolve()
    new = Build("new", HERE.parent, "flows.cli.main")
    checkout = options.base.resolve() if options.base else scratch / f"checkout-{BASE}"
    base = None if options.without_base else base_build(checkout)
    about = provenance(SEED) | {"base": None if base is None else BASE, "images": options.images}
    measured = Measurements(scratch, about["commit"], only=frozenset(options.only))
    if options.resume:
        measured.resume()
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
