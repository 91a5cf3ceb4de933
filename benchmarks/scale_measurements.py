"""Carry out the measurements of ``benchmarks/scale.py``: stores, processes, and what they cost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["SEED", "Build", "Measurements"]

SEED: Final = 0
_HERE: Final = Path(__file__).resolve().parent
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
        commit: Commit of the new build.
        records: Measurements in the order in which they were made.
        earlier: Measurements of a run that was ended, which are not made again.
        only: Operations that are measured; empty for all. First commits are always measured.
    """

    scratch: Path
    commit: str | None
    records: list[dict[str, Any]] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    only: frozenset[str] = frozenset()

    @property
    def _log(self) -> Path:
        return self.scratch / "records.jsonl"

    def resume(self) -> None:
        """Take over what was measured at the same commit, in any number of runs that were ended. A first
        commit counts if its store is there.
        """
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        found = [record for record in map(json.loads, lines) if record["commit"] == self.commit]
        first = [record for record in found if record["operation"] == "first commit"]
        self.earlier = [record for record in found if record not in first]
        kept = {(record["build"], record["images"]): record for record in first}
        self.records = [
            record for (name, images), record in kept.items() if self._store(name, images).exists()
        ]

    def _store(self, build: str, images: int) -> Path:
        return self.scratch / f"{build}-{images}-indexed"

    def _left_out(self, build: Build, operation: str, images: int) -> bool:
        """Whether this was not asked for, or an earlier run has measured it; that counts for this run."""
        if self.only and operation not in self.only:
            return True
        wanted = (build.name, operation, images)
        for record in self.earlier:
            if (record["build"], record["operation"], record["images"]) == wanted:
                self.earlier.remove(record)
                self.records.append(record)
                return True
        return False

    def generated(self, build: Build, images: int) -> Path:
        """Return a store without index, with the ids of a build; made where it is missing."""
        store = self.scratch / f"{build.name}-{images}"
        if not store.exists():
            aside = self.scratch / "being-made"
            shutil.rmtree(aside, ignore_errors=True)
            script = [sys.executable, "-P", str(_HERE / "synthetic_store.py")]
            options = ["--images", str(images), "--out", str(aside), "--seed", str(SEED)]
            subprocess.run([*script, *options], env=build.environment(), check=True)
            aside.rename(store)
        return store

    def indexed(self, build: Build, images: int) -> Path:
        """Return a store with the index of a build; its first commit is measured where it is missing. The
        folder of the archive does not exist: that the new build notices it, once, is measured apart.
        """
        store = self._store(build.name, images)
        if not store.exists():
            aside = self.scratch / "being-indexed"
            shutil.rmtree(aside, ignore_errors=True)
            copy_store(self.generated(build, images), aside)
            self.measure(build, "first", aside, images, name="first commit")
            for operation in ("replan", "commit") if build.name == "new" else ():
                self.measure(build, operation, aside, images, name=f"{operation}, source gone")
            aside.rename(store)
        return store

    def measure(
        self, build: Build, operation: str, store: Path, images: int, *, source: str = "", name: str = ""
    ) -> None:
        """Carry out one operation in a process of its own and keep what it cost."""
        command = [sys.executable, "-P", str(_HERE / "scale_child.py"), operation, str(store)]
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

    def command(self, build: Build, name: str, images: int) -> None:
        """Measure one ``par`` command with its start-up on an indexed store."""
        if self._left_out(build, f"par {name}", images):
            return
        store = self.indexed(build, images)
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
        if self._left_out(build, name, images):
            return
        self.measure(build, operation, self.indexed(build, images), images, name=name)

    def on_copy(self, build: Build, operation: str, images: int, *, source: str = "", name: str = "") -> None:
        """Measure an operation that changes the store on a copy that is deleted afterwards."""
        if self._left_out(build, name or operation, images):
            return
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy_store(self.indexed(build, images), copy)
        self.measure(build, operation, copy, images, source=source, name=name)
        shutil.rmtree(copy)

    def migrated(self, new: Build, base: Build, images: int) -> None:
        """Measure the first use of a store of the base by the new build."""
        if self._left_out(new, "migration", images):
            return
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy_store(self.indexed(base, images), copy)
        self.measure(new, "migration", copy, images)
        shutil.rmtree(copy)

    def _keep(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        record = {**record, "commit": self.commit}
        with self._log.open("a") as file:  # a run that is ended keeps what it has
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
