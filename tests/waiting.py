"""Waiting for what other threads and processes do."""

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"it did not happen in {seconds} s"
        time.sleep(0.01)


def wait_for_server(url: str, server: "subprocess.Popen[bytes]", log: Path, seconds: float = 120) -> None:
    """Wait until a server answers; shows its log if it ends before, or does not."""
    ends = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        assert server.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < ends, log.read_text(errors="replace")
        time.sleep(0.1)
