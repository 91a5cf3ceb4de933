"""What ``par index`` of the demo's six photographs spends its CPU seconds and memory on. Prints one JSON.

    python benchmarks/start.py > benchmarks/results/start.json

Three runs of this build, each with a store of its own:

  first    one worker in the driver's process, with empty caches, as on a new machine
  again    the same with the caches that the first run left
  workers  two worker processes, as for larger archives

For the first two, every import and every phase has its CPU seconds and the memory that it added
(``start_child.py``); for the last, every process. Whatever takes less than a hundredth of a CPU second is in
``less``. ``light.py`` compares the whole with another build.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
from demo import sample_archive
from footprint import footprint
from machine import provenance

HERE: Final = Path(__file__).resolve().parent
LEAST_S: Final = 0.01


def listed(scratch: Path, environment: dict[str, str]) -> dict[str, Any]:
    """One run in one process, import by import and phase by phase."""
    rows = scratch / "rows.json"
    python = [sys.executable, "-P", str(HERE / "start_child.py"), str(rows)]
    cost = footprint([*python, *arguments(scratch), "--workers", "1"], environment, scratch / "output")
    every = json.loads(rows.read_text())
    told = [row for row in every if row["cpu_s"] >= LEAST_S]
    return {
        "cpu_s": round(cost.cpu_s, 2),
        "peak_mb": round(cost.peak_mb),
        "list": told,
        "less": {
            "cpu_s": round(sum(row["cpu_s"] for row in every if row not in told), 2),
            "mb": round(sum(row["mb"] for row in every if row not in told), 1),
        },
        "after_the_end_cpu_s": round(cost.cpu_s - sum(row["cpu_s"] for row in every), 2),
    }


def arguments(scratch: Path) -> list[str]:
    """Arguments of a run over the six photographs into an empty store."""
    shutil.rmtree(scratch / "store", ignore_errors=True)
    return ["index", str(sample_archive(scratch / "demo")), "--store", str(scratch / "store")]


def main() -> None:
    """Measure and print."""
    about = provenance(0)
    with tempfile.TemporaryDirectory(prefix="par-start-") as folder:
        scratch = Path(folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        environment |= {"XDG_CACHE_HOME": str(scratch / "cache"), "OMP_NUM_THREADS": "1"}
        first, again = listed(scratch, environment), listed(scratch, environment)
        options = ["--runner", "dask", "--workers", "2"]
        par = [sys.executable, "-P", "-m", "flows.cli.main"]
        workers = footprint([*par, *arguments(scratch), *options], environment, scratch / "output")
    result = {"part": "start", "first": first, "again": again, "workers": workers.figures(), **about}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
