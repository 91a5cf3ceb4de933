"""Evaluations that are fanned out: the runner does not change the scores, and a killed run continues."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pictures import save, scene

PAR = Path(sys.executable).with_name("par")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for number in range(130):  # three shards
        name = (
            f"{number:05d}_{'female' if number % 3 == 0 else 'male'}_{'fore' if number % 2 else 'back'}.jpg"
        )
        save(
            root / "mit_pedestrian" / name,
            cv2.resize(scene("red" if number % 3 == 0 else "blue", seed=number), (64, 128)),
        )
    return root


def command(root: Path, out: Path, *more: str) -> list[str]:
    return [
        str(PAR),
        "evaluate",
        "attributes",
        "--dataset",
        "mit",
        "--root",
        str(root),
        "--profile",
        "fake",
        "--out",
        str(out),
        *more,
    ]


def predictions(out: Path) -> pa.Table:
    """Return the rows of all shards, in their order."""
    return pa.concat_tables([pq.read_table(file) for file in sorted(out.glob("observed/*/*.parquet"))])


def shards(out: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in out.glob("observed/*/*.parquet")}


@pytest.mark.timeout(300)
def test_threads_processes_and_a_killed_run_see_the_same(
    people: Path, tmp_path: Path, prefect_api: dict[str, str]
) -> None:
    processes, killed = tmp_path / "processes", tmp_path / "killed"
    subprocess.run(
        command(people, processes, "--workers", "2"),
        env=prefect_api,
        check=True,
        capture_output=True,
        timeout=200,
    )
    assert len(shards(processes)) == 3
    run = subprocess.Popen(
        command(people, killed, "--workers", "1"),
        env=prefect_api,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ends = time.monotonic() + 120
    while not shards(killed) and run.poll() is None and time.monotonic() < ends:
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    before = shards(killed)
    assert before
    again = subprocess.run(
        command(people, killed, "--workers", "1"),
        env=prefect_api,
        check=True,
        capture_output=True,
        text=True,
        timeout=200,
    )
    after = shards(killed)
    assert {name: after[name] for name in before} == before
    assert len(before) == 3 or f"{3 - len(before)} of 3 shards to do" in again.stderr
    assert (killed / "report.json").exists()
    assert predictions(killed).equals(predictions(processes))


@pytest.mark.timeout(120)
def test_a_picture_that_cannot_be_read_ends_the_run_by_its_name(
    people: Path, tmp_path: Path, prefect_api: dict[str, str]
) -> None:
    shutil.copytree(people, tmp_path / "data")
    (tmp_path / "data" / "mit_pedestrian" / "00100_male_back.jpg").write_text("no picture")
    done = subprocess.run(
        command(tmp_path / "data", tmp_path / "out", "--workers", "1"),
        env=prefect_api,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 0
    assert "00100_male_back.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "report.json").exists()


@pytest.mark.timeout(120)
def test_the_deployed_flow_leaves_a_table_and_a_link(
    people: Path, tmp_path: Path, prefect_api: dict[str, str]
) -> None:
    code = """
import sys
from prefect.client.orchestration import get_client
from flows.deployed import evaluate

report = evaluate("attributes", "mit", sys.argv[1], sys.argv[2], settings={"profile": "fake"})
with get_client(sync_client=True) as client:
    kept = {artifact.key: artifact.data for artifact in client.read_artifacts()}
print(report["images"], "| images | 130 |" in kept["par-evaluate"])
print(sys.argv[2] in kept["par-evaluate-report"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(people), str(tmp_path / "out")],
        cwd=Path(__file__).parents[2],
        env=prefect_api | {"PREFECT_LOGGING_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["130", "True", "True"]
    assert len(shards(tmp_path / "out")) == 3
