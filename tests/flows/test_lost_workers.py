"""Runs whose workers, scheduler or machine really die: what was finished is committed, the image at fault is
named, and no run waits for ever.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client

from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from par_core.store.run_progress import read_progress
from tests.flows.cluster import Cluster, wait_until
from tests.flows.poison import KILLS_DESCRIBE, KILLS_SEGMENT
from tests.flows.prefect_client import PrefectClient
from tests.indexing import content, index
from tests.pictures import archive

PAR = str(Path(sys.executable).with_name("par"))
POISON = str(Path(__file__).with_name("poison.py"))
SLOW = str(Path(__file__).with_name("slow.py"))
GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")] * 8


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return archive(tmp_path / "photos", GROUPS)


def command(photos: Path, store: Path, *more: object) -> list[str]:
    return [PAR, "index", str(photos), "--store", str(store), "--profile", "fake", *map(str, more)]


def par(
    photos: Path, store: Path, *more: object, env: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(photos, store, *more),
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def statuses(store: Path) -> dict[str, str]:
    """Status by name of each file that failed."""
    shown = subprocess.run(
        [PAR, "status", "--store", str(store), "--failed"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split("\t") for line in shown.splitlines() if line.count("\t") == 2]
    return {Path(uri).name: status for status, uri, _ in lines}


def described(store: Path) -> int:
    return len(list(store.glob("describe/*/*/manifest.json")))


def test_a_run_without_workers_of_its_own_that_dies_of_an_image_is_outlived_by_the_next(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    with (photos / "0011.png").open("ab") as file:
        file.write(KILLS_SEGMENT)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(POISON).parent)!r}); import poison; from flows.cli.main"
        " import main; main()"
    )
    typed = [sys.executable, "-c", code, *command(photos, tmp_path / "s", "--workers", 2)[1:]]
    assert (
        subprocess.run(
            typed, env=prefect_environment, capture_output=True, timeout=100, check=False
        ).returncode
        == -signal.SIGKILL
    )
    environment = {**prefect_environment, "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([POISON])}
    run = subprocess.run(typed, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 1, run.stderr
    assert "dask, 2 workers" in run.stderr
    assert statuses(tmp_path / "s") == {"0011.png": "worker_died"}


@pytest.fixture
def cluster(prefect_environment: dict[str, str], tmp_path: Path) -> Iterator[Cluster]:
    started = Cluster(prefect_environment, tmp_path / "elsewhere")
    try:
        yield started
    finally:
        started.end()


@pytest.mark.parametrize("scheduler", [pytest.param(False, marks=pytest.mark.slow), True])
def test_an_image_that_kills_its_worker_is_found_by_halving_and_becomes_a_row(
    scheduler: bool, tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    for name, mark in (("0011.png", KILLS_SEGMENT), ("0028.png", KILLS_DESCRIBE)):
        with (photos / name).open("ab") as file:
            file.write(mark)
    environment = {**prefect_environment, "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([POISON])}
    if scheduler:  # whose own rule is to give a task up after four workers
        cluster.worker("--preload", POISON, supervised=True)
        cluster.worker("--preload", POISON, supervised=True)
        run = par(photos, tmp_path / "s", "--shard-size", 40, "--scheduler", cluster.address, env=environment)
    else:
        run = par(
            photos, tmp_path / "s", "--shard-size", 40, "--runner", "dask", "--workers", 2, env=environment
        )
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    assert statuses(tmp_path / "s") == {"0011.png": "worker_died", "0028.png": "worker_died"}
    assert "2 worker_died; see them with" in run.stderr
    assert "40 files listed = 30 indexed + 8 without people + 2 failed + 0 duplicates" in run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS)) - len(GROUPS[11]) - len(GROUPS[28])
    assert verify_store(Store.open(tmp_path / "s")).problems == ()
    assert not list((tmp_path / "s" / "work").glob("*.begun"))
    again = par(photos, tmp_path / "s", env=prefect_environment)
    assert again.returncode == 1
    assert "0 new or changed, 0 to retry, 40 unchanged" in again.stderr, (
        "the night after does not begin again"
    )
    # with workers that survive it
    retried = par(photos, tmp_path / "s", "--retry-failed", env=prefect_environment)
    assert retried.returncode == 0, retried.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))


def test_relative_paths_mean_the_same_to_workers_that_were_started_elsewhere(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    cluster.worker()
    run = par(
        Path("photos"), Path("s"), "--scheduler", cluster.address, env=prefect_environment, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))


def test_a_scheduler_that_goes_for_good_costs_nothing_that_was_finished_and_prefect_knows(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_api: dict[str, str]
) -> None:
    cluster.worker("--preload", SLOW)
    env = {**prefect_api, "PAR_MACHINE__PATIENCE_S": "3"}
    run = subprocess.Popen(
        command(photos, tmp_path / "s", "--shard-size", 4, "--scheduler", cluster.address),
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: described(tmp_path / "s") >= 2)
    progress = read_progress(Store.open(tmp_path / "s"))
    assert progress is not None
    assert (progress.planned_shards, progress.planned_images, progress.failed_images) == (10, 40, 0)
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
    assert "shards could not be finished; 40 files listed = " in flow_run["state"]["message"]
    artifacts = {each["key"]: each["data"] for each in client.artifacts(flow_run["id"])}
    assert "shards not finished: the Dask scheduler at" in artifacts["par-index"]
    assert 0 < artifacts["par-progress"] < 100
    assert any("does not answer; waiting up to 3 s" in line for line in client.log(flow_run["id"]))
    again = par(photos, tmp_path / "s", env=prefect_api)
    assert again.returncode == 0, again.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
    assert verify_store(Store.open(tmp_path / "s")).problems == ()


def test_a_worker_that_is_killed_once_costs_no_image(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    first = cluster.worker("--no-nanny", "--preload", SLOW)
    cluster.worker("--no-nanny", "--preload", SLOW)
    run = subprocess.Popen(
        command(photos, tmp_path / "s", "--shard-size", 4, "--scheduler", cluster.address),
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


@pytest.mark.parametrize("wrong", ["no worker", "no resource"])
def test_what_a_cluster_lacks_is_said_at_once_and_waited_for_no_longer_than_asked(
    wrong: str, tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    more: tuple[str, ...] = ()
    if wrong == "no resource":
        cluster.worker()
        more = ("--device", "cuda")
        with Client(cluster.address) as client:
            client.wait_for_workers(1, timeout=60)
    env = {**prefect_environment, "PAR_MACHINE__PATIENCE_S": "3"}
    started = time.monotonic()
    run = par(photos, tmp_path / "s", "--scheduler", cluster.address, *more, env=env)
    assert time.monotonic() - started < 30
    assert run.returncode == 2, run.stderr
    lacks = "has no workers" if wrong == "no worker" else "has the resource GPU=1"
    lines = [line for line in run.stderr.splitlines() if lacks in line]
    assert len(lines) == 2
    assert "waiting up to 3 s (machine.patience_s)" in lines[0]
    assert "did not change within 3 s" in lines[1]


def test_a_worker_that_does_not_answer_is_named_and_left_out(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    deaf = cluster.worker("--no-nanny", "--name", "deaf")
    with Client(cluster.address) as client:
        client.wait_for_workers(1, timeout=60)
    deaf.send_signal(signal.SIGSTOP)
    cluster.worker("--name", "well")
    try:
        run = par(photos, tmp_path / "s", "--scheduler", cluster.address, env=prefect_environment)
    finally:
        deaf.send_signal(signal.SIGCONT)
    assert run.returncode == 0, run.stderr
    assert "is left out: it does not answer" in run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))


def test_workers_of_another_version_are_refused_before_anything_is_done(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    cluster.worker("--no-nanny", "--preload", str(Path(POISON).with_name("other_version.py")))
    run = par(photos, tmp_path / "s", "--scheduler", cluster.address, env=prefect_environment)
    assert run.returncode == 2
    assert "have another version of PAR than this one" in run.stderr
    assert "0.0.9" in run.stderr
    assert described(tmp_path / "s") == 0


def test_workers_with_other_weights_refuse_and_the_run_says_why(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    cluster.worker("--no-nanny", "--preload", str(Path(POISON).with_name("other_weights.py")))
    run = par(photos, tmp_path / "s", "--scheduler", cluster.address, env=prefect_environment)
    assert run.returncode == 3, run.stderr
    assert "is another one than the segmenter of the machine that started the run" in run.stderr
    assert not list((tmp_path / "s").glob("segment/*/*"))


def test_a_worker_of_another_version_that_comes_later_is_left_out(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    cluster.worker("--preload", SLOW, PAR_TEST_SECONDS_AN_IMAGE="0.4")
    typed = command(photos, tmp_path / "s", "--shard-size", 4, "--scheduler", cluster.address)
    run = subprocess.Popen(typed, env=prefect_environment, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: described(tmp_path / "s") >= 1)
    cluster.worker("--no-nanny", "--preload", str(Path(POISON).with_name("other_version.py")))
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said
    assert "is left out: it has PAR 0.0.9, not" in said
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))


def test_a_worker_that_comes_late_is_waited_for(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    run = subprocess.Popen(
        command(photos, tmp_path / "s", "--scheduler", cluster.address),
        env=prefect_environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    waits = next(line for line in run.stderr if "has no workers" in line)
    assert "waiting up to" in waits
    cluster.worker()
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said


def test_two_workers_that_finish_the_same_shard_leave_one_that_verifies(tmp_path: Path, photos: Path) -> None:
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
    [shard, *others] = plan_index(run, [str(photos)], workers=1).shards
    first, second = halve(run, shard.shard_id)
    segment_shard(run, shard.shard_id)  # by the worker that was cut off
    for each in (first, second, *others):
        segment_shard(run, each.shard_id)
        describe_shard(run, each.shard_id)
    commit_store(run)
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS)), (
        "segmented twice, described once: nobody is missing"
    )
    describe_shard(run, shard.shard_id)
    commit_store(run)
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
    assert verify_store(store).problems == ()
    index(tmp_path / "s", [photos])
    assert verify_store(store).problems == ()


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
        "PAR_TEST_SECONDS_AN_IMAGE": "0.3",
        "PAR_TEST_IMAGES_A_WORKER": "10",
    }
    typed = command(photos, tmp_path / "s", "--shard-size", 4, "--runner", "dask", "--workers", 2)
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
