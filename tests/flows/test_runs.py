"""The command line on every runner, as a user runs it: in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from par_core.errors import StoreError
from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.indexing import content, index
from tests.pictures import archive, save, scene

PAR = str(Path(sys.executable).with_name("par"))
GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")] * 8


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("photos"), GROUPS)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> list[dict]:
    root = tmp_path_factory.mktemp("reference")
    index(root, [photos])
    return content(root)


def par(*arguments: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PAR, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=200, check=False
    )


def test_threads_give_the_same_answer_and_leave_nothing_behind(
    tmp_path: Path, photos: Path, reference: list[dict], prefect_environment: dict[str, str]
) -> None:
    marker = {**prefect_environment, "PAR_TEST_MARK": str(tmp_path)}
    run = par(
        "index",
        photos,
        "--store",
        tmp_path / "s",
        "--profile",
        "fake",
        "--runner",
        "threads",
        "--json",
        env=marker,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["equation"] == "40 files listed = 32 indexed + 8 without people + 0 failed + 0 duplicates"
    assert content(tmp_path / "s") == reference
    assert left_behind(str(tmp_path)) == []


def test_no_process_of_a_command_imports_what_lies_in_the_users_folder(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    (tmp_path / "work").mkdir()
    names = (
        "ctypes",
        "queue",
        "attrs",
        "socket",
        "multiprocessing",
        "selectors",
        "tornado",
        "numpy",
        "torch",
        "dask",
        "typer",
        "json",
        "flows",
        "par_core",
    )
    for name in names:
        (tmp_path / "work" / f"{name}.py").write_text(
            f"open({str(tmp_path / 'imported')!r}, 'a').write('{name} ')\nraise ImportError\n"
        )
    index = ["index", str(photos), "--profile", "fake", "--store"]
    for typed in (
        ["--help"],
        [*index, "s", "--runner", "dask", "--workers", "2"],
        [*index, "t", "--runner", "threads"],
        ["search", "red", "--store", "s", "--profile", "fake"],
        ["status", "--store", "s"],
    ):
        run = subprocess.run(
            [PAR, *typed],
            cwd=tmp_path / "work",
            env=prefect_environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert not (tmp_path / "imported").exists(), (typed, (tmp_path / "imported").read_text())
        assert run.returncode == 0, run.stderr


def left_behind(mark: str) -> list[str]:
    """Processes that were started with our mark in their environment."""
    commands = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PAR_TEST_MARK") == mark:
                commands.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return commands


def test_dask_gives_the_same_answer(
    tmp_path: Path, photos: Path, reference: list[dict], prefect_api: dict[str, str]
) -> None:
    marker = {**prefect_api, "PAR_TEST_MARK": str(tmp_path)}
    run = par(
        "index",
        photos,
        "--store",
        tmp_path / "s",
        "--profile",
        "fake",
        "--runner",
        "dask",
        "--workers",
        2,
        env=marker,
    )
    assert run.returncode == 0, run.stderr
    first, *_, last = run.stderr.splitlines()
    assert "dask, 2 workers" in first
    assert "40 files listed = 32 indexed + 8 without people + 0 failed + 0 duplicates" in last
    assert content(tmp_path / "s") == reference
    assert left_behind(str(tmp_path)) == []


# the fake models need no GPU, their tasks go where one is
@pytest.mark.parametrize(
    ("device", "resources"), [pytest.param("cpu", None, marks=pytest.mark.slow), ("cuda", {"GPU": 1})]
)
def test_an_existing_scheduler_gives_the_same_answer(
    device: str,
    resources: dict | None,
    tmp_path: Path,
    photos: Path,
    reference: list[dict],
    prefect_api: dict[str, str],
) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0",
        resources=resources,
    ) as cluster:
        run = par(
            "index",
            photos,
            "--store",
            tmp_path / "s",
            "--profile",
            "fake",
            "--scheduler",
            cluster.scheduler_address,
            "--device",
            device,
            env=prefect_api,
        )
    assert run.returncode == 0, run.stderr
    assert content(tmp_path / "s") == reference


def test_a_scheduler_that_is_not_there_is_one_clear_line(
    tmp_path: Path, photos: Path, prefect_api: dict[str, str]
) -> None:
    env = {**prefect_api, "PAR_MACHINE__PATIENCE_S": "2"}
    run = par(
        "index",
        photos,
        "--store",
        tmp_path / "s",
        "--profile",
        "fake",
        "--scheduler",
        "tcp://127.0.0.1:9",
        env=env,
    )
    assert run.returncode == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in run.stderr.splitlines()[-1]


def test_failed_files_give_exit_code_1_and_are_listed(
    tmp_path: Path, prefect_environment: dict[str, str]
) -> None:
    save(tmp_path / "p" / "fine.png", scene("red"))
    (tmp_path / "p" / "bad.jpg").write_bytes(b"no picture")
    run = par(
        "index", tmp_path / "p", "--store", tmp_path / "s", "--profile", "fake", env=prefect_environment
    )
    assert run.returncode == 1, run.stderr
    shown = par("status", "--store", tmp_path / "s", "--failed", env=prefect_environment)
    assert f"damaged\t{tmp_path}/p/bad.jpg\tno picture in a format that PAR reads" in shown.stdout
    assert (
        par(
            "index",
            tmp_path / "p",
            "--store",
            tmp_path / "s",
            "--profile",
            "fake",
            "--retry-failed",
            env=prefect_environment,
        ).returncode
        == 1
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_can_be_continued(
    how: signal.Signals,
    tmp_path: Path,
    photos: Path,
    reference: list[dict],
    prefect_environment: dict[str, str],
) -> None:
    marker = {**prefect_environment, "PAR_TEST_MARK": str(tmp_path)}
    command = [
        PAR,
        "index",
        str(photos),
        "--store",
        str(tmp_path / "s"),
        "--profile",
        "fake",
        "--runner",
        "dask",
        "--workers",
        "2",
    ]
    run = subprocess.Popen(command, env=marker, stderr=subprocess.PIPE, text=True, start_new_session=True)
    ends = time.monotonic() + 120
    # driver, Dask's workers, and what watches their resources
    while time.monotonic() < ends and len(left_behind(str(tmp_path))) < 4:
        time.sleep(0.05)
    # Ctrl-C reaches every process of a terminal
    (os.killpg if how is signal.SIGINT else os.kill)(run.pid, how)
    _, errors = run.communicate(timeout=30)
    if how is signal.SIGINT:
        assert run.returncode == 130
        assert (
            errors.splitlines()[-1]
            == "par: stopped; finished shards are kept. Run the same command again to continue."
        )
    for _ in range(100):
        if not left_behind(str(tmp_path)):
            break
        time.sleep(0.1)
    assert left_behind(str(tmp_path)) == []
    index(tmp_path / "s", [photos])
    assert content(tmp_path / "s") == reference
    assert verify_store(Store.open(tmp_path / "s")).problems == ()


def test_the_check_of_a_deployment_fails_with_what_failed(
    tmp_path: Path, photos: Path, prefect_api: dict[str, str]
) -> None:
    index(tmp_path / "s", [photos])
    golden = tmp_path / "golden.yaml"
    golden.write_text("queries: [{text: a red person, at_least: 50}]")
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.deployed import check

    with temporary_settings({PREFECT_API_URL: prefect_api["PREFECT_API_URL"]}):
        with pytest.raises(
            StoreError, match=r"does not pass the gate any more .*a red person: expected at least 50 hits"
        ):
            check(str(tmp_path / "s"), str(golden), {"profile": "fake"})
        golden.write_text("queries: [{text: a red person, at_least: 3}]")
        assert check(str(tmp_path / "s"), str(golden), {"profile": "fake"})["passed"]


def test_indexing_with_a_gate_that_fails_ends_with_exit_code_1(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    golden = tmp_path / "golden.yaml"
    golden.write_text("queries: [{text: a red person, at_least: 50}]")
    arguments = (
        "index",
        photos,
        "--store",
        tmp_path / "s",
        "--profile",
        "fake",
        "--runner",
        "threads",
        "--golden",
        golden,
    )
    run = par(*arguments, env=prefect_environment)
    assert run.returncode == 1, run.stderr
    assert "failed: a red person: expected at least 50 hits with a probability above 0.15" in run.stderr
    golden.write_text("queries: [{text: a red person, at_least: 3}]")
    # nothing new to index, and the gate is asked again
    assert par(*arguments, env=prefect_environment).returncode == 0
