"""A Dask cluster of processes of its own, as an operator starts it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.waiting import wait_until


class Cluster:
    """A Dask scheduler and workers, started as the guide says, each in a folder of its own."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        folder.mkdir()
        place = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--dashboard-address",
            ":0",
            "--scheduler-file",
            str(place),
        )
        wait_until(lambda: place.exists() and place.read_text().strip().endswith("}"))
        self.address: str = json.loads(place.read_text())["address"]

    def worker(
        self, *more: str, supervised: bool = False, cwd: Path | None = None, **environment: str
    ) -> "subprocess.Popen[bytes]":
        """Start a worker, in a folder of its own if one is given; a supervised one is started again whenever
        it ends, as by systemd.
        """
        arguments = (
            "worker",
            self.address,
            "--nthreads",
            "1",
            "--host",
            "127.0.0.1",
            "--dashboard-address",
            ":0",
            *more,
        )
        return self._start(
            *arguments,
            before=("sh", "-c", 'while true; do "$@"; sleep 1; done', "supervisor") if supervised else (),
            cwd=cwd,
            **environment,
        )

    def _start(
        self, *arguments: str, before: Sequence[str] = (), cwd: Path | None = None, **environment: str
    ) -> "subprocess.Popen[bytes]":
        typed = [*before, sys.executable, "-m", "dask", *arguments]
        with (self._folder / f"{arguments[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                typed, env=self.environment | environment, cwd=cwd or self._folder, stdout=log, stderr=log
            )
        self._processes.append(process)
        return process

    @property
    def logs(self) -> list[Path]:
        """What scheduler and workers printed."""
        return sorted(self._folder.glob("*.log"))

    def end(self) -> None:
        for process in self._processes:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            for each in (process, *children):
                each.kill()
            process.wait()
