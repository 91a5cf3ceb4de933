"""A night on five hosts, and the table of what became of it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.network_hosts import Hosts, answers
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.flows.prefect_client import PrefectClient
from tests.indexing import content
from tests.pictures import archive

BIN = Path(sys.executable).parent
SLOW = Path(__file__).parents[1] / "flows" / "slow.py"
GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")] * 16
PEOPLE = sum(map(len, GROUPS))
PATIENCE_S = 45
TABLE: list[tuple[str, ...]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        for item in items:
            item.add_marker(
                pytest.mark.skip(reason="network namespaces need root and the command ip (iproute2)")
            )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not TABLE:
        return
    head = (
        "fault",
        "run ended after",
        "exit code",
        "described then",
        "people searchable then",
        "after the next run",
    )
    terminalreporter.section("what became of a night")
    for row in (head, ("---",) * len(head), *TABLE):
        terminalreporter.write_line(f"| {' | '.join(row)} |")


@dataclass
class Night:
    """A store that is being filled on several hosts.

    Attributes:
        hosts: Where.
        photos: The archive.
        store: Folder of the store.
        said: What the run printed, once it has ended.
    """

    hosts: Hosts
    photos: Path
    store: Path
    said: str = ""
    _run: "subprocess.Popen[str] | None" = None
    _faulted_at: float = field(default_factory=time.monotonic)

    @property
    def client(self) -> PrefectClient:
        return PrefectClient({"PREFECT_API_URL": self.hosts.environment["PREFECT_API_URL"]})

    def serve(self) -> "subprocess.Popen[str]":
        """Start Prefect's server on its host and wait for it."""
        command = [str(BIN / "prefect"), "server", "start", "--host", "0.0.0.0", "--port", "4200", "--no-ui"]
        server = self.hosts.start("server", command)
        url = f"{self.hosts.environment['PREFECT_API_URL']}/health"
        self.until(lambda: self.hosts.inside("driver", lambda: answers(url)), 120)
        return server

    def cluster(self) -> None:
        """Start scheduler and two workers, supervised, as the units in deployments/systemd do."""
        scheduler = self.hosts.address("scheduler")
        self.hosts.start(
            "scheduler",
            [str(BIN / "dask"), "scheduler", "--host", scheduler, "--port", "8786", "--no-dashboard"],
            supervised=True,
        )
        for host in ("one", "two"):
            self.worker(host)

    def start(self, host: str, command: list[str], **more: Any) -> "subprocess.Popen[str]":
        """Start a command on a host, see ``Hosts``."""
        return self.hosts.start(host, command, **more)

    def worker(self, host: str, *more: str) -> None:
        command = [
            str(BIN / "dask"),
            "worker",
            f"tcp://{self.hosts.address('scheduler')}:8786",
            "--nthreads",
            "1",
            "--no-dashboard",
        ]
        self.start(
            host,
            [*command, "--host", self.hosts.address(host), "--preload", str(SLOW), *more],
            supervised=True,
        )

    @property
    def places(self) -> tuple[str, str]:
        """Archive and store, as ``par index`` is given them."""
        return str(self.photos), str(self.store)

    @property
    def command(self) -> list[str]:
        source, store = self.places
        typed = [
            str(BIN / "par"),
            "index",
            source,
            "--store",
            store,
            "--profile",
            "fake",
            "--shard-size",
            "4",
        ]
        return [*typed, "--scheduler", f"tcp://{self.hosts.address('scheduler')}:8786"]

    def run(self, command: list[str]) -> "subprocess.Popen[str]":
        """Start a command on the driver's host."""
        return self.start("driver", command, stderr=subprocess.PIPE)

    def begin(self) -> None:
        """Start the run on the driver's host, and wait until some of it is done."""
        if self._run is not None:  # the one before was killed
            self._run.communicate(timeout=10)
        self._run = self.run(self.command)
        self.until(lambda: self.described() >= 8, 90)
        self._faulted_at = time.monotonic()

    def end(self, fault: str, within: float) -> int:
        """Wait for the end of the run, then let the next finish the rest; checks what holds after every
        fault, and adds a row to the table.
        """
        assert self._run is not None
        _, self.said = self._run.communicate(timeout=within)
        took = time.monotonic() - self._faulted_at
        self.check_and_finish(fault, f"{took:.0f} s", self._run.returncode)
        return int(self._run.returncode)

    def check_and_finish(self, fault: str, took: str, code: int) -> None:
        described, searchable = self.described(), self.searchable()
        assert "Traceback" not in self.said, self.said
        again = subprocess.run(
            [*self.command[:-2], "--runner", "threads"],
            env=local(self.hosts.environment),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert again.returncode == 0, again.stderr
        problems = verify_store(Store.open(self.store)).problems
        people = len(content(self.store))
        TABLE.append(
            (
                fault,
                took,
                str(code),
                f"{described} of {len(GROUPS)} images",
                str(searchable),
                f"{people} of {PEOPLE} people, {len(problems)} problems",
            )
        )
        assert problems == ()
        assert people == PEOPLE, "a person is missing, or counts twice"
        counted = store_status(Store.open(self.store)).accounting
        assert counted.holds
        assert (counted.pending, counted.failed) == (0, 0)

    def described(self) -> int:
        """Images whose people are described, by the manifests."""
        import json

        done = {path.parent.name for path in self.store.glob("describe/*/*/manifest.json")}
        segmented = [
            path for path in self.store.glob("segment/*/*/manifest.json") if path.parent.name in done
        ]
        return sum(json.loads(path.read_text())["info"]["entries"] for path in segmented)

    def searchable(self) -> int:
        return len(content(self.store)) if (self.store / "index.lance").exists() else 0

    def until(self, true: Callable[[], object], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends, f"not within {seconds} s; see {self.hosts.folder}"
            time.sleep(0.2)


def local(environment: dict[str, str]) -> dict[str, str]:
    """The environment without Prefect and without patience, for a command on this machine."""
    return {key: value for key, value in environment.items() if key != "PREFECT_API_URL"}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PAR_"))}
    environment = {
        **kept,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": "http://10.77.0.4:4200/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "OMP_NUM_THREADS": "1",
        "PAR_MACHINE__PATIENCE_S": str(PATIENCE_S),
        "PAR_TEST_SECONDS_AN_IMAGE": "1",
    }
    folder = tmp_path / "hosts"
    folder.mkdir()
    with Hosts(folder, environment) as hosts:
        yield Night(hosts, archive(tmp_path / "photos", GROUPS), tmp_path / "store")
