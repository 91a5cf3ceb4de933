"""Indexes an archive again and again, each time from the same store, and kills the run (SIGKILL) at another
operation: statements of the ledger that change something, ends of its transactions, files and folders that
are opened for writing, renamed or deleted, and writes to the index, before and after each. Every killed run
is then finished by running it again; until then, searches must read all of the index before or all of the new
one.

python -m tests.faults.kill_points STORE SCRATCH PARTS SOURCE ...
    STORE is the store to begin with, or a path that does not exist; PARTS is the number of operations to
    kill at, spread evenly, or ``all``

Prints a line of JSON: what an undisturbed run leaves, and a list of what was different after a kill. Each
run is a fork of this process, so that imports cost nothing; it has not used LanceDB itself.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from par_core.config import load_config
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.lance import PeopleIndex
from par_core.store.lance.history import History
from par_core.store.layout import Store
from tests.indexing import content, index

CONFIG: Final = load_config(profile="fake", machine={"shard_size": 2, "batch_size": 2})
CHANGES: Final = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
WRITES: Final = ((PeopleIndex, ("add", "delete_images", "optimize", "create")), (History, ("make_live",)))


class Operations:
    """Counts operations, and ends this process as a power cut would at one of them.

    Args:
        last: Number of that operation; 0 is none.
    """

    def __init__(self, last: int = 0) -> None:
        self.number, self._last = 0, last

    def __call__(self) -> None:
        self.number += 1
        if self.number == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count operations of this process from now on."""
        sys.addaudithook(self._file)
        connect = sqlite3.connect

        def connected(*arguments: Any, **settings: Any) -> sqlite3.Connection:
            connection = connect(*arguments, **settings)
            connection.set_trace_callback(self._statement)
            return connection

        sqlite3.connect = connected
        for owner, names in WRITES:
            for name in names:
                setattr(owner, name, self._around(getattr(owner, name)))

    def _file(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in CHANGES and (event != "open" or str(arguments[1]).startswith(("w", "a"))):
            self()

    def _statement(self, sql: str) -> None:
        if not sql.lstrip("- ").startswith(("SELECT", "PRAGMA", "WITH")):
            self()

    def _around(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **settings: Any) -> Any:
            self()
            result = write(*arguments, **settings)
            self()
            return result

        return counted


def forked(work: Callable[[], object]) -> tuple[int, Any]:
    """Do work in a child; returns its exit status, negative for a signal, and what the work returned, if it
    ended.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            answer = json.dumps(work()).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            status = 0
        except Exception:
            traceback.print_exc()
            raise
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(answer) if status == 0 else None


def run(root: Path, sources: list[str], last: int = 0) -> int:
    """Index, and die at an operation; returns the number of operations."""
    operations = Operations(last)
    operations.watch()
    index(root, sources, CONFIG)
    return operations.number


def searched(root: Path) -> list[dict[str, Any]]:
    """Return the rows that searches read."""
    return content(root, "live") if (root / "store.json").exists() else []


def finished(root: Path, sources: list[str]) -> dict[str, Any]:
    """Index, and return what there is afterwards."""
    plan, _ = index(root, sources, CONFIG)
    store = Store.open(root)
    return {
        "content": content(root),
        "accounting": asdict(store_status(store).accounting),
        "problems": verify_store(store, thorough=True).problems,
        "partial": [str(path) for path in root.glob("**/.*.partial")],
        "planned": plan.n_images,
    }


def main(begin: Path, scratch: Path, parts: str, sources: list[str]) -> None:
    """Kill at all or some operations, and print what became of it."""

    def fresh(name: str) -> Path:
        root = scratch / name
        shutil.rmtree(root, ignore_errors=True)
        if begin.exists():
            shutil.copytree(begin, root)
        return root

    _, before = forked(lambda: searched(begin))
    status, operations = forked(lambda: run(fresh("undisturbed"), sources))
    assert status == 0, "an undisturbed run failed"
    status, undisturbed = forked(lambda: finished(scratch / "undisturbed", sources))
    assert status == 0, "a run without work failed"
    numbers = range(1, operations + 1)
    if parts != "all":
        numbers = sorted({1 + part * (operations - 1) // (int(parts) - 1) for part in range(int(parts))})
    different = []
    for number in numbers:
        root = fresh("killed")
        status, _ = forked(lambda root=root, number=number: run(root, sources, number))
        if status != -signal.SIGKILL:
            different.append(f"{number}: was not killed, but ended with {status}")
            continue
        status, seen = forked(lambda root=root: searched(root))
        if seen not in (before, undisturbed["content"]):
            different.append(f"{number}: searches ended with {status} or read a part: {seen}")
        status, after = forked(lambda root=root: finished(root, sources))
        if status != 0:
            different.append(f"{number}: the next run ended with {status}")
        different += [
            f"{number}: {name}: {after[name]}, not {undisturbed[name]}"
            for name in ("content", "accounting", "problems", "partial")
            if status == 0 and after[name] != undisturbed[name]
        ]
    print(json.dumps({"undisturbed": undisturbed, "operations": operations, "different": different}))


if __name__ == "__main__":
    # safe here: nothing of it has run before a fork
    warnings.filterwarnings("ignore", message="lancedb fork support", category=RuntimeWarning)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
