"""The files of ``deployments/`` on a real Prefect server: schedules book runs, a worker starts one that is
due, and the server's log holds no error.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from par_core.errors import BadConfigError
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.flows.conftest import PREFECT
from tests.flows.prefect_client import PrefectClient
from tests.flows.processes import stop
from tests.indexing import content
from tests.pictures import archive

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
GROUPS = [("red",), ("green", "blue"), (), ("yellow",)] * 4


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("photos"), GROUPS)


class Operator:
    """Types Prefect's commands in a folder that is no checkout."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.client = PrefectClient(environment)

    def types(self, *arguments: object) -> str:
        return self._runs([*PREFECT, *map(str, arguments)])

    def runs_python(self, code: str) -> str:
        return self._runs([sys.executable, "-c", code])

    def _runs(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def operator(prefect_api: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator(prefect_api, tmp_path_factory.mktemp("operator"))
    operator.types("work-pool", "create", "par", "--type", "process")
    operator.types("work-queue", "create", "nightly", "--pool", "par", "--limit", "1")
    operator.types("--no-prompt", "deploy", "--all", "--prefect-file", DEPLOYMENTS / "prefect.yaml")
    return operator


def eventually(true: Callable[[], Any], seconds: float) -> Any:
    ends = time.monotonic() + seconds
    while not (result := true()):
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.5)
    return result


@pytest.mark.timeout(200)
def test_every_active_schedule_has_booked_its_next_runs(operator: Operator, prefect_log: Path) -> None:
    wanted = {
        each["name"] for each in yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text())["deployments"]
    }
    deployed = {each["name"]: each for each in operator.client.deployments() if each["name"] in wanted}
    assert deployed.keys() == wanted
    for name, each in deployed.items():
        active = [schedule for schedule in each["schedules"] if schedule["active"]]
        if not active:
            assert operator.client.runs_of(each["id"]) == [], name
            continue
        booked = eventually(lambda each=each: operator.client.runs_of(each["id"], "SCHEDULED"), 90)
        times = [datetime.fromisoformat(run["expected_start_time"]) for run in booked]
        hour = int(active[0]["schedule"]["cron"].split()[1])
        assert len(times) >= 3, name
        assert {moment.astimezone(UTC).hour for moment in times} == {hour}
        assert min(times) - datetime.now(UTC) < timedelta(days=1)
    assert {
        name for name, each in deployed.items() if any(schedule["active"] for schedule in each["schedules"])
    } == {"nightly", "morning-check"}
    assert errors(prefect_log) == []


def errors(log: Path) -> list[str]:
    """What a server says when a service fails: it goes on, schedules nothing, and answers every question as
    before.
    """
    return [
        line
        for line in log.read_text(errors="replace").splitlines()
        if re.search(r"\b(ERROR|CRITICAL|Traceback|Error:|Exception)\b", line)
    ]


def test_no_deployment_names_the_folder_where_it_was_made(operator: Operator) -> None:
    for each in operator.client.deployments():
        assert str(DEPLOYMENTS.parent) not in json.dumps(each), each["name"]
        assert str(operator.folder) not in json.dumps(each), each["name"]
        assert each["entrypoint"].startswith("flows.deployed.")
        assert not each["pull_steps"]


@pytest.mark.timeout(280)
def test_a_run_that_is_due_is_started_by_a_worker_and_leaves_log_progress_and_state(
    operator: Operator, photos: Path, tmp_path: Path, prefect_log: Path
) -> None:
    (photos / "letter.png").write_bytes(b"no picture")
    file = tmp_path / "prefect.yaml"
    declared = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text())
    nightly = next(each for each in declared["deployments"] if each["name"] == "nightly")
    golden = tmp_path / "golden.yaml"
    golden.write_text("queries: [{text: a red person, at_least: 3}]")
    settings = {"profile": "fake", "machine": {"runner": "dask", "workers": 1}}
    nightly["parameters"] = {
        "sources": [str(photos)],
        "store": str(tmp_path / "s"),
        "settings": settings,
        "golden": str(golden),
    }
    due = datetime.now(UTC) + timedelta(seconds=20)
    nightly["name"] = "tonight"
    nightly["schedules"] = [{"interval": 86_400, "anchor_date": due.isoformat(), "timezone": "Etc/UTC"}]
    file.write_text(yaml.safe_dump({**declared, "deployments": [nightly]}))
    operator.types("--no-prompt", "deploy", "--all", "--prefect-file", file)
    [deployment] = [each["id"] for each in operator.client.deployments() if each["name"] == "tonight"]
    worker = subprocess.Popen(
        [*PREFECT, "worker", "start", "--pool", "par"],
        cwd=operator.folder,
        env=operator.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        [run] = eventually(lambda: operator.client.runs_of(deployment, "COMPLETED", "FAILED", "CRASHED"), 200)
        # logs follow the state
        eventually(
            lambda: any("described 17/17 images" in line for line in operator.client.log(run["id"])), 60
        )
    finally:
        stop(worker, 30)  # now and then it waits for ever after SIGTERM
    assert run["state_name"] == "Completed with failures", run["state"]
    assert "17 files listed = 12 indexed + 4 without people + 1 failed" in run["state"]["message"]
    assert abs(datetime.fromisoformat(run["expected_start_time"]) - due) < timedelta(seconds=5)
    assert {"par-progress", "par-index"} <= {each["key"] for each in operator.client.artifacts(run["id"])}
    store = Store.open(tmp_path / "s")
    assert verify_store(store).problems == ()
    assert len(content(tmp_path / "s")) == sum(map(len, GROUPS))
    status = store_status(store)
    assert status.live_version == status.version is not None
    assert errors(prefect_log) == []


def test_one_night_at_a_time_is_a_limit_of_a_queue_which_outlives_a_restart_of_the_server(
    operator: Operator,
) -> None:
    """A limit of the deployment is a lease in the server's memory: when that restarts, Prefect ends the run
    that holds it.
    """
    for each in operator.client.deployments():
        assert each["concurrency_limit"] is None, each["name"]
        assert each["work_queue_name"] == ("nightly" if each["name"] in ("nightly", "tonight") else "default")
    [queue] = [each for each in operator.client.post("work_queues/filter") if each["name"] == "nightly"]
    assert queue["concurrency_limit"] == 1


def test_relative_paths_are_refused_as_they_would_go_with_the_folder_of_the_run() -> None:
    from flows.deployed import check, evaluate, index, query, train

    relative = "paths of a deployment must be absolute"
    with pytest.raises(BadConfigError, match=relative):
        index.fn(["/photos"], "store")
    with pytest.raises(BadConfigError, match=relative):
        index.fn(["photos", "s3://bucket/photos"], "/store")
    with pytest.raises(BadConfigError, match=relative):
        query.fn("store", "a man")
    with pytest.raises(BadConfigError, match=relative):
        check.fn("/store", "golden.yaml")
    with pytest.raises(BadConfigError, match=relative):
        train.fn({"what": "attributes", "root": "data"}, "/out")
    with pytest.raises(BadConfigError, match=relative):
        evaluate.fn("attributes", "mit", "/data", "out")


def test_the_automation_for_killed_runs_is_accepted_and_is_about_runs_of_par_only(operator: Operator) -> None:
    operator.types("automation", "create", "--from-file", DEPLOYMENTS / "automations.yaml")
    [made] = [
        each for each in operator.client.post("automations/filter") if each["name"] == "par-killed-runs"
    ]
    assert made["enabled"]
    assert made["trigger"]["posture"] == "Proactive"
    assert made["trigger"]["match_related"] == {
        "prefect.resource.role": "flow",
        "prefect.resource.name": "par-*",
    }
    assert made["actions"][0]["state"] == "CRASHED"
    for each in operator.client.deployments():
        assert each["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30", each["name"]
    for name in operator.client.post("flows/filter"):
        assert name["name"].startswith("par-")


@pytest.fixture
def received() -> Iterator[tuple[str, list[str]]]:
    """Address of a webhook, and the messages that came to it."""
    messages: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", messages
        server.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_night_that_fails_and_one_without_anything_new_send_messages(
    operator: Operator, tmp_path: Path, received: tuple[str, list[str]]
) -> None:
    address, messages = received
    photos = archive(tmp_path / "photos", GROUPS[:2])
    # as the head of the file says
    block = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as Hook\n"
        f'print(Hook(name="par", url="{address}", json_data={{"text": "{{{{subject}}}}: {{{{body}}}}"}})'
        '.save("par", overwrite=True))'
    )
    made = operator.runs_python(block).strip()
    file = tmp_path / "notifications.yaml"
    file.write_text((DEPLOYMENTS / "notifications.yaml").read_text().replace("BLOCK-ID", made))
    operator.types("automation", "create", "--from-file", file)
    parameters = f"[{str(photos)!r}], {str(tmp_path / 's')!r}, {{'profile': 'fake'}}"
    nights = f"from flows.deployed import index\nindex({parameters})\nindex({parameters})\n"
    operator.runs_python(nights + "try:\n    index(['photos'], 'store')\nexcept Exception: pass")
    eventually(lambda: len(messages) >= 2, 90)
    quiet, failed = sorted(messages)
    assert failed.startswith("PAR: par-index is Failed: ")
    assert "store: paths of a deployment must be absolute" in failed
    assert quiet == (
        f"PAR: nothing new in {tmp_path / 's'}: 2 files listed, none of them new or changed, 0 vanished"
    )
