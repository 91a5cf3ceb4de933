"""A real Prometheus reads a server and a night by ``deployments/monitoring``, and answers the dashboard."""

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import yaml

from flows.index import run_index
from par_core.config import load_config
from tests.flows.processes import Processes, free_port
from tests.flows.test_deployments import eventually
from tests.flows.test_manifested import status
from tests.flows.test_monitoring_files import MONITORING, expressions, rules
from tests.pictures import archive

PROMETHEUS = shutil.which("prometheus")
QUESTIONS = dict(expressions())["Questions: p50, p95, p99"]


@contextmanager
def files_at(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, as node_exporter serves those of its textfile collector."""

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map: ClassVar[dict[str, str]] = {".prom": "text/plain; version=0.0.4"}

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def configured(folder: Path, targets: dict[str, str], token: Path) -> Path:
    """Write the shipped configuration with these targets, read every second."""
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(token)
        if job["job_name"] == "node":
            job["metrics_path"] = "/par.prom"
    (folder / "alerts.yml").write_bytes((MONITORING / "alerts.yml").read_bytes())
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def asker(port: int) -> Callable[[str], list[dict]]:
    def ask(expression: str) -> list[dict]:
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=20) as answer:
            return json.loads(answer.read())["data"]["result"]

    return ask


def any_number(answer: list[dict]) -> bool:
    return any(each["value"][1] != "NaN" for each in answer)


def token(store: Path, role: str, environment: dict[str, str]) -> str:
    typed = [
        sys.executable,
        "-m",
        "flows.cli.main",
        "tokens",
        "add",
        role,
        "--role",
        role,
        "--store",
        str(store),
    ]
    done = subprocess.run(typed, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def filled_in(expression: str) -> str:
    """Return an expression with what Grafana puts for its variables when everything is chosen."""
    return re.sub(r"\$(server|runner)\b", ".*", expression.replace("$__rate_interval", "10s"))


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.skipif(PROMETHEUS is None, reason="needs prometheus (Debian's package of that name)")
def test_prometheus_answers_each_expression_of_the_dashboard(
    prefect_environment: dict[str, str], tmp_path: Path
) -> None:
    assert PROMETHEUS is not None
    photos, store = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()] * 4), tmp_path / "s"
    (photos / "letter.png").write_bytes(b"no picture")
    night = {"file": tmp_path / "par.prom"}
    run_index([str(photos)], store, load_config(profile="fake", metrics=night), quiet=True)
    tokens = {role: token(store, role, prefect_environment) for role in ("metrics", "search")}
    (tmp_path / "token").write_text(tokens["metrics"])

    serving, port = free_port(), free_port()
    processes = Processes({**prefect_environment, "PAR_PROFILE": "fake"}, tmp_path / "processes")
    with files_at(tmp_path) as node:
        targets = {"par-serve": f"127.0.0.1:{serving}", "node": node}
        config = configured(tmp_path, targets, tmp_path / "token")
        try:
            processes.start("serve", ["par", "serve", "--store", str(store), "--port", str(serving)], {})
            eventually(lambda: status(f"http://127.0.0.1:{serving}/static/par.svg") == 200, 60)
            typed = [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
            with (tmp_path / "prometheus.log").open("wb") as log:
                prometheus = subprocess.Popen(
                    [*typed, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
                )
            try:
                ask = asker(port)
                eventually(lambda: status(f"http://127.0.0.1:{port}/-/ready") == 200, 60)
                eventually(lambda: len(ask("up == 1")) == 2, 30)
                asked = f"http://127.0.0.1:{serving}/api/search?q=red"
                bearer = {"Authorization": f"Bearer {tokens['search']}"}
                eventually(
                    lambda: status(asked, **bearer) == 200 and any_number(ask(filled_in(QUESTIONS))), 60
                )
                answers: dict[str, list[dict]] = {}
                for place, each in expressions():
                    answers.setdefault(place, []).extend(ask(filled_in(each)))
            finally:
                prometheus.terminate()
                prometheus.wait(30)
        finally:
            processes.end()
    alarms = {rule["alert"] for rule in rules()}
    silent = {place for place, answer in answers.items() if not answer}
    # the night has ended, nothing was committed since, nobody has judged; one file of 13 failed
    assert silent - alarms == {"Workers by host", "Commits", "Judgements in reviews, an hour"}
    assert alarms - silent == {"ParManyFailures"}
    assert len(answers) > 30
