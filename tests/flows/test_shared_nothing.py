"""Store and archive on S3, and workers of a scheduler that share no folder with the run: each has a home, a
cache, a temporary folder and a working folder of its own, and credentials of its own.
"""

import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from benchmarks.faulty_proxy import FaultyProxy, Kind, faulty_proxy
from flows.index import run_index
from par_core.config import load_config
from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tasks.scratch import scratch_folder
from tests.flows.cluster import Cluster
from tests.flows.index_command import PAR, POISON, SLOW
from tests.flows.poison import KILLS_SEGMENT
from tests.indexing import content, index
from tests.object_store_fixtures import proxy, server, url
from tests.object_stores import BUCKET, client_of
from tests.pictures import archive
from tests.waiting import wait_until

__all__ = ["proxy", "server", "url"]

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red"), ("blue",)]
WALLED = str(Path(POISON).with_name("walled.py"))
OTHER_WEIGHTS = str(Path(POISON).with_name("other_weights.py"))
SECRETS = ("secret-of-the-driver", "secret-of-a-worker")
SHORT_LEASES = (
    "import sys; from par_core.object_store import holding; holding.LEASE_S, holding._SKEW_S = 1.0, 0.0;"
    "from flows.cli.main import main; sys.argv[0] = 'par'; main()"
)


@dataclass
class Night:
    """An archive and a store on S3, a driver and workers.

    Attributes:
        archive: URL of the archive.
        store: URL of the store.
        proxy: Before the object store.
        cluster: Scheduler and workers.
        folder: Each host has a folder there.
        local: A store in a folder with the same archive.
    """

    archive: str
    store: str
    proxy: FaultyProxy
    cluster: Cluster
    folder: Path
    local: Path
    runs: list["subprocess.Popen[str]"] = field(default_factory=list)

    def at(self, host: str, secret: str, proxy: FaultyProxy | None = None) -> dict[str, str]:
        """Settings of a host, which has nothing yet."""
        (self.folder / host / "tmp").mkdir(parents=True, exist_ok=True)
        home = str(self.folder / host)
        return {
            "HOME": home,
            "XDG_CACHE_HOME": f"{home}/cache",
            "TMPDIR": f"{home}/tmp",
            "FSSPEC_S3_ENDPOINT_URL": (proxy or self.proxy).url,
            "FSSPEC_S3_KEY": "key",
            "FSSPEC_S3_SECRET": secret,
        }

    def worker(self, host: str, *more: str, proxy: FaultyProxy | None = None, **settings: str) -> Any:
        """Start a worker that cannot reach the driver's folder."""
        own = self.at(host, SECRETS[1], proxy) | settings
        return self.cluster.worker(
            *("--preload", WALLED, *more),
            cwd=self.folder / host,
            PAR_TEST_WALL=str(self.folder / "driver"),
            PAR_TEST_BREACHES=str(self.folder / host / "breaches"),
            **own,
        )

    def run(
        self, *more: str, host: str = "driver", program: tuple[str, ...] = (PAR,), **settings: str
    ) -> Any:
        """Start the run."""
        words = ["index", self.archive, "--store", self.store, "--profile", "fake", "--shard-size", "1"]
        run = subprocess.Popen(
            [*program, *words, "--scheduler", self.cluster.address, *more],
            env={**self.cluster.environment, **self.at(host, SECRETS[0]), **settings},
            cwd=self.folder / host,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.runs.append(run)
        return run

    @property
    def direct(self) -> str:
        """URL of the object store without the proxy."""
        return "http://{}:{}".format(*self.proxy.target)

    def marks(self, ending: str) -> int:
        """Shards that workers have begun, or finished, in the runs under way."""
        found = client_of(self.direct).list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}assignments/")
        return sum(item["Key"].endswith(ending) for item in found.get("Contents", []))

    @property
    def prefix(self) -> str:
        return self.store.split("/", 3)[3] + "/"

    def check(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The store holds what a run in a folder gives, and nothing is left elsewhere."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.folder / "reader"))
        store = Store.open(Path(self.store))
        store.refresh()
        assert content(Path(self.store)) == content(self.local)
        assert verify_store(store, thorough=True).problems == ()
        assert store.copy is not None
        named = {part.key for parts in store.copy.state.files().values() for part in parts}
        kept = {item.key for item in store.copy.objects.listed("")}
        assert {key for key in kept - named if not key.startswith(("head", "catalogue/"))} == set()
        assert not list(self.folder.glob("*/breaches")), "a worker reached for the driver's folder"
        assert not list(self.folder.glob("worker*/cache/par")), "a worker has a copy of the store"
        assert not list(self.folder.glob("worker*/tmp/par-task-*"))
        logs = "".join(path.read_text(errors="replace") for path in self.cluster.logs)
        assert not any(secret in logs for secret in SECRETS)


def ended(run: "subprocess.Popen[str]", code: int = 0, seconds: float = 200) -> str:
    """Wait for the end of a run, with an exit code; return what it printed."""
    said = run.communicate(timeout=seconds)[1]
    assert run.returncode == code, said
    return said


@pytest.fixture
def night(url: str, proxy: FaultyProxy, cluster: Cluster, tmp_path: Path) -> Iterator[Night]:
    photos = archive(tmp_path / "photos", GROUPS)
    client = client_of(proxy.url)
    prefix = f"{url.split('/', 3)[3]}-archive"
    for path in sorted(photos.iterdir()):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())
    index(tmp_path / "local", [f"s3://{BUCKET}/{prefix}"])
    made = Night(f"s3://{BUCKET}/{prefix}", url, proxy, cluster, tmp_path / "hosts", tmp_path / "local")
    try:
        yield made
    finally:
        for run in made.runs:
            if run.poll() is None:
                run.kill()
                run.communicate()


def test_workers_that_share_no_folder_index_an_archive_on_s3(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for worker in ("worker1", "worker2"):
        night.worker(worker, "--no-nanny")
    monkeypatch.setenv("XDG_CACHE_HOME", night.at("driver", SECRETS[0])["XDG_CACHE_HOME"])
    settings = load_config(
        profile="fake", machine={"scheduler": night.cluster.address, "shard_size": 1, "workers": 1}
    )
    night.proxy.seen.clear()
    assert run_index([night.archive], Path(night.store), settings).exit_code == 0
    of_shards = re.compile(r"/files/(segment|describe)/|/assignments/.*\.(begun|done)$")
    seen = Counter(each.method for each in night.proxy.seen if of_shards.search(each.path))
    # a mark, five files, an answer; the run reads the answer, and each file once
    assert seen == {"PUT": 7 * len(GROUPS), "GET": 6 * len(GROUPS)}
    assert not any(secret in capsys.readouterr().err for secret in SECRETS)
    night.check(monkeypatch)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_shard_costs_no_image(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = night.worker("worker1", "--no-nanny", "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="1")
    night.worker("worker2", "--no-nanny", "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="1")
    run = night.run()
    wait_until(lambda: night.marks(".done") >= 1 and night.marks(".begun") >= night.marks(".done") + 2)
    first.kill()
    said = ended(run)
    assert "a worker was lost" in said
    for left in night.folder.glob("worker1/tmp/par-task-*"):  # as a task that comes later on that host does
        monkeypatch.setattr("tempfile.tempdir", str(left.parent))
        with scratch_folder():
            assert not left.exists()
    monkeypatch.setattr("tempfile.tempdir", None)
    night.check(monkeypatch)


@pytest.mark.slow
def test_an_image_that_kills_its_workers_becomes_a_row(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving and giving up need nothing but marks and answers."""
    client = client_of(night.direct)
    key = f"{night.archive.split('/', 3)[3]}/0001.png"
    content_ = client.get_object(Bucket=BUCKET, Key=key)["Body"].read() + KILLS_SEGMENT
    client.put_object(Bucket=BUCKET, Key=key, Body=content_)
    for worker in ("worker1", "worker2"):
        night.worker(worker, "--preload", POISON, supervised=True)
    run = night.run("--shard-size", "4")
    said = ended(run, 1, 250)
    assert "1 worker_died" in said
    monkeypatch.setenv("XDG_CACHE_HOME", str(night.folder / "reader"))
    assert len(content(Path(night.store))) == sum(map(len, GROUPS)) - len(GROUPS[1])


@pytest.mark.slow
def test_an_object_store_that_is_slow_fails_and_goes_away_for_a_moment_is_waited_for(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    for worker in ("worker1", "worker2"):
        night.worker(worker, "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="0.5")
    night.proxy.delay_s = 0.02
    kinds: tuple[Kind, ...] = ("error", "cut", "lost", "twice", "late", "short")
    for number, kind in enumerate(kinds):
        for method in ("PUT", "GET"):
            night.proxy.fail(kind, method, night.prefix, times=3, after=4 * number)
    run = night.run()
    wait_until(lambda: night.marks(".done") >= 1)
    night.proxy.away = True
    time.sleep(12)  # less than the run's patience
    night.proxy.away = False
    ended(run)
    night.check(monkeypatch)


@pytest.mark.slow
def test_an_object_store_that_stays_away_ends_the_run_and_the_next_one_goes_on(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.worker("worker1", "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="0.5")
    run = night.run(PAR_MACHINE__PATIENCE_S="3")
    wait_until(lambda: night.marks(".done") >= 1)
    night.proxy.away = True
    said = run.communicate(timeout=200)[1]
    night.proxy.away = False
    assert run.returncode == 3, said
    assert "Traceback" not in said
    assert f"{night.store} cannot be reached" in said
    again = night.run()
    ended(again)
    night.check(monkeypatch)


@pytest.mark.slow
def test_the_second_of_two_runs_is_refused(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.worker("worker1", "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="1")
    run = night.run()
    wait_until(lambda: night.marks(".begun") >= 1)
    second = night.run(host="driver2")
    said = second.communicate(timeout=100)[1]
    assert (second.returncode, "another par command is writing to" in said) == (3, True), said
    ended(run)
    night.check(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["driver", "driver2"])
def test_a_killed_run_is_run_again(host: str, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same host it goes on with what it had adopted; another begins with the last commit."""
    for worker in ("worker1", "worker2"):
        night.worker(worker, "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="1")
    program = (sys.executable, "-P", "-c", SHORT_LEASES)
    run = night.run(program=program)
    wait_until(lambda: night.marks(".done") >= 2)
    time.sleep(1)  # so that the run has adopted some of it
    run.send_signal(signal.SIGKILL)
    run.communicate()
    time.sleep(1.5)  # the lease has ended
    again = night.run(host=host, program=program)
    ended(again)
    night.check(monkeypatch)


@pytest.mark.slow
def test_workers_that_cannot_use_the_store_are_named_and_left_out(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may only read, one reaches no server; the others do the work."""
    with faulty_proxy(night.proxy.target) as reading:
        reading.fail("denied", "PUT", night.prefix, times=10**6)
        night.worker("worker1", proxy=reading)
        night.worker("worker2", FSSPEC_S3_ENDPOINT_URL="http://127.0.0.1:9")
        with Client(night.cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
        alone = night.run(PAR_MACHINE__PATIENCE_S="12")
        said = ended(alone, 2, 100)
        assert "every worker at" in said
        assert f"cannot work on this store: {night.store}: the object store refuses access" in said
        assert f"cannot work on this store: {night.store} cannot be reached" in said
        assert not any(secret in said for secret in SECRETS)
        night.worker("worker3")
        with Client(night.cluster.address) as client:
            client.wait_for_workers(3, timeout=60)
        run = night.run()
        said = ended(run)
        assert said.count("is left out: it cannot work on this store") == 2
    night.check(monkeypatch)


@pytest.mark.slow
def test_a_worker_that_loses_the_right_to_write_is_named(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty_proxy(night.proxy.target) as own:
        night.worker("worker1", proxy=own)
        own.fail("denied", "PUT", "/files/", times=10**6)
        run = night.run()
        said = ended(run, 3)
    assert f"the worker on {socket.gethostname()}: {night.store}: the object store refuses access" in said
    night.worker("worker2")
    again = night.run()
    ended(again)
    night.check(monkeypatch)


@pytest.mark.slow
def test_workers_with_other_weights_or_version_are_refused(night: Night) -> None:
    night.worker("worker1", "--no-nanny", "--preload", OTHER_WEIGHTS)
    run = night.run()
    said = ended(run, 3, 100)
    assert "is another one than the segmenter of the machine that started the run" in said
