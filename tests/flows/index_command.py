"""``par index`` as a user types it, over a small archive, and what it has left."""

import subprocess
import sys
from pathlib import Path

PAR = str(Path(sys.executable).with_name("par"))
POISON = str(Path(__file__).with_name("poison.py"))
SLOW = str(Path(__file__).with_name("slow.py"))
GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")] * 4
"""People of each picture."""


def command(photos: Path, store: Path, *more: object) -> list[str]:
    return [PAR, "index", str(photos), "--store", str(store), "--profile", "fake", *map(str, more)]


def par(
    photos: Path, store: Path, *more: object, env: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(photos, store, *more),
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def statuses(store: Path) -> dict[str, str]:
    """Status by name of each file that failed."""
    shown = subprocess.run(
        [PAR, "status", "--store", str(store), "--failed"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split("\t") for line in shown.splitlines() if line.count("\t") == 2]
    return {Path(uri).name: status for status, uri, _ in lines}


def described(store: Path) -> int:
    return len(list(store.glob("describe/*/*/manifest.json")))
