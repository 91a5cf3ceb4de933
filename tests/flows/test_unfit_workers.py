"""Workers that cannot do the work of a run, or cannot do it yet: they are named, waited for or left out."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from distributed import Client

from tests.flows.cluster import Cluster
from tests.flows.index_command import GROUPS, POISON, SLOW, command, described, par
from tests.indexing import content
from tests.waiting import wait_until


def test_relative_paths_mean_the_same_to_workers_that_were_started_elsewhere(
    tmp_path: Path, photos: Path, cluster: Cluster, prefect_environment: dict[str, str]
) -> None:
    cluster.worker()
    run = par(
        Path("photos"), Path("s"), "--scheduler", cluster.address, env=prefect_environment, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))


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
    known = tmp_path / "known"
    cluster.worker("--preload", SLOW, PAR_TEST_IMAGES_A_WORKER="4", PAR_TEST_UNTIL=str(known))
    typed = command(photos, tmp_path / "s", "--shard-size", 2, "--scheduler", cluster.address)
    run = subprocess.Popen(typed, env=prefect_environment, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    wait_until(lambda: described(tmp_path / "s") >= 1)
    cluster.worker("--no-nanny", "--preload", str(Path(POISON).with_name("other_version.py")))
    assert any("is left out: it has PAR 0.0.9, not" in line for line in run.stderr)
    known.touch()
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said
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
