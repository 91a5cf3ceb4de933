"""``par serve`` as a user starts and stops it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.access import Access, Role
from par_core.errors import BadConfigError
from par_core.serve.client import Client
from par_core.serve.server import bind
from tests.serving import small_store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``store`` and ``photos`` that the tests share and leave as they are."""
    made = tmp_path_factory.mktemp("served")
    small_store(made)
    return made


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_it_says_its_address_answers_and_stops(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "flows.cli.main",
        "serve",
        "--store",
        str(folder / "store"),
        "--profile",
        "fake",
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BROWSER": "false"},
    ) as server:
        address = server.stdout.readline().split(" on ")[1].split(" ")[0]
        with Client(address) as client:
            assert client.search("red").searched == 7
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=20)
    assert (server.returncode, out, err) == (130, "", "")


def test_other_machines_are_let_in_only_once_a_token_is_needed(folder: Path) -> None:
    refused = par("serve", "--store", folder / "store", "--profile", "fake", "--host", "0.0.0.0")
    assert isinstance(refused.exception, BadConfigError)
    assert "par tokens add NAME --role search" in str(refused.exception)


def test_with_a_token_any_host_may_be_chosen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    store = shutil.copytree(folder / "store", tmp_path / "store")
    Access.open(store).tokens.add("anna", Role.SEARCH)
    addresses = []
    monkeypatch.setattr(
        "uvicorn.Server.run", lambda self, sockets: addresses.append(sockets[0].getsockname()[0])
    )
    done = par("serve", "--store", store, "--profile", "fake", "--host", "0.0.0.0", "--port", "0")
    assert done.exit_code == 0, done.exception
    assert addresses == ["0.0.0.0"]


def test_a_wrong_start_is_one_line_that_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        busy = par(
            "serve", "--store", folder / "store", "--profile", "fake", "--port", taken.getsockname()[1]
        )
    nothing = par("serve", "--store", tmp_path / "none")
    elsewhere = par(
        "serve", "--store", folder / "store", "--profile", "fake", "--host", "no-such-host.invalid"
    )
    for refused, hint in [
        (busy, "choose another with --port"),
        (nothing, "par index SOURCE"),
        (elsewhere, "par tokens add"),
    ]:
        assert isinstance(refused.exception, BadConfigError)
        assert hint in str(refused.exception)
        assert "\n" not in str(refused.exception)
