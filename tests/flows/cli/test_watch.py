"""``par status --watch``, as a user starts and stops it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from flows.cli.main import app
from par_core.errors import BadConfigError
from tests.indexing import index
from tests.pictures import archive
from tests.serving import small_store


@contextmanager
def watching(store: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "flows.cli.main", "status", "--store", str(store), *arguments]
    ended_by_ctrl_c = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # else maybe ignored
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ended_by_ctrl_c
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
    assert process.returncode == 130


def test_it_prints_again_what_has_changed(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    with watching(store, "--watch", "0.1") as process:
        lines = iter(process.stdout)
        first = next(line for line in lines if "files listed" in line)
        assert first.startswith("5 files listed = 4 indexed + 1 without people")
        index(store, [tmp_path / "photos", archive(tmp_path / "more", [("blue",)] * 2)])
        later = next(line for line in lines if "files listed" in line and line != first)
        assert later.startswith("7 files listed")


def test_json_is_an_object_a_line_and_the_seconds_may_be_left_out(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    with watching(store, "--watch", "--json") as process:
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        assert first["rows"] == second["rows"] == 7
        assert first["time"] < second["time"]
        assert first["time"].endswith("Z")
        shutil.rmtree(store)
        away = next(line for line in map(json.loads, process.stdout) if "error" in line)
        assert "cannot be read" in away["error"]


def test_it_is_for_counts_alone(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    refused = CliRunner().invoke(app, ["status", "--store", str(store), "--watch", "--failed"])
    assert isinstance(refused.exception, BadConfigError)
    assert "--failed" in str(refused.exception)
