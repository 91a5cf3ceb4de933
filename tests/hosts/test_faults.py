"""The table of faults.

After each: the run ends in bounded time, what was finished is kept, the store verifies, no person counts
twice, and the next run does the rest.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.hosts.conftest import BIN, PATIENCE_S, PEOPLE, Night

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

DETECTION_S = 60  # until Dask takes a silent connection for broken
WORK_S = 150  # that the whole archive takes one worker


def test_nothing_goes_wrong(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    assert night.end("none", WORK_S) == 0


def test_a_worker_is_cut_off_for_a_minute(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.cut("one")
    time.sleep(60)
    night.hosts.mend("one")
    assert night.end("a worker cut off for 60 s", WORK_S + DETECTION_S) == 0


def test_a_worker_is_cut_off_for_good(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.cut("one")
    assert night.end("a worker cut off for good", WORK_S + DETECTION_S) == 0


def test_both_workers_are_cut_off_for_a_minute(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.cut("one")
    night.hosts.cut("two")
    time.sleep(60)
    night.hosts.mend("one")
    night.hosts.mend("two")
    assert night.end("both workers cut off for 60 s", WORK_S + DETECTION_S) == 0


def test_both_workers_are_cut_off_for_good(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.cut("one")
    night.hosts.cut("two")
    assert night.end("both workers cut off for good", DETECTION_S + PATIENCE_S + 60) == 3
    assert f"did not change within {PATIENCE_S} s" in night.said
    assert "the finished shards are committed" in night.said


def test_the_scheduler_is_killed_and_supervised(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    subprocess.run(
        ["pkill", "-KILL", "-f", "^/[^ ]*python[^ ]* [^ ]*/dask scheduler --host 10.77.0.3"], check=True
    )
    assert night.end("scheduler killed, started again by its supervisor", WORK_S + DETECTION_S) == 0


def test_the_scheduler_is_switched_off(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.kill_all("scheduler")
    assert night.end("scheduler's host switched off", DETECTION_S + PATIENCE_S + 60) == 3
    assert "the Dask scheduler at tcp://10.77.0.3:8786 does not answer" in night.said
    assert "the finished shards are committed" in night.said


@pytest.mark.parametrize("seconds", [30, 75])
def test_prefects_server_is_away_for_a_while(seconds: int, night: Night) -> None:
    night.cluster()
    server = night.serve()
    night.begin()
    server.terminate()
    server.wait(30)
    time.sleep(seconds)
    night.serve()
    assert night.end(f"Prefect's server away for {seconds} s", WORK_S) == 0
    [run] = night.hosts.inside("driver", lambda: night.client.flow_runs("par-index"))
    assert run["state_type"] == "COMPLETED", run["state"]


def test_prefects_server_is_away_for_good(night: Night) -> None:
    night.cluster()
    night.serve()
    night.begin()
    night.hosts.kill_all("server")
    assert night.end("Prefect's server away for good", WORK_S + 200) == 0
    assert "does not know how the run went" in night.said


def test_the_driver_is_killed_and_the_run_started_again(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    night.begin()
    night.hosts.kill_all("driver")
    night.begin()
    assert night.end("driver killed, and started again on the same cluster", WORK_S) == 0


def deploy(night: Night) -> str:
    """The deployment of the guide with this archive, a limit of one run, and the automation; its id."""
    deployments = Path(__file__).parents[2] / "deployments"
    declared = yaml.safe_load((deployments / "prefect.yaml").read_text())
    nightly = next(each for each in declared["deployments"] if each["name"] == "nightly")
    machine = {
        "scheduler": f"tcp://{night.hosts.address('scheduler')}:8786",
        "shard_size": 4,
        "patience_s": PATIENCE_S,
    }
    settings = {"profile": "fake", "machine": machine}
    nightly["parameters"] = {"sources": [str(night.photos)], "store": str(night.store), "settings": settings}
    nightly["schedules"] = []
    (night.hosts.folder / "prefect.yaml").write_text(yaml.safe_dump({**declared, "deployments": [nightly]}))
    for typed in (
        ["work-pool", "create", "par", "--type", "process"],
        ["work-queue", "create", "nightly", "--pool", "par", "--limit", "1"],
        ["--no-prompt", "deploy", "--all", "--prefect-file", "prefect.yaml"],
        ["automation", "create", "--from-file", str(deployments / "automations.yaml")],
    ):
        assert night.hosts.start("driver", [str(BIN / "prefect"), *typed]).wait(60) == 0
    night.hosts.start("driver", [str(BIN / "prefect"), "worker", "start", "--pool", "par"])
    [deployment] = night.hosts.inside("driver", night.client.deployments)
    return str(deployment["id"])


def start_run(night: Night, deployment: str) -> str:
    return str(
        night.hosts.inside("driver", lambda: night.client.post(f"deployments/{deployment}/create_flow_run"))[
            "id"
        ]
    )


def state(night: Night, run: str) -> str:
    return str(night.hosts.inside("driver", lambda: night.client.get(f"flow_runs/{run}"))["state_type"])


def test_a_run_is_cancelled(night: Night) -> None:
    night.cluster()
    night.serve()
    run = start_run(night, deploy(night))
    night.until(lambda: night.described() >= 8, 120)
    started = time.monotonic()
    night.hosts.inside(
        "driver",
        lambda: night.client.post(
            f"flow_runs/{run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"}
        ),
    )
    night.until(lambda: state(night, run) == "CANCELLED", 60)
    took = time.monotonic() - started
    night.until(lambda: not Path(night.store / "run.lock").exists() or not is_held(night), 40)
    night.check_and_finish("run cancelled in Prefect", f"{took:.0f} s", -signal.SIGTERM)


def is_held(night: Night) -> bool:
    from par_core.store.layout import Store

    return Store.open(night.store).is_held()


@pytest.mark.parametrize("seconds", [75, None])
def test_prefects_server_goes_during_a_deployed_run(seconds: int | None, night: Night) -> None:
    """For longer than Prefect's leases live: a limit of the deployment would end the run."""
    night.hosts.environment["PAR_TEST_SECONDS_AN_IMAGE"] = "8"
    night.cluster()
    server = night.serve()
    run = start_run(night, deploy(night))
    night.until(lambda: night.described() >= 4, 120)
    started = time.monotonic()
    night.hosts.kill_all("server")
    server.wait(10)
    if seconds is not None:
        time.sleep(seconds)
        night.serve()
    night.until(lambda: night.searchable() == PEOPLE, 8 * WORK_S)
    took = time.monotonic() - started
    assert took > 225, "Prefect renews its leases after 225 s"
    if seconds is not None:
        night.until(lambda: state(night, run) in ("COMPLETED", "FAILED", "CRASHED"), 120)
        assert state(night, run) == "COMPLETED"
    night.until(lambda: not is_held(night), 30)
    fault = f"deployed run; Prefect's server away for {f'{seconds} s' if seconds else 'good'}"
    night.check_and_finish(fault, f"{took:.0f} s", 0)


def test_a_run_is_killed_and_prefect_knows_it_in_time_for_the_next(night: Night) -> None:
    """The flow process and the worker are killed, as when the machine is switched off."""
    night.cluster()
    night.serve()
    deployment = deploy(night)
    first = start_run(night, deployment)
    night.until(lambda: night.described() >= 8, 120)
    time.sleep(35)  # so that it has sent a heartbeat
    started = time.monotonic()
    night.hosts.kill_all("driver")
    assert state(night, first) == "RUNNING"
    night.until(lambda: state(night, first) == "CRASHED", 240)
    crashed = time.monotonic() - started
    second = start_run(night, deployment)
    night.hosts.start("driver", [str(BIN / "prefect"), "worker", "start", "--pool", "par"])
    night.until(lambda: state(night, second) not in ("SCHEDULED", "PENDING"), 120)
    free = time.monotonic() - started
    night.until(lambda: state(night, second) == "COMPLETED", WORK_S)
    night.check_and_finish(
        f"deployed run killed: Crashed after {crashed:.0f} s, its slot taken by the next after {free:.0f} s",
        f"{crashed:.0f} s",
        -signal.SIGKILL,
    )


def test_a_gpu_is_asked_for_that_no_worker_has(night: Night) -> None:
    night.cluster()
    night.hosts.environment.pop("PREFECT_API_URL")
    started = time.monotonic()
    run = night.hosts.start("driver", [*night.command, "--device", "cuda"], stderr=subprocess.PIPE)
    _, night.said = run.communicate(timeout=PATIENCE_S + 60)
    assert run.returncode == 2
    assert "has the resource GPU=1; start some with: PYTHONSAFEPATH=1 dask worker" in night.said
    night.check_and_finish(
        "no worker has the GPU that is asked for", f"{time.monotonic() - started:.0f} s", run.returncode
    )


def test_no_worker_needs_prefects_server(night: Night) -> None:
    """The server listens on the driver's own 127.0.0.1, where no worker can reach it."""
    night.cluster()
    night.hosts.environment["PREFECT_API_URL"] = "http://127.0.0.1:4200/api"
    night.hosts.start(
        "driver",
        [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", "4200", "--no-ui"],
    )
    night.begin()
    assert night.end("none; Prefect's server on the driver's 127.0.0.1", WORK_S) == 0
    assert json.dumps(night.said).count("reach API") == 0
    assert os.path.exists(night.store / "commits")
