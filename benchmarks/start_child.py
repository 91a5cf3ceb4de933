"""One ``par`` command, with the CPU seconds and the memory of its imports and phases, for ``start.py``.

    python -P benchmarks/start_child.py LIST.json index ARCHIVE --store STORE --workers 1

Time and memory count for the innermost import or phase that is under way: an import without the packages that
it imports, a phase without its imports. One worker, so that one thing is done at a time.
"""

import atexit
import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

BEGAN = time.process_time()  # the start of Python itself

#: Function by module, and the name of its phase.
PHASES = {
    "par_core.stages.plan": ("plan_index", "plan"),
    "par_core.models.profiles": ("load_segmenter", "load the segmenter"),
    "par_core.models.measuring": ("_kept", "measure precision and batch"),
    "par_core.stages.process": ("process_shard", "read, find and describe"),
    "par_core.stages.commit": ("commit_store", "commit"),
    "par_core.stages.status": ("store_status", "status"),
}
SECOND = ("par_core.models.profiles", "load_describer", "load the describer")


class Costs:
    """CPU seconds and memory by label; those since the last change count for the label on top."""

    def __init__(self) -> None:
        self.seconds, self.megabytes = dict[str, float](), dict[str, float]()
        self._labels, self._at = ["everything else"], (BEGAN, resident())
        self.seconds["start of Python"] = BEGAN

    def _count(self) -> None:
        now, label = (time.process_time(), resident()), self._labels[-1]
        self.seconds[label] = self.seconds.get(label, 0.0) + now[0] - self._at[0]
        self.megabytes[label] = self.megabytes.get(label, 0.0) + now[1] - self._at[1]
        self._at = now

    def during(self, label: str, call: Callable[[], Any]) -> Any:
        """Call a function under a label."""
        self._count()
        self._labels.append(label)
        try:
            return call()
        finally:
            self._count()
            self._labels.pop()

    def write(self, path: Path) -> None:
        """Write the list, the dearest first."""
        self._count()
        rows = [
            {"what": label, "cpu_s": round(seconds, 3), "mb": round(self.megabytes.get(label, 0.0), 1)}
            for label, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])
        ]
        path.write_text(json.dumps(rows))


class Timed(MetaPathFinder):
    """Counts what each module costs when it is imported, and lets its phases be counted."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as Python does, with a loader that counts."""
        spec = next(
            filter(None, (f.find_spec(fullname, path, target) for f in sys.meta_path if f is not self)), None
        )
        loader: Any = spec.loader if spec else None
        if isinstance(loader, SourceFileLoader | ExtensionFileLoader):
            label = f"import {fullname.partition('.')[0]}"
            for name in ("create_module", "exec_module"):
                setattr(loader, name, self._counted(getattr(loader, name), label))
        return spec

    def _counted(self, load: Callable[[Any], Any], label: str) -> Callable[[Any], Any]:
        def run(given: Any) -> Any:
            done = self._costs.during(label, lambda: load(given))
            for module, function, phase in (*((m, *f) for m, f in PHASES.items()), SECOND):
                if getattr(given, "__name__", "") == module:
                    setattr(given, function, _phase(self._costs, getattr(given, function), phase))
            return done

        return run


def _phase(costs: Costs, function: Callable[..., Any], label: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return costs.during(label, lambda: function(*arguments, **named))

    return call


def resident() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def main() -> None:
    """Run the command."""
    costs, path = Costs(), Path(sys.argv[1])
    atexit.register(costs.write, path)
    sys.meta_path.insert(0, Timed(costs))
    sys.argv = ["par", *sys.argv[2:]]
    from flows.cli.main import main as par

    par()


if __name__ == "__main__":
    main()
