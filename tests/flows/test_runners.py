"""Who may talk to the workers of a run, what they show, and which runner is chosen."""

import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest
from distributed import Client, LocalCluster

from flows.pools import How
from flows.runners import choose_runner, local_cluster, open_pool, with_work_for_all
from par_core.config import MachineConfig
from tests.flows.memory import take_and_free


@pytest.mark.filterwarnings("ignore")
def test_another_user_of_the_machine_cannot_run_code_on_the_workers() -> None:
    kwargs = local_cluster(MachineConfig(workers=1))
    with LocalCluster(**{**kwargs, "processes": False, "dashboard_address": None}) as cluster:
        with Client(cluster, set_as_default=False) as ours:
            assert ours.submit(sum, (40, 2)).result() == 42
        place = cluster.scheduler_address.split("//")[1]
        with pytest.raises(OSError, match="tcp://"):
            Client(f"tcp://{place}", timeout=2, set_as_default=False)


def answers(port: int, path: str) -> bool:
    """Whether a page is served at a port of this machine."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2):
            return True
    except HTTPError:  # 404: it is open, and has no page
        return False
    except OSError:  # it speaks TLS, to those with the keys of the run
        return False


def open_ports() -> set[int]:
    """Where this process and its children listen."""
    me = psutil.Process()
    ports: set[int] = set()
    for process in [me, *me.children(recursive=True)]:
        ports |= {
            each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN
        }
    return ports


PAGES = (
    "info/main/workers.html",
    "info/main/logs.html",
    "json/identity.json",
    "json/counts.json",
    "metrics",
    "health",
    "status",
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dashboard", [False, True])
def test_dask_serves_its_pages_only_if_the_dashboard_is_on(dashboard: bool) -> None:
    before = open_ports()
    with open_pool(MachineConfig(workers=1, dashboard=dashboard), "dask", print):
        ours = open_ports() - before
        served = [(port, page) for port in sorted(ours) for page in PAGES if answers(port, page)]
    assert len(ours) >= 4, "the ports of scheduler, worker and nanny were not found"
    assert bool(served) is dashboard, served


@pytest.mark.filterwarnings("ignore")
def test_a_worker_of_the_run_that_its_nanny_does_not_start_again_is_replaced() -> None:
    with open_pool(MachineConfig(workers=2), "dask", print) as pool:
        cluster = pool.client.cluster  # type: ignore[attr-defined]
        first, second = cluster.workers.values()
        cluster.sync(first.close)
        cluster.sync(second.close)
        ends = time.monotonic() + 60
        while pool.capacity or time.monotonic() < ends - 59:
            pool.wait(0.1)
        while pool.capacity < 4:
            assert time.monotonic() < ends
            pool.wait(0.5)
        pool.submit("after", abs, (1,))
        assert [ended.how for ended in pool.wait(20)] == [How.DONE]


def test_after_a_run_that_ended_without_a_word_the_next_works_in_processes_that_may_die() -> None:
    assert choose_runner(MachineConfig(workers=2), 10) == "threads"
    assert choose_runner(MachineConfig(workers=2), 10, interrupted=True) == "dask"
    assert choose_runner(MachineConfig(workers=2, runner="threads"), 10, interrupted=True) == "threads"


@pytest.mark.filterwarnings("ignore")
def test_no_second_worker_is_started_for_one_shard() -> None:
    with open_pool(with_work_for_all(MachineConfig(workers=2), 1), "dask", print) as pool:
        ends = time.monotonic() + 5
        while time.monotonic() < ends:  # longer than a second worker would take
            pool.wait(0.5)
        assert pool.capacity == 2, "two tasks for each worker"
    assert with_work_for_all(MachineConfig(workers=2), 7).workers == 2
    assert with_work_for_all(MachineConfig(workers=3), 0).workers == 1


def test_a_worker_gives_back_memory_that_it_has_freed(tmp_path: Path) -> None:
    with open_pool(MachineConfig(workers=1), "dask", print) as pool:
        pool.submit("memory", take_and_free, (str(tmp_path / "grown"),))
        ended = pool.wait(60)
    assert [one.how for one in ended] == [How.DONE]
    assert int((tmp_path / "grown").read_text()) < 50  # of 300 MB
