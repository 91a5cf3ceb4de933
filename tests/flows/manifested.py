"""The pods of ``deployments/kubernetes`` as processes of this machine.

Services become 127.0.0.1 with a free port each, mounted folders become folders of the test, and the programs
are of this environment; all else is as the manifests say. What the cluster does with them (policies, limits,
users) is not tested by that.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.flows.processes import Processes, free_port
from tests.flows.test_manifests import command_of, containers, of_kind

__all__ = ["Manifested"]


class Manifested:
    """What an operator gets from ``kubectl apply -k``, process by process.

    Args:
        outside: Environment of the processes, beside what the manifests give them.
        folder: Made here, for their logs and working folders.
        secrets: Content of the secrets, by name and key.
        mounts: Folders of this machine, by what the manifests mount there.
    """

    def __init__(
        self,
        outside: Mapping[str, str],
        folder: Path,
        secrets: Mapping[str, Mapping[str, str]],
        mounts: Mapping[str, Path],
    ) -> None:
        self._processes = Processes(outside, folder)
        self._secrets = secrets
        self._mounts = mounts
        self._services = of_kind("Service").keys()
        self._ports: dict[str, int] = {}
        self.log = self._processes.log
        self.end = self._processes.end

    def local(self, text: str) -> str:
        """Return a text of the manifests with addresses and folders of this machine."""
        for folder, own in self._mounts.items():
            text = text.replace(folder, str(own))
        for service in self._services:
            text = re.sub(rf"\b{service}:(\d+)\b", lambda found: f"127.0.0.1:{self.port(found[1])}", text)
        if re.fullmatch(r":?\d{4}", text):
            return f"127.0.0.1:{self.port(text[1:])}" if text[0] == ":" else str(self.port(text))
        return "127.0.0.1" if text == "0.0.0.0" else text

    def port(self, of_manifest: int | str) -> int:
        return self._ports.setdefault(str(of_manifest), free_port())

    def environment(self, pod: str) -> dict[str, str]:
        """Return the variables of a pod's container."""
        container = containers()[pod]
        found: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            found |= of_kind("ConfigMap")[source["configMapRef"]["name"]]["data"]
        for each in container.get("env", ()):
            reference = each.get("valueFrom", {}).get("secretKeyRef")
            found[each["name"]] = (
                self._secrets[reference["name"]][reference["key"]] if reference else each["value"]
            )
        return {name: self.local(value) for name, value in found.items()}

    def start(self, pod: str) -> None:
        command = [self.local(each) for each in command_of(containers()[pod])]
        if command[0] == "dask":
            command += [
                "--host",
                "tls://127.0.0.1",
            ]  # pods have an address each, processes of one machine share it
        self._processes.start(pod, command, self.environment(pod))

    def probes(self, pod: str) -> dict[str, str]:
        """Return the address that each probe of a pod asks."""
        container = containers()[pod]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        return {
            kind: f"http://127.0.0.1:{self.port(ports[probe['httpGet']['port']])}{probe['httpGet']['path']}"
            for kind in ("startupProbe", "readinessProbe", "livenessProbe")
            if (probe := container.get(kind)) is not None
        }
