"""A server with several processes is one server: the same answers, limits, tokens and audit log; processes
that die are not missed, and none outlives it.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from par_core.access import Access, Role
from par_core.errors import FilterError
from par_core.query.answer import SearchResult
from par_core.query.from_store import Question, Searcher
from par_core.serve.search_processes import SearchProcesses
from tests.indexing import FAKE, index
from tests.pictures import save, scene
from tests.serving import small_store
from tests.waiting import wait_until

USERS, EACH = 8, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("served")
    small_store(made)
    return made


@pytest.fixture
def searcher(folder: Path) -> Searcher:
    return Searcher(folder / "store", FAKE)


@pytest.fixture
def processes(folder: Path) -> Iterator[SearchProcesses]:
    made = SearchProcesses(folder / "store", FAKE, 1)
    yield made
    made.close()
    wait_until(lambda: not made.pids)


def never(_: Question) -> SearchResult:
    raise AssertionError("answered in this process")


@contextmanager
def asked_here(processes: SearchProcesses, searcher: Searcher) -> Iterator[None]:
    """Another question is being answered in this process."""
    begun, end = threading.Event(), threading.Event()

    def slow(question: Question) -> SearchResult:
        begun.set()
        end.wait(120)
        return searcher.ask(question)

    thread = threading.Thread(target=processes.ask, args=(Question("red"), searcher.index(), slow))
    thread.start()
    begun.wait(60)
    try:
        yield
    finally:
        end.set()
        thread.join()


def started(processes: SearchProcesses, searcher: Searcher) -> int:
    """Ask until a process is ready; its id."""
    processes.ask(Question("red"), searcher.index(), searcher.ask)
    wait_until(lambda: processes.pids)
    return processes.pids[0]


def test_one_question_at_a_time_starts_no_process(processes: SearchProcesses, searcher: Searcher) -> None:
    for _ in range(3):
        processes.ask(Question("red"), searcher.index(), searcher.ask)
    time.sleep(0.2)
    assert not processes.pids


def test_a_process_gives_the_same_answers_and_errors(processes: SearchProcesses, searcher: Searcher) -> None:
    with asked_here(processes, searcher):
        started(processes, searcher)
        for question in (
            Question("red", weak=True),
            Question("blue", top=2),
            Question(where="height_px > 10"),
        ):
            assert processes.ask(question, searcher.index(), never) == searcher.ask(question)
        with pytest.raises(FilterError, match="no_such_column"):
            processes.ask(Question("red", where="no_such_column > 3"), searcher.index(), never)
        assert processes.ask(Question("red"), searcher.index(), never).hits


def test_a_process_that_is_killed_is_not_missed(processes: SearchProcesses, searcher: Searcher) -> None:
    with asked_here(processes, searcher):
        os.kill(started(processes, searcher), signal.SIGKILL)
        answer = processes.ask(Question("red"), searcher.index(), searcher.ask)
        assert answer == searcher.ask(Question("red"))
        assert not processes.pids


def test_a_process_is_ended_when_another_version_goes_live(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    searcher, processes = Searcher(store, FAKE), SearchProcesses(store, FAKE, 1)
    with asked_here(processes, searcher):
        process = psutil.Process(started(processes, searcher))
        save(tmp_path / "photos" / "new.png", scene("red", seed=300))
        index(store, [tmp_path / "photos"])
        assert processes.ask(Question("red", top=100), searcher.index(), searcher.ask).searched == 8
        processes.end_others(searcher.index().identity)
        assert not process.is_running()
        started(processes, searcher)
        assert processes.ask(Question("red", top=100), searcher.index(), never).searched == 8
    processes.close()


def test_a_process_that_is_idle_is_ended(
    processes: SearchProcesses, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("par_core.serve.search_processes._LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("par_core.serve.search_processes._IDLE_S", 0.5)
    with asked_here(processes, searcher):
        process = psutil.Process(started(processes, searcher))
    wait_until(lambda: not process.is_running())
    assert not processes.pids


@contextmanager
def serving(store: Path, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-P", "-m", "flows.cli.main", "serve", "--store", str(store)]
    command += ["--profile", "fake", "--port", "0", "--processes", "2", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split(" on ")[1].split(" ")[0], psutil.Process(server.pid)
        finally:
            server.kill()


def ask_at_once(address: str, token: str, numbers: range) -> Counter[int]:
    """Questions of many users at once, no two alike; how often each status came."""

    def ask(number: int) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        parameters = {"q": f"red coat {number}", "weak": "true"}
        return httpx.get(f"{address}/api/search", params=parameters, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(USERS) as users:
        return Counter(users.map(ask, numbers))


def test_tokens_limits_and_the_audit_log_are_those_of_one_server(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    access, most = Access(store), 90
    token = access.tokens.add("anna", Role.SEARCH)
    statuses, asked, killed = Counter[int](), 0, False
    with serving(store, "--per-minute", str(most)) as (address, server):
        began = time.monotonic()
        while not (killed and statuses[429]):
            statuses += ask_at_once(address, token, range(asked, asked + 2 * USERS))
            asked += 2 * USERS
            if not killed and server.children():  # a second process answers as well
                server.children()[0].kill()
                killed = True
            assert asked < 2_000
        minutes = (time.monotonic() - began) / 60
        assert set(statuses) == {200, 429}
        assert statuses[200] <= most * (1 + minutes) + 1
        assert ask_at_once(address, "par_wrong", range(1)) <= Counter({401: 1, 429: 1})
        access.tokens.revoke("anna")
        assert ask_at_once(address, token, range(1)) <= Counter({401: 1, 429: 1})
    events = [event for event in access.log.read() if event.action == "search"]
    assert len(events) == len({event.what for event in events}) == statuses[200]
    assert {event.status for event in access.log.read()} == {"ok"}


@pytest.mark.parametrize(
    "kill", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_no_process_outlives_the_server(folder: Path, kill: signal.Signals) -> None:
    with serving(folder / "store") as (address, server):
        while not server.children():
            ask_at_once(address, "", range(4 * USERS))
        children = server.children(recursive=True)
        server.send_signal(kill)
        psutil.wait_procs([server], timeout=20)
        _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
