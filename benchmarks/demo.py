"""The demo: photographs that installed packages carry become searchable, and questions are asked about them.

    python benchmarks/demo.py [--archive FOLDER] [--out build/demo] [--no-page]

Runs the same ``par`` commands that a user would type, and shows each of them. Who is in the sample
photographs is known, so each answer is followed by a line on what is right and wrong about it. In a terminal
of a desktop, the page opens at the end. Exits 1 if PAR does not find each of the three people, finds somebody
in a photograph without people, or answers one of the first three questions wrongly.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

PEOPLE = {
    "astronaut.png": ("skimage", "data/astronaut.png"),
    "cameraman.png": ("skimage", "data/camera.png"),
    "grace_hopper.jpg": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}
NOBODY = {name: ("skimage", f"data/{name}") for name in ("chelsea.png", "coffee.png", "rocket.jpg")}


@dataclass(frozen=True)
class Question:
    """A question, and who fits it in truth.

    Attributes:
        text: The question as it is typed.
        fits: Files of the people who fit.
        expected: Whether the first hit must be one of them.
        why: Why the answer may be wrong.
    """

    text: str
    fits: Sequence[str]
    expected: bool = True
    why: str = ""


QUESTIONS = (
    # the officer's "service dress blue coat" is cut like a jacket and so dark that it looks black
    Question("a person in a black coat", ["cameraman.png", "grace_hopper.jpg"]),
    Question("a person with a hat", ["grace_hopper.jpg"]),
    Question("upper:orange AND NOT hat", ["astronaut.png"]),
    Question(
        "a woman",
        ["astronaut.png", "grace_hopper.jpg"],
        expected=False,
        why="The compact models learned what women and men look like from photographs of whole people. These"
        " are close portraits, for which that does not hold (README, Models): ask for garments and colours"
        " there, or use the clip profile.",
    ),
)
_WHOLE = 0.5
PAR = str(Path(sys.executable).with_name("par"))


def main() -> int:
    """Build the archive, index it, search it, open the page; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--archive", type=Path, help="a folder of your own photographs instead of the samples"
    )
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--no-page", action="store_true", help="do not open the page at the end")
    arguments = parser.parse_args()
    started = time.monotonic()
    archive, store = arguments.archive or sample_archive(arguments.out / "archive"), arguments.out / "store"
    if store.exists() and not arguments.archive:
        shutil.rmtree(store)
    code = run("index", str(archive), "--store", str(store))
    if code not in (0, 1):
        return code
    faults = [] if arguments.archive else list(wrong_people(store))
    for number, question in enumerate(QUESTIONS, 1):
        gallery = ("--html", str(arguments.out / f"gallery-{number}.html"))
        explain = () if question.expected or arguments.archive else ("--explain",)
        if run("search", question.text, "--store", str(store), "--top", "12", *explain, *gallery):
            return 3
        if not arguments.archive:
            faults += judged(question, store)
    for fault in faults:
        print(f"demo: {fault}", file=sys.stderr)
    seconds = time.monotonic() - started
    print(
        f"\nDone in {seconds:.0f} s. The answers as contact sheets: {arguments.out.resolve()}/gallery-*.html"
    )
    show_page(store, wanted=not arguments.no_page)
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


def judged(question: Question, store: Path) -> Iterator[str]:
    """Print what is right and wrong about the answer to a question; yield a fault if it must not be so."""
    hits = found(question.text, store)
    wrong = list(dict.fromkeys(name for name, _ in hits if name not in question.fits))
    scraps = list(dict.fromkeys(name for name, whole in hits if name in question.fits and not whole))
    missed = [name for name in question.fits if (name, True) not in hits]
    if not question.expected and (wrong or missed):
        said = [
            f"{', '.join(wrong)} should not be there" if wrong else "",
            f"the person of {', '.join(missed)} should" if missed else "",
            f"what was found in {', '.join(scraps)} is a scrap, with a cutout below {_WHOLE}"
            if scraps
            else "",
        ]
        print(f"-> Wrong: {'; '.join(filter(None, said))}. {question.why}", flush=True)
    elif hits and hits[0][0] in question.fits:
        after = " first; the others are less likely, as their probabilities say" if wrong else ""
        print(f"-> Right: {hits[0][0]}{after}.", flush=True)
    else:
        first = hits[0][0] if hits else "nobody"
        yield f"the first hit for {question.text!r} is {first}, not {question.fits[0]}"


def wrong_people(store: Path) -> Iterator[str]:
    """Compare the people in the store with what the sample photographs show."""
    names = [name for name, _ in found("a person", store)]
    yield from (f"nobody was found in {name}" for name in PEOPLE if name not in names)
    yield from (f"a person was found in {name}, where there is none" for name in NOBODY if name in names)


def found(text: str, store: Path) -> list[tuple[str, bool]]:
    """Return the file of each hit, and whether a person was cut out well; best hits first."""
    shown = subprocess.run(
        [PAR, "search", text, "--store", str(store), "--top", "100", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    hits = json.loads(shown.stdout)["results"]
    return [(Path(hit["uri"]).name, hit["cutout"] >= _WHOLE) for hit in hits]


def show_page(store: Path, *, wanted: bool) -> None:
    """Serve the page and open it, in a terminal of a desktop; elsewhere say how."""
    command = f"par serve --store {store} --open"
    if wanted and sys.stdout.isatty() and has_browser():
        print(f"The page opens now ({command}); Ctrl-C ends it.", flush=True)
        try:
            subprocess.run([PAR, "serve", "--store", str(store), "--port", "0", "--open"], check=False)
        except KeyboardInterrupt:
            print()
    else:
        print(f"See them on the page: {command}")


def has_browser() -> bool:
    """Whether there is a browser with windows."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
