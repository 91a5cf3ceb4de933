"""Services as processes of this machine, each with a folder and a log of its own."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Processes"]


class Processes:
    """Starts programs of this environment, and ends them.

    Args:
        outside: Environment of the processes, beside what each is given.
        folder: Made here, for their logs and working folders.
    """

    def __init__(self, outside: Mapping[str, str], folder: Path) -> None:
        self._outside = outside
        self._folder = folder
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {}
        folder.mkdir()

    def start(
        self, service: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        """Start one more process of a service."""
        program, *arguments = command
        module = "flows.cli.main" if program == "par" else program
        number = len(self._running.setdefault(service, []))
        place = self._folder / f"{service}-{number}"
        place.mkdir()
        with self.log(service, number).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**self._outside, **environment},
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running[service].append(process)
        return process

    def log(self, service: str, number: int = 0) -> Path:
        return self._folder / f"{service}-{number}.log"

    def stop(self, service: str) -> None:
        """Stop the processes of a service, as a container is stopped: SIGTERM, then SIGKILL."""
        for process in self._running.get(service, ()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def end(self) -> None:
        for service in reversed(self._running):
            self.stop(service)
