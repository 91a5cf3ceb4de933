"""The services of ``deployments/compose.yaml`` as processes of this machine.

Names of services become 127.0.0.1 with a free port each, and the programs are those of this environment; all
else is as the file says. Containers, images and volumes are not tested by that.
"""

import contextlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.flows.postgres import Postgres
from tests.flows.processes import Processes, free_port
from tests.seaweedfs import seaweedfs

__all__ = ["Composed"]

FILE: Final = Path(__file__).parents[2] / "deployments" / "compose.yaml"
DOCKERFILE: Final = FILE.with_name("worker.Dockerfile")
PORTS: Final = {"prefect": 4200, "scheduler": 8786, "postgres": 5432, "objects": 8333}


class Composed:
    """What an operator gets from ``docker compose up``, process by process.

    Args:
        outside: Environment of the processes, beside what the file gives them.
        folder: Made here, for their logs and working folders.
        variables: The variables that the file asks its user for.
    """

    def __init__(self, outside: Mapping[str, str], folder: Path, variables: Mapping[str, str]) -> None:
        self._processes = Processes(outside, folder)
        self._variables = variables
        self._services: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
        self._ports = {name: free_port() for name in ("prefect", "scheduler", "objects")}
        self._postgres: Postgres | None = None
        self._folder = folder
        self._objects = contextlib.ExitStack()
        self.log = self._processes.log
        self.stop = self._processes.stop

    def environment(self, service: str) -> dict[str, str]:
        """Return the variables of a service, those of the user filled in."""
        return {
            key: self.local(value) for key, value in self._services[service].get("environment", {}).items()
        }

    def local(self, text: str) -> str:
        """Return a text of the file with the user's variables, and with addresses of this machine."""

        def given(match: re.Match[str]) -> str:
            return self._variables[match[1]]

        filled = re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", given, text)
        for service, port in self._ports.items():
            filled = re.sub(rf"\b{service}:{PORTS[service]}\b", f"127.0.0.1:{port}", filled)
        return filled

    def start_postgres(self, programs: Path) -> Postgres:
        self._postgres = Postgres(programs, self.environment("postgres"))
        self._ports["postgres"] = self._postgres.port
        return self._postgres

    def start_objects(self) -> str:
        """Start the object store, with its bucket; return its URL."""
        keys, port = self.environment("objects"), self._ports["objects"]
        return self._objects.enter_context(seaweedfs(self._folder / "objects", keys=keys, port=port))

    def start(self, service: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start one more process of a service, with more variables."""
        content = self._services[service]
        entrypoint = content.get("entrypoint") or yaml.safe_load(
            re.search(r"^ENTRYPOINT (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)[1]  # type: ignore[index]
        )
        program, *arguments = [*entrypoint, *content["command"]]
        own = str(PORTS.get(service))
        arguments = [str(self._ports[service]) if each == own else self.local(each) for each in arguments]
        # containers are apart from each other, processes of one machine are not
        arguments = ["127.0.0.1" if each == "0.0.0.0" else each for each in arguments]
        return self._processes.start(service, [program, *arguments], self.environment(service) | more)

    def end(self) -> None:
        self._processes.end()
        self._objects.close()
        if self._postgres is not None:
            self._postgres.end()
