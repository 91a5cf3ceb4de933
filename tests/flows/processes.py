"""Services as processes of this machine, each with a folder and a log of its own."""

import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Processes", "free_port", "stop"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: "subprocess.Popen[bytes]", seconds: float = 20) -> None:
    """Stop a process: SIGTERM, then, where it goes on for so many seconds, SIGKILL."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
        """Stop the processes of a service, as a container is stopped."""
        for process in self._running.get(service, ()):
            stop(process)

    def end(self) -> None:
        for service in reversed(self._running):
            self.stop(service)
