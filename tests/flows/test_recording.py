"""What Prefect knows of a run that was started from the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from par_core.store.layout import Store
from tests.flows.prefect_client import PrefectClient
from tests.indexing import content
from tests.pictures import archive

PAR = str(Path(sys.executable).with_name("par"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("photos"), [("red",), ("green", "blue"), ()] * 8)


def par(*arguments: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PAR, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=200, check=False
    )


def test_a_run_is_a_flow_run_with_log_progress_and_result_and_small_parameters(
    tmp_path: Path, photos: Path, prefect_api: dict[str, str]
) -> None:
    (photos / "letter.png").write_bytes(b"no picture")
    store = tmp_path / "s"
    run = par("index", photos, "--store", store, "--profile", "fake", "--shard-size", 1, env=prefect_api)
    assert run.returncode == 1, run.stderr
    assert "prefect" not in run.stderr.lower()
    client = PrefectClient(prefect_api)
    [recorded] = [each for each in client.flow_runs("par-index") if each["parameters"]["store"] == str(store)]
    assert recorded["state_type"] == "COMPLETED"
    assert recorded["state_name"] == "Completed with failures"
    assert "25 files listed = 16 indexed + 8 without people + 1 failed" in recorded["state"]["message"]
    assert set(recorded["parameters"]) == {"store", "run"}
    assert len(json.dumps(recorded["parameters"])) < 500
    log = client.log(recorded["id"])
    assert any("described 25/25 images" in line for line in log)
    assert any("1 damaged" in line for line in log)
    artifacts = {each["key"]: each for each in client.artifacts(recorded["id"])}
    assert artifacts["par-progress"]["data"] == 100
    assert "25 files listed" in artifacts["par-index"]["data"]


@pytest.mark.timeout(120)
def test_a_missing_server_does_not_stop_indexing(
    tmp_path: Path, photos: Path, prefect_environment: dict[str, str]
) -> None:
    away = {**prefect_environment, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    run = par("index", photos, "--store", tmp_path / "s", "--profile", "fake", env=away)
    assert run.returncode in (0, 1), run.stderr
    assert (
        "Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL); this run is not recorded there"
        in run.stderr
    )
    assert len(content(tmp_path / "s")) == 24
    assert Store.open(tmp_path / "s").commits()
