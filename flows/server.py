"""The Prefect API that a run talks to: the one named by PREFECT_API_URL, else one server of our own for the length of the run.

Dask workers without an address would each start a server and leave it behind, so the address is put into the environment before they start. Our server
listens on 127.0.0.1 only, has no UI, no schedules and no telemetry, and dies with this process, however that ends.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from par_core.errors import TransientError

__all__ = ["api_server", "default_prefect_home"]

_START_S: Final = 120.0
_STOP_S: Final = 10.0
#: Asks Linux (prctl, PR_SET_PDEATHSIG) to end the server when its parent ends, however that happens, then serves.
_SERVE: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone already")
import uvicorn
uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""


def default_prefect_home() -> Path:
    """PAR's own folder for Prefect, so that the user's is left alone; PREFECT_HOME overrides it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("PREFECT_HOME") or cache / "par" / "prefect")


@contextlib.contextmanager
def api_server(log: Path | None = None) -> Iterator[Callable[[], str]]:
    """Make sure that a Prefect API is there, and that this process and its children know its address by their environment.

    Our own server takes seconds to start, in which other things can be done (such as importing Prefect, which must come after this).

    Yields:
        A function that waits until the server answers, and returns its URL.

    Args:
        log: File for what our own server prints; None discards it.

    Raises:
        TransientError: Our server does not answer in time; names the log.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given:
        yield lambda: given
        return
    home = default_prefect_home()
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    own = {"PREFECT_HOME": str(home), "PREFECT_API_URL": url, "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "DO_NOT_TRACK": "1"}
    quiet = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_ENABLED": "false"}
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(os.getpid()), str(port)],
            env={**os.environ, **own, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop the server when we are done
        )
        try:
            with _environment(own):
                yield lambda: _wait(server, url, log)
        finally:
            _stop(server)


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path | None) -> str:
    told = f"; see {log}" if log else ""
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends:
        if server.poll() is not None:
            raise TransientError(f"Prefect's server stopped at its start with exit code {server.returncode}{told}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - our own http address
                if answer.status == 200:
                    return url
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TransientError(f"Prefect's server did not answer within {_START_S:.0f} s{told}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for this process and its children. Prefect must not have been imported before: it reads them once."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
