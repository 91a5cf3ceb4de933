"""The demo: photographs that installed packages carry become searchable, and two questions are asked.

    python benchmarks/demo.py [--archive FOLDER] [--out build/demo]

Runs the same ``par`` commands that a user would type, shows each of them, and names the gallery at the end.
Exits 1 if the sample photographs do not give the expected result: each of the three people, and no person
anywhere else.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

PEOPLE = {
    "astronaut.png": ("skimage", "data/astronaut.png"),
    "cameraman.png": ("skimage", "data/camera.png"),
    "grace_hopper.jpg": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
NOBODY = {name: ("skimage", f"data/{name}") for name in ("chelsea.png", "coffee.png", "rocket.jpg")}
QUERIES = ("a person in a black coat", "woman upper:blue")
PAR = str(Path(sys.executable).with_name("par"))


def main() -> int:
    """Build the archive, index it, search it; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--archive", type=Path, help="a folder of your own photographs instead of the samples"
    )
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    arguments = parser.parse_args()
    started = time.monotonic()
    archive, store = arguments.archive or sample_archive(arguments.out / "archive"), arguments.out / "store"
    if store.exists() and not arguments.archive:
        shutil.rmtree(store)
    code = run("index", str(archive), "--store", str(store))
    if code not in (0, 1):
        return code
    galleries = []
    for number, query in enumerate(QUERIES, 1):
        galleries.append(arguments.out / f"gallery-{number}.html")
        if run("search", query, "--store", str(store), "--top", "12", "--html", str(galleries[-1])):
            return 3
    faults = [] if arguments.archive else list(wrong(store))
    for fault in faults:
        print(f"demo: {fault}", file=sys.stderr)
    print(f"\nDone in {time.monotonic() - started:.0f} s. Open the galleries in a browser:")
    print(*(f"  {gallery.resolve()}" for gallery in galleries), sep="\n")
    return 1 if faults else 0


def sample_archive(folder: Path) -> Path:
    """Copy the sample photographs out of the installed packages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, inside) in (PEOPLE | NOBODY).items():
        shutil.copy(str(files(package).joinpath(inside)), folder / name)
    return folder


def run(*arguments: str) -> int:
    """Show a ``par`` command and run it."""
    print("\n$ par " + " ".join(f"'{a}'" if " " in a else a for a in arguments), flush=True)
    return subprocess.run([PAR, *arguments], check=False).returncode


def wrong(store: Path) -> list[str]:
    """Compare the people in the store with what the sample photographs show."""
    shown = subprocess.run(
        [PAR, "search", "a person", "--store", str(store), "--top", "100", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    hits = [Path(hit["uri"]).name for hit in json.loads(shown.stdout)["results"]]
    first = subprocess.run(
        [PAR, "search", QUERIES[0], "--store", str(store), "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    unanswered = (
        []
        if json.loads(first.stdout)["results"]
        else [f"nobody was found for {QUERIES[0]!r}, which the README asks for"]
    )
    missed = [f"nobody was found in {name}" for name in PEOPLE if name not in hits]
    return (
        unanswered
        + missed
        + [f"a person was found in {name}, where there is none" for name in NOBODY if name in hits]
    )


if __name__ == "__main__":
    sys.exit(main())
