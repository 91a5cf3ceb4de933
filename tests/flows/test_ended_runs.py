"""Runs that end before their work is done, as their scheduler goes for good or a supervisor ends them: what
was finished is committed, Prefect knows, and no run waits for ever.
"""

import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.run_progress import read_progress
from tests.flows.cluster import Cluster
from tests.flows.index_command import GROUPS, SLOW, command, described, par
from tests.flows.prefect_client import PrefectClient
from tests.indexing import content
from tests.waiting import wait_until


def test_a_scheduler_that_goes_for_good_costs_nothing_that_was_finished_and_prefect_knows(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_api: dict[str, str]
) -> None:
    cluster.worker("--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="0.2")
    env = {**prefect_api, "PAR_MACHINE__PATIENCE_S": "3"}
    run = subprocess.Popen(
        command(photos, tmp_path / "s", "--shard-size", 2, "--scheduler", cluster.address),
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: described(tmp_path / "s") >= 2)
    progress = read_progress(Store.open(tmp_path / "s"))
    assert progress is not None
    assert (progress.planned_shards, progress.planned_images, progress.failed_images) == (10, 20, 0)
    cluster.scheduler.kill()
    _, said = run.communicate(timeout=60)
    assert run.returncode == 3, said
    assert "Traceback" not in said
    assert f"the Dask scheduler at {cluster.address} does not answer, and did not change within 3 s" in said
    assert "the finished shards are committed; run the same command again to continue" in said
    kept = described(tmp_path / "s")
    status = store_status(Store.open(tmp_path / "s"))
    assert status.commit is not None
    assert status.rows > 0
    assert kept < 10
    client = PrefectClient(prefect_api)
    [flow_run] = [
        each for each in client.flow_runs("par-index") if each["parameters"]["store"] == str(tmp_path / "s")
    ]
    assert flow_run["state_type"] == "FAILED"
    assert "shards could not be finished; 20 files listed = " in flow_run["state"]["message"]
    artifacts = {each["key"]: each["data"] for each in client.artifacts(flow_run["id"])}
    assert "shards not finished: the Dask scheduler at" in artifacts["par-index"]
    assert 0 < artifacts["par-progress"] < 100
    assert any("does not answer; waiting up to 3 s" in line for line in client.log(flow_run["id"]))
    again = par(photos, tmp_path / "s", env=prefect_api)
    assert again.returncode == 0, again.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
    assert verify_store(Store.open(tmp_path / "s")).problems == ()


@pytest.mark.parametrize("recorded", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_supervisor_that_ends_a_run_finds_it_committed_and_no_process_left(
    recorded: bool,
    tmp_path: Path,
    photos: Path,
    prefect_environment: dict[str, str],
    prefect_api: dict[str, str],
) -> None:
    env = prefect_api if recorded else prefect_environment
    environment = {
        **env,
        "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([SLOW]),
        "PAR_TEST_IMAGES_A_WORKER": "5",
    }
    typed = command(photos, tmp_path / "s", "--shard-size", 2, "--runner", "dask", "--workers", 2)
    run = subprocess.Popen(typed, env=environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: described(tmp_path / "s") >= 2)
    children = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=100)
    assert run.returncode == 143, said
    assert "Traceback" not in said
    assert "par: stopped; finished shards are kept." in said
    assert described(tmp_path / "s") < 10
    status = store_status(Store.open(tmp_path / "s"))
    assert status.commit is not None
    assert status.rows > 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    if recorded:
        [flow_run] = [
            each
            for each in PrefectClient(prefect_api).flow_runs("par-index")
            if each["parameters"]["store"] == str(tmp_path / "s")
        ]
        assert flow_run["state_type"] == "CRASHED"
