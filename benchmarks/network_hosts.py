"""Hosts in network namespaces, joined by a switch, with one folder that all of them see. Nothing leaves them:
they have no way to other networks.
"""

import os
import secrets
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

NETWORK = "10.77.0"
_NUMBERS = {"driver": 2, "scheduler": 3, "server": 4, "one": 5, "two": 6}


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class Hosts:
    """Five hosts and a switch. Use as a context manager: whatever was started on a host ends with it.

    Args:
        folder: For logs, and the working folder of what is started.
        environment: Of everything that is started.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._prefix = f"par{secrets.token_hex(3)}"
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Hosts":
        ip("netns", "add", self._name("switch"))
        ip("-n", self._name("switch"), "link", "add", "bridge", "type", "bridge")
        ip("-n", self._name("switch"), "link", "set", "bridge", "up")
        for host, number in _NUMBERS.items():
            ip("netns", "add", self._name(host))
            ip(
                "-n",
                self._name(host),
                "link",
                "add",
                "eth0",
                "type",
                "veth",
                "peer",
                "name",
                host,
                "netns",
                self._name("switch"),
            )
            ip("-n", self._name("switch"), "link", "set", host, "master", "bridge", "up")
            ip("-n", self._name(host), "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip("-n", self._name(host), "link", "set", "eth0", "up")
            ip("-n", self._name(host), "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for host in _NUMBERS:
            self.kill_all(host)
        for process in self._processes:
            process.wait(10)
        for host in (*_NUMBERS, "switch"):
            ip("netns", "delete", self._name(host))

    def address(self, host: str) -> str:
        """Return the address of a host."""
        return f"{NETWORK}.{_NUMBERS[host]}"

    def start(
        self, host: str, command: Sequence[str], *, supervised: bool = False, **more: Any
    ) -> "subprocess.Popen[str]":
        """Start a command on a host; a supervised one is started again whenever it ends, as systemd does with
        Restart=always.
        """
        prefix = ["ip", "netns", "exec", self._name(host)]
        if supervised:
            prefix += ["sh", "-c", 'while true; do "$@"; sleep 1; done', "supervisor"]
        log = (self.folder / f"{host}.log").open("ab")
        with log:
            streams: dict[str, Any] = {
                "stdout": log,
                "stderr": log,
                "text": True,
                "cwd": self.folder,
                "env": self.environment,
                "start_new_session": True,
            } | more
            process = subprocess.Popen([*prefix, *command], stdin=subprocess.DEVNULL, **streams)
        self._processes.append(process)
        return process

    def cut(self, host: str) -> None:
        """Unplug a host: packets are lost without an error."""
        ip("-n", self._name("switch"), "link", "set", host, "down")

    def mend(self, host: str) -> None:
        """Plug a host in again."""
        ip("-n", self._name("switch"), "link", "set", host, "up")

    def kill_all(self, host: str) -> None:
        """Switch a host off: all its processes end at once."""
        for _ in range(20):
            shown = subprocess.run(
                ["ip", "netns", "pids", self._name(host)], capture_output=True, text=True, check=True
            ).stdout.split()
            if not shown:
                return
            for pid in shown:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.1)

    def inside(self, host: str, call: Callable[[], Any]) -> Any:
        """Call something with the network of a host, in this thread alone."""
        with open("/proc/thread-self/ns/net") as mine, open(f"/var/run/netns/{self._name(host)}") as theirs:
            os_setns(theirs.fileno())
            try:
                return call()
            finally:
                os_setns(mine.fileno())

    def _name(self, host: str) -> str:
        return f"{self._prefix}-{host}"


def os_setns(descriptor: int) -> None:
    """``os.setns`` of Python 3.12, by libc for 3.11."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
