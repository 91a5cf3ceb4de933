"""Lines for people and for programs."""

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.console.lines import run_id, say, use_log_format
from par_core.errors import BadConfigError
from par_core.serve.client import Client
from tests.pictures import archive
from tests.serving import small_store

KEYS = {"time", "level", "event", "message", "run"}


@pytest.fixture
def objects() -> Iterator[None]:
    use_log_format("json")
    yield
    use_log_format("plain")


def parsed(text: str) -> list[dict[str, Any]]:
    """The objects of a text, in which there is nothing else."""
    return [json.loads(line) for line in text.splitlines()]


def par(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.usefixtures("objects")
def test_a_line_is_an_object_with_its_time_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    say("par: warning: nothing there", event="source_empty")
    say("par: one\nline, ü", event="progress", done=3, total=None)
    first, second = parsed(capsys.readouterr().err)
    assert first.keys() == KEYS
    assert (first["level"], first["event"], first["message"]) == ("warning", "source_empty", "nothing there")
    assert (second["level"], second["message"], second["done"]) == ("info", "one\nline, ü", 3)
    assert first["run"] == second["run"] == run_id()
    assert first["time"].endswith("Z")
    assert abs(datetime.fromisoformat(first["time"]) - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.usefixtures("objects")
def test_python_s_logging_and_warnings_are_objects_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("par_core.serve").exception("GET %r", "/x")
    logging.getLogger("par_core.serve").info("not worth a line")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("careful", UserWarning, stacklevel=1)
    first, second = parsed(capsys.readouterr().err)
    assert (first["level"], first["event"], first["message"]) == ("error", "log", "GET '/x'")
    assert "ValueError: broken" in first["traceback"]
    assert second["level"] == "warning"
    assert "careful" in second["message"]


def test_plain_lines_are_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    use_log_format("plain")
    say("par: warning: nothing there", event="source_empty", done=3)
    assert capsys.readouterr().err == "par: warning: nothing there\n"
    with pytest.raises(BadConfigError, match="there are: plain, json"):
        use_log_format("xml")


def test_an_index_run_and_its_errors_are_objects_only(tmp_path: Path) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    (tmp_path / "empty").mkdir()
    store = tmp_path / "s"
    common = ("--store", store, "--profile", "fake", "--runner", "threads", "--log-format", "json")
    done = par("index", photos, tmp_path / "empty", *common)
    assert (done.returncode, done.stdout) == (0, "")
    lines = parsed(done.stderr)
    assert all(line.keys() >= KEYS for line in lines)
    assert len({line["run"] for line in lines}) == 1
    events = [line["event"] for line in lines]
    assert events[0] == "source_empty"
    assert {"start", "plan", "progress", "result"} <= set(events)
    [plan] = [line for line in lines if line["event"] == "plan"]
    assert (plan["listed"], plan["new"], plan["unchanged"]) == (3, 3, 0)
    assert lines[-1]["message"].startswith("3 files listed = 2 indexed + 1 without people")
    plain = par("index", photos, "--store", tmp_path / "t", *common[2:-2]).stderr
    said = {line["message"].partition(";")[0] for line in lines if line["event"] == "result"}
    assert said <= {line.removeprefix("par: ").partition(";")[0] for line in plain.splitlines()}
    wrong = par("index", tmp_path / "none", *common, PAR_DEBUG="1")
    assert wrong.returncode == 2
    [error] = parsed(wrong.stderr)
    assert (error["level"], error["event"], error["exit_code"]) == ("error", "failed", 2)


def test_a_server_says_its_address_as_an_object(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    command = ["serve", "--store", str(store), "--profile", "fake", "--port", "0", "--log-format", "json"]
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli.main", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        started = json.loads(server.stderr.readline())
        with Client(started["address"]) as client:
            assert client.search("red").searched == 7
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=120)
    assert started["event"] == "start"
    assert started["address"].startswith("http://127.0.0.1:")
    assert (server.returncode, out, parsed(err)) == (130, "", [])
