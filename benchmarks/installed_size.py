"""What an installation of PAR takes on disk: the base, and with the extra ``torch``.

    python benchmarks/installed_size.py [--extra torch] > benchmarks/results/installed_size.json

Makes a fresh environment of pinned packages, which downloads them, and deletes it afterwards.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import provenance

ROOT = Path(__file__).parents[1]
MB = 10**6
LARGEST = 12


def main() -> None:
    """Install and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extra", action="append", default=[], help="an extra to install too")
    extras = parser.parse_args().extra
    wanted = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-P", "-m", "venv", folder], check=True)
        install = [f"{folder}/bin/pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*install, wanted], check=True, stdout=sys.stderr)
        print(json.dumps(measured(Path(folder)) | {"extras": extras} | provenance(0), indent=1))


def measured(environment: Path) -> dict[str, object]:
    """Return the megabytes of all files of an environment, of compiled Python, and of the largest folders."""
    (packages,) = environment.glob("lib/python*/site-packages")
    folders = {path.name: megabytes(path) for path in packages.iterdir() if path.is_dir()}
    return {
        "installed_mb": round(megabytes(environment)),
        "of_which_compiled_python_mb": round(
            sum(path.stat().st_size for path in environment.rglob("*.pyc")) / MB
        ),
        "largest_mb": {
            name: round(size) for name, size in sorted(folders.items(), key=lambda each: -each[1])[:LARGEST]
        },
    }


def megabytes(folder: Path) -> float:
    """Return the size of all files under a folder, links not followed, in megabytes of 10^6 bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / MB


if __name__ == "__main__":
    main()
