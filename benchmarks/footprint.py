"""What a command costs: CPU seconds and resident memory of all its processes, those included that it leaves
behind.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

__all__ = ["Footprint", "Watched", "footprint"]

_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER: processes that outlive their parent become ours
_TOLD_S: Final = 0.1  # a process that took less is not told of


@dataclass(frozen=True, slots=True)
class Footprint:
    """Cost of a command.

    Attributes:
        cpu_s: CPU seconds of all its processes.
        wall_s: Seconds until it ended.
        peak_mb: Largest sum of the resident memory of its processes, in MB; pages that two of them share
            count twice.
        processes: Its processes that took at least a tenth of a CPU second, the dearest first.
        left: Command lines of the processes that it left running; they have been ended.
        output: What it printed on standard output.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    processes: tuple[dict[str, Any], ...]
    left: tuple[str, ...]
    output: str

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "cpu_s": round(self.cpu_s, 2),
            "wall_s": round(self.wall_s, 2),
            "peak_mb": round(self.peak_mb),
            "processes": list(self.processes),
            "left": list(self.left),
        }


class Watched:
    """A running command whose processes are watched.

    Args:
        command: Command and arguments.
        environment: Its environment.
        output: File for its standard output.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        self._before, self._started = _cpu_of_ended(), time.monotonic()
        with output.open("wb") as file, Path(f"{output}.err").open("wb") as errors:
            self.process = subprocess.Popen(command, env=environment, stdout=file, stderr=errors)
        self._output, self._me, self.peak = output, psutil.Process(), 0.0
        self._each: dict[int, dict[str, Any]] = {}

    def resident_mb(self) -> float:
        """Return the resident memory of its processes now, in MB, and keep the peak."""
        total = sum(self._seen(process) for process in self._me.children(recursive=True))
        self.peak = max(self.peak, total)
        return total

    def _seen(self, process: psutil.Process) -> float:
        """Take note of a process; its resident memory in MB."""
        try:
            megabytes, cpu, command = process.memory_info().rss / 1e6, _cpu(process), process.cmdline()
        except psutil.Error:  # it has ended
            return 0.0
        known = self._each.setdefault(process.pid, {"command": "", "cpu_s": 0.0, "peak_mb": 0.0})
        known["command"] = known["command"] or _in_short(command)
        known["cpu_s"] = round(cpu, 2)
        known["peak_mb"] = round(max(known["peak_mb"], megabytes))
        return float(megabytes)

    def cpu_s(self) -> float:
        """Return the CPU seconds of its processes so far."""
        running = sum(_cpu(process) for process in self._me.children(recursive=True))
        return _cpu_of_ended() - self._before + running

    def end(self, accepted: Sequence[int] = (0, 1)) -> Footprint:
        """Wait for the command, end what it left, and return its cost.

        Raises:
            SystemExit: It ended with another exit code.
        """
        code = self.process.wait()
        wall = time.monotonic() - self._started
        left = self._me.children(recursive=True)
        names = tuple(self._each[process.pid]["command"] for process in left if self._seen(process))
        cpu = self.cpu_s()
        for process in left:
            process.send_signal(signal.SIGKILL)
        while _reaped():
            pass
        if code not in accepted:
            errors = Path(f"{self._output}.err").read_text(errors="replace")
            raise SystemExit(f"{self.process.args} ended with {code}\n{errors[-2000:]}")
        dearest = sorted(self._each.values(), key=lambda each: -float(each["cpu_s"]))
        processes = tuple(each for each in dearest if each["cpu_s"] >= _TOLD_S)
        return Footprint(cpu, wall, self.peak, processes, names, self._output.read_text())


def footprint(
    command: Sequence[str], environment: Mapping[str, str], output: Path, *, every_s: float = 0.2
) -> Footprint:
    """Run a command to its end and return its cost.

    Args:
        command: Command and arguments.
        environment: Its environment.
        output: File for its standard output; its standard error goes beside it, in ``.err``.
        every_s: Seconds between two looks at its memory.

    Raises:
        SystemExit: The command ends with another code than 0 or 1.
    """
    watched = Watched(command, environment, output)
    while watched.process.poll() is None:
        watched.resident_mb()
        time.sleep(every_s)
    return watched.end()


def _in_short(command: Sequence[str]) -> str:
    """What a process runs, without paths and code."""
    line = " ".join(part.rpartition("/")[2] for part in command)
    kinds = {
        "spawn_main": "worker process",
        "resource_tracker": "resource tracker",
        "ctypes": "server of Prefect",
    }
    return next((name for mark, name in kinds.items() if mark in line), line[:80])


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _cpu_of_ended() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _reaped() -> bool:
    """Collect one ended process that has become ours; False if there is none left."""
    try:
        return os.waitpid(-1, 0)[0] > 0
    except ChildProcessError:
        return False
