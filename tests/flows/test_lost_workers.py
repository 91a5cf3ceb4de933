"""Runs whose workers really die: what was finished is committed, and the image at fault is named."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.flows.cluster import Cluster
from tests.flows.index_command import GROUPS, POISON, SLOW, command, described, par, statuses
from tests.flows.poison import KILLS_DESCRIBE, KILLS_SEGMENT
from tests.indexing import content, index
from tests.pictures import archive
from tests.waiting import wait_until

FEW = GROUPS[:6]  # each halving costs a worker


@pytest.fixture
def few(tmp_path: Path) -> Path:
    return archive(tmp_path / "few", FEW)


def test_a_run_without_workers_of_its_own_that_dies_of_an_image_is_outlived_by_the_next(
    tmp_path: Path, few: Path, prefect_environment: dict[str, str]
) -> None:
    with (few / "0001.png").open("ab") as file:
        file.write(KILLS_SEGMENT)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(POISON).parent)!r}); import poison; from flows.cli.main"
        " import main; main()"
    )
    typed = [sys.executable, "-c", code, *command(few, tmp_path / "s", "--workers", 2, "--shard-size", 2)[1:]]
    assert (
        subprocess.run(
            typed, env=prefect_environment, capture_output=True, timeout=100, check=False
        ).returncode
        == -signal.SIGKILL
    )
    environment = {**prefect_environment, "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([POISON])}
    run = subprocess.run(typed, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 1, run.stderr
    assert "; dask, " in run.stderr, "a process that died is followed by worker processes"
    assert statuses(tmp_path / "s") == {"0001.png": "worker_died"}


@pytest.mark.parametrize("scheduler", [pytest.param(False, marks=pytest.mark.slow), True])
def test_an_image_that_kills_its_worker_is_found_by_halving_and_becomes_a_row(
    scheduler: bool, tmp_path: Path, few: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    for name, mark in (("0001.png", KILLS_SEGMENT), ("0004.png", KILLS_DESCRIBE)):
        with (few / name).open("ab") as file:
            file.write(mark)
    environment = {**prefect_environment, "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([POISON])}
    if scheduler:  # whose own rule is to give a task up after four workers
        cluster.worker("--preload", POISON, supervised=True)
        cluster.worker("--preload", POISON, supervised=True)
        run = par(few, tmp_path / "s", "--scheduler", cluster.address, env=environment)
    else:
        run = par(few, tmp_path / "s", "--runner", "dask", "--workers", 2, env=environment)
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    assert statuses(tmp_path / "s") == {"0001.png": "worker_died", "0004.png": "worker_died"}
    assert "2 worker_died; see them with" in run.stderr
    assert "6 files listed = 3 indexed + 1 without people + 2 failed + 0 duplicates" in run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, FEW)) - len(FEW[1]) - len(FEW[4])
    assert verify_store(Store.open(tmp_path / "s")).problems == ()
    assert not list((tmp_path / "s" / "work").glob("*.begun"))
    again = par(few, tmp_path / "s", env=prefect_environment)
    assert again.returncode == 1
    assert "0 new or changed, 0 to retry, 6 unchanged" in again.stderr, "the night after does not begin again"
    # with workers that survive it
    retried = par(few, tmp_path / "s", "--retry-failed", env=prefect_environment)
    assert retried.returncode == 0, retried.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, FEW))


def test_a_worker_that_is_killed_once_costs_no_image(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    first, _ = (
        cluster.worker("--no-nanny", "--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="0.2") for _ in range(2)
    )
    run = subprocess.Popen(
        command(photos, tmp_path / "s", "--shard-size", 2, "--scheduler", cluster.address),
        env=prefect_environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: described(tmp_path / "s") >= 2 and list((tmp_path / "s" / "work").glob("*.begun")))
    first.kill()
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
    assert verify_store(Store.open(tmp_path / "s")).problems == ()


def test_two_workers_that_finish_the_same_shard_leave_one_that_verifies(tmp_path: Path, few: Path) -> None:
    """One was cut off and goes on; its files must not mix with those of the other, nor its images count
    twice.
    """
    from par_core.config import load_config
    from par_core.stages.commit import commit_store
    from par_core.stages.describe import describe_shard
    from par_core.stages.halving import halve
    from par_core.stages.plan import plan_index
    from par_core.stages.run import Run
    from par_core.stages.segment import segment_shard

    config = load_config(profile="fake")
    store = Store.create(tmp_path / "s")
    run = Run.of(store, config)
    [shard, *others] = plan_index(run, [str(few)], workers=1).shards
    first, second = halve(run, shard.shard_id)
    segment_shard(run, shard.shard_id)  # by the worker that was cut off
    for each in (first, second, *others):
        segment_shard(run, each.shard_id)
        describe_shard(run, each.shard_id)
    commit_store(run)
    assert len(content(tmp_path / "s")) == sum(map(len, FEW)), (
        "segmented twice, described once: nobody is missing"
    )
    describe_shard(run, shard.shard_id)
    commit_store(run)
    assert len(content(tmp_path / "s")) == sum(map(len, FEW))
    assert verify_store(store).problems == ()
    index(tmp_path / "s", [few])
    assert verify_store(store).problems == ()


@pytest.mark.slow
def test_kills_of_the_driver_and_all_workers_between_halves_lose_nothing(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    with (photos / "0011.png").open("ab") as file:
        file.write(KILLS_SEGMENT)
    environment = {**prefect_environment, "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([POISON])}
    typed = command(photos, tmp_path / "s", "--runner", "dask", "--workers", 2)
    for kill_at in (1, 3):
        run = subprocess.Popen(
            typed, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert run.stderr is not None
        lost = 0
        for line in run.stderr:
            lost += "a worker was lost" in line
            if lost == kill_at:
                break
        os.killpg(run.pid, signal.SIGKILL)
        run.stderr.close()
        run.wait()
    done = subprocess.run(typed, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1, done.stderr
    assert statuses(tmp_path / "s") == {"0011.png": "worker_died"}
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS)) - len(GROUPS[11])
    assert verify_store(Store.open(tmp_path / "s")).problems == ()
