"""What ``deployments/compose.yaml`` says, carried out: Prefect on Postgres, its worker, a Dask cluster, an
object store.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from par_core.stages.check import verify_store
from par_core.store.layout import Store
from tests.flows.composed import FILE, Composed
from tests.flows.index_command import PAR, par
from tests.flows.postgres import Postgres, postgres_programs
from tests.flows.prefect_client import PrefectClient
from tests.flows.test_deployments import Operator, errors, eventually
from tests.object_stores import BUCKET
from tests.pictures import archive
from tests.waiting import wait_for_server

PROGRAMS = postgres_programs()
DEPLOYMENTS = FILE.parent
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)] * 4
PASSWORD = "Xr7pe0mQ"
S3 = {"PAR_S3_KEY": "key-of-composed", "PAR_S3_SECRET": "secret-of-composed"}


@pytest.fixture
def composed(prefect_environment: dict[str, str], tmp_path: Path) -> Iterator[Composed]:
    outside = {
        **prefect_environment,
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }
    made = Composed(outside, tmp_path / "composed", {"PAR_POSTGRES_PASSWORD": PASSWORD, **S3})
    try:
        yield made
    finally:
        made.end()


def serve(composed: Composed) -> None:
    url = composed.local("http://prefect:4200/api")
    server = composed.start("prefect")
    wait_for_server(f"{url}/health", server, composed.log("prefect"))


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.skipif(PROGRAMS is None, reason="needs PostgreSQL's server (Debian's package postgresql)")
def test_a_night_on_postgres_is_known_after_a_restart_of_the_server_and_old_nights_are_deleted(
    composed: Composed, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    assert PROGRAMS is not None
    postgres = composed.start_postgres(PROGRAMS)
    serve(composed)
    outside = {**prefect_environment, **composed.environment("prefect-worker")}
    operator = Operator(outside, tmp_path)
    operator.types("work-pool", "create", "par", "--type", "process")
    operator.types("work-queue", "create", "nightly", "--pool", "par", "--limit", "1")
    operator.types("--no-prompt", "deploy", "--all", "--prefect-file", tonight(composed, tmp_path))
    operator.types("automation", "create", "--from-file", DEPLOYMENTS / "automations.yaml")
    for service in ("scheduler", "worker", "worker", "prefect-worker"):
        composed.start(service)
    operator.types("deployment", "run", "par-index/nightly")
    nightly = id_of(operator.client, "nightly")

    [run] = eventually(lambda: operator.client.runs_of(nightly, "COMPLETED", "FAILED", "CRASHED"), 200)
    assert run["state_name"] == "Completed", run["state"]
    assert run["work_pool_name"] == "par"
    assert verify_store(Store.open(tmp_path / "s")).problems == ()
    line = eventually(
        lambda: [each for each in operator.client.log(run["id"]) if "par: 2 workers on 127.0.0.1" in each], 60
    )
    former = ended_long_ago(operator.client, postgres, run["flow_id"])
    assert (
        postgres.asks("par", "prefect", "select count(*) from flow_run where state_type = 'COMPLETED'") == "2"
    )

    composed.stop("prefect")
    serve(composed)

    assert operator.client.get(f"flow_runs/{run['id']}")["state"] == run["state"]
    assert line[0] in operator.client.log(run["id"])
    artifacts = {each["key"]: each["data"] for each in operator.client.artifacts(run["id"])}
    assert artifacts.keys() >= {"par-progress", "par-index"}
    assert "16 files listed = 12 indexed + 4 without people + 0 failed" in artifacts["par-index"]
    assert [each["name"] for each in operator.client.post("automations/filter")] == ["par-killed-runs"]
    eventually(lambda: former not in ids_of_runs(operator.client), 60)
    assert run["id"] in ids_of_runs(operator.client)
    assert errors(composed.log("prefect")) == []
    assert errors(composed.log("prefect", 1)) == []


def apart(folder: Path) -> dict[str, str]:
    """Variables by which a process has a home, a cache and a temporary folder of its own."""
    (folder / "tmp").mkdir(parents=True)
    return {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}


@pytest.mark.slow
def test_workers_without_a_common_folder_index_into_the_object_store(
    composed: Composed, prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    """As the guide types it, from the service that has Prefect's worker."""
    composed.start_objects()
    composed.start("scheduler")
    for name in ("one", "two"):
        composed.start("worker", **apart(tmp_path / name))
    driver = {**prefect_environment, **composed.environment("prefect-worker"), **apart(tmp_path / "driver")}
    del driver["PREFECT_API_URL"]
    archive(tmp_path / "photos", GROUPS)
    [fill] = re.findall(r"python -c '(import fsspec; .*)'", (DEPLOYMENTS / "README.md").read_text())
    subprocess.run([sys.executable, "-P", "-c", fill], env=driver, cwd=tmp_path, check=True)
    store = f"s3://{BUCKET}/store"
    more = ("--shard-size", "4", "--scheduler", composed.local("tcp://scheduler:8786"))
    run = par(f"s3://{BUCKET}/archive", store, *more, env=driver, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "2 workers on 127.0.0.1" in run.stderr
    assert "16 files listed = 12 indexed + 4 without people" in run.stdout + run.stderr
    assert not any((tmp_path / name / "cache" / "par").exists() for name in ("one", "two"))
    assert not any(secret in run.stderr + composed.log("worker").read_text() for secret in S3.values())
    for typed in (["verify", "--thorough"], ["search", "a man", "--profile", "fake"]):
        said = subprocess.run(
            [PAR, *typed, "--store", store], env=driver, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr + said.stdout
    wrong = {**driver, "AWS_SECRET_ACCESS_KEY": "wrong", **apart(tmp_path / "stranger")}
    refused = subprocess.run(
        [PAR, "status", "--store", store], env=wrong, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2, refused.stderr
    assert "the object store refuses access (SignatureDoesNotMatch)" in refused.stderr


def tonight(composed: Composed, folder: Path) -> Path:
    """Write the shipped deployments with the archive, store and cluster of this test."""
    declared = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text())
    nightly = next(each for each in declared["deployments"] if each["name"] == "nightly")
    nightly["parameters"] = {
        "sources": [str(archive(folder / "photos", GROUPS))],
        "store": str(folder / "s"),
        "settings": {"profile": "fake", "machine": {"scheduler": composed.local("tcp://scheduler:8786")}},
    }
    file = folder / "prefect.yaml"
    file.write_text(yaml.safe_dump(declared))
    return file


def id_of(client: PrefectClient, name: str) -> str:
    [deployment] = [each["id"] for each in client.deployments() if each["name"] == name]
    return deployment


def ids_of_runs(client: PrefectClient) -> set[str]:
    return {each["id"] for each in client.post("flow_runs/filter")}


def ended_long_ago(client: PrefectClient, postgres: Postgres, flow: str) -> str:
    """Record a run of 100 days ago, and return its id."""
    made = client.post("flow_runs/", flow_id=flow, name="long-ago", state={"type": "COMPLETED"})["id"]
    then = "start_time = now() - interval '101 days', end_time = now() - interval '100 days'"
    postgres.asks("par", "prefect", f"update flow_run set {then} where id = '{made}'")
    return made
