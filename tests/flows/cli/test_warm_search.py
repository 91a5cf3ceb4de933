"""``par search --server`` and ``par shell``: the same answers, sooner; and what is said where no server
answers.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from par_core.access import Access, Role
from par_core.serve.address import announced, server_of
from tests.flows.console.pseudo_terminal import PLAIN, run_in_terminal
from tests.serving import small_store

ROOT = Path(__file__).parents[3]
QUESTIONS = (
    ("red",),
    ("red", "--explain", "--include-low-confidence", "--no-grouping"),
    ("man AND NOT hat", "--where", "height_px > 10"),
    ("--where", "upper_color = 'blue'"),
    ("upper:orange",),
    ("a rucksack", "--top", "2"),
)


def command(*typed: object) -> list[str]:
    return [sys.executable, "-m", "flows.cli.main", *map(str, typed)]


def par(*typed: object, **env: str) -> "subprocess.CompletedProcess[str]":
    given = {name: value for name, value in os.environ.items() if not name.startswith("PAR_")}
    return subprocess.run(
        command(*typed), env={**given, **env}, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def served(store: Path) -> Iterator["subprocess.Popen[str]"]:
    typed = command("serve", "--store", store, "--profile", "fake", "--port", 0)
    with subprocess.Popen(typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            server.address = line.split(" on ")[1].split(" ")[0]  # type: ignore[attr-defined]
            yield server
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=30)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_store(tmp_path_factory.mktemp("warm"))


@pytest.mark.timeout(290)
def test_a_server_gives_the_same_answer_as_the_command_alone(store: Path) -> None:
    fake = ("--store", store, "--profile", "fake")
    alone = [par("search", *question, *fake) for question in QUESTIONS[:4]]
    as_json = par("search", *QUESTIONS[1][:1], "--include-low-confidence", *fake, "--json")
    with served(store) as server:
        address = server.address  # type: ignore[attr-defined]
        assert json.loads((store / "server.json").read_bytes())["pid"] == server.pid
        for question, before in zip(QUESTIONS, alone, strict=False):
            now = par("search", *question, "--store", store, "--server", "auto")
            assert now.returncode == before.returncode == 0, now.stderr
            assert now.stdout == before.stdout
            assert now.stderr == f"par: note: answered by the server at {address}\n" + before.stderr
        asked = par(
            "search", "red", "--include-low-confidence", "--server", address, "--json", "--store", store
        )
        assert json.loads(asked.stdout) == json.loads(as_json.stdout)
        drawn = par("search", "red", "--server", address, "--pictures")  # without a store
        assert "▀" in drawn.stdout
        assert drawn.stdout.endswith(par("search", "red", "--server", address).stdout)
        wrong = par("search", "red AND", "--server", address)
        assert (wrong.returncode, wrong.stderr.count("stops too early")) == (2, 1)
        for more, why in (
            (("--version", "latest"), "a server reads the live version only"),
            (("--top", "501"), "a server gives 500 hits at once"),
            (("--html", store.parent / "x.html"), "--html is written by this command"),
        ):
            local = par("search", "red", *fake, "--server", "auto", *more)
            assert local.returncode == 0, local.stderr
            assert f"par: note: no server was used: {why}" in local.stderr
    events = [(event.how, event.what) for event in Access.open(store).log.read(None) if event.how == "api"]
    assert ("api", "man AND NOT hat; where: height_px > 10") in events
    ended = par("search", "red", *fake, "--server", "auto")
    assert ended.stderr.startswith(f"par: note: no par serve of {store} runs on this machine\n")
    assert ended.stdout == alone[0].stdout
    away = par("search", "red", "--server", address)
    assert (away.returncode, "no answer from" in away.stderr) == (3, True)


def test_a_token_is_respected(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    token = Access.open(store).tokens.add("anna", Role.SEARCH)
    with served(store) as server:
        address = server.address  # type: ignore[attr-defined]
        let_in = par("search", "red", "--store", store, "--server", "auto", PAR_TOKEN=str(token))
        assert "answered by the server" in let_in.stderr, let_in.stderr
        without = par("search", "red", "--store", store, "--profile", "fake", "--server", "auto")
        assert "it needs a token: set PAR_TOKEN" in without.stderr
        assert without.stdout == let_in.stdout
        refused = par("search", "red", "--server", address, PAR_TOKEN="par_wrong")
        assert refused.returncode == 3
        assert "par_wrong" not in refused.stderr
    who = [event.who for event in Access.open(store).log.read(None) if event.how == "api"]
    assert "anna" in who


def test_a_server_that_was_killed_is_not_found_and_the_next_one_is(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom par_core.serve.address import announced\n"
        "with announced(Path(sys.argv[1]), 'http://127.0.0.1:1') as unsaid:\n"
        "    print(repr(unsaid), flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "''\n"
        found = server_of(tmp_path)
        assert found is not None
        assert (found.url, found.pid) == ("http://127.0.0.1:1", holder.pid)
        with announced(tmp_path, "http://127.0.0.1:2") as unsaid:
            assert unsaid == "another server of this store is announced"
            assert server_of(tmp_path) == found
        holder.kill()
    assert (tmp_path / "server.json").read_bytes() != b""
    assert server_of(tmp_path) is None
    with announced(tmp_path, "http://127.0.0.1:3") as unsaid:
        assert unsaid == ""
        now = server_of(tmp_path)
        assert now is not None
        assert now.url == "http://127.0.0.1:3"
    assert server_of(tmp_path) is None


def test_a_server_of_another_machine_and_a_damaged_file_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_of(tmp_path) is None
    with announced(tmp_path, "http://127.0.0.1:3"):
        monkeypatch.setattr("par_core.serve.address.socket.gethostname", lambda: "another")
        assert server_of(tmp_path) is None
        monkeypatch.undo()
        (tmp_path / "server.json").write_text("{")
        assert server_of(tmp_path) is None
    with announced(tmp_path / "none", "http://127.0.0.1:3") as unsaid:
        assert "cannot be written: No such file" in unsaid


def test_asking_a_server_loads_no_models_and_no_index(store: Path) -> None:
    code = (
        "import sys\nfrom flows.answers import *\nfrom flows.console.answer import *\n"
        "from par_core.serve.client import Client\nfrom par_core.serve.address import server_of\n"
        "import flows.cli.search\n"
        "print(*sorted({'numpy', 'pyarrow', 'lancedb', 'cv2', 'fastapi', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_shell_answers_lines_and_goes_on_after_wrong_ones(store: Path) -> None:
    lines = "red\n\n:top 1\nred\n:frob\nred AND\n:top x\n:where upper_color = 'blue'\nperson\n:quit\nred\n"
    done = subprocess.run(
        command("shell", "--store", store, "--profile", "fake"),
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, "some questions failed"
    answers = done.stdout.split("rank  prob")[1:]
    assert len(answers) == 3
    alone = par("search", "red", "--store", store, "--profile", "fake")
    assert done.stdout.startswith(f"par> red\n{alone.stdout}par> :top 1\npar> red\nrank ")
    assert "par> red AND\npar> :top x\n" in done.stdout, "questions stand before their answers"
    hits = [sum(line[:4].strip().isdigit() for line in answer.splitlines()) for answer in answers]
    assert hits[1] == 1
    assert "upper blue" in answers[2]
    assert [line.split(";")[0] for line in done.stderr.splitlines() if line.startswith("par:")] == [
        "par: no command :frob",
        "par: the question stops too early: something must follow AND, OR or NOT",
        "par: :top wants a number from 1 to 10000, got 'x'",
    ]
    what = [event.what for event in Access.open(store).log.read(None) if event.how == "cli"]
    assert what.count("red") >= 2


def test_a_shell_in_a_terminal_completes_keeps_history_and_ends_with_ctrl_d(
    store: Path, tmp_path: Path
) -> None:
    (hit,) = json.loads(
        par("search", "upper:yellow", "--store", store, "--profile", "fake", "--json").stdout
    )["results"]
    assert par("tag", "add", "gate", hit["person_id"], "--store", store).returncode == 0
    typed = [
        ("par> ", ":explain\r"),
        ("par> ", "yellow"),
        ("yellow", "\x03"),  # Ctrl-C drops the line, once readline has it
        ("par> ", "upper:yel\t\r"),
        ("0003.png", ""),
        ("par> ", "upper:ora"),
        ("upper:ora", "\x03"),
        ("par> ", "\x1b[A\r"),  # the question before
        ("0003.png", ""),
        ("par> ", "tag:gat\t\r"),
        ("0003.png", ""),
        ("par> ", "help\r"),  # nobody looks like that
        ("Ctrl-D too", ""),
        ("par> ", "exit\r"),
    ]
    environment = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    code, text = run_in_terminal(
        command("shell", "--store", store, "--profile", "fake", "--no-pictures"),
        PLAIN,
        environment,
        typed=typed,
    )
    assert code == 0, text
    assert text.count("upper yellow") == 3
    assert "From now on with the parts of a question." in text
    assert "\n:weak " in text.replace("\r", "")
    history = tmp_path / "par" / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    assert "upper:yellow" in history.read_text().split()
    assert "upper:ora" not in history.read_text().split()
    code, text = run_in_terminal(
        command("shell", "--store", store, "--profile", "fake", "--no-history"),
        PLAIN,
        {**environment, "XDG_STATE_HOME": str(tmp_path / "none")},
        # Ctrl-D counts at a prompt: while an answer is printed, the terminal takes it for itself
        typed=[("par> ", "upper:red\r"), ("0000.png", ""), ("par> ", "\x04")],
    )
    assert code == 0, text
    assert "▀" in text, "a terminal with colours gets pictures"
    assert not (tmp_path / "none").exists()
