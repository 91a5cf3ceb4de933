"""Processes that answer questions beside the server's own, so that questions use all cores.

A process is started when a question comes while another one is being answered, and ended when it had nothing
to do for a while: a server at rest is one process. It maps the people in memory that the server has read
(``ArchiveService``) and keeps nothing else: tokens, limits, the audit log, uploads and recent answers stay
with the server. If it dies, the server answers the question itself. It ends with the server, however that
one ends.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from par_core.config import RunConfig
from par_core.query.answer import SearchResult
from par_core.query.from_store import Question
from par_core.store.lance import PeopleIndex

__all__ = ["SearchProcesses"]

_log = logging.getLogger(__name__)
_START_S: Final = 120.0  # in which a process must be ready
_IDLE_S: Final = 120.0  # without a question, after which a process is ended
_LOOK_EVERY_S: Final = 10.0
_PAUSE_S: Final = 30.0  # after one that died, before another is started
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

Answer = Callable[[Question], SearchResult]


class SearchProcesses:
    """The processes of one server. May be shared by threads.

    Args:
        store_root: Folder of the store.
        config: Names the models.
        most: Largest number of processes, beside that of the server.
    """

    def __init__(self, store_root: Path, config: RunConfig, most: int) -> None:
        self._root, self._config, self._most = store_root, config, most
        self._lock = threading.Lock()
        self._idle: list[_SearchProcess] = []
        self._busy: set[_SearchProcess] = set()
        self._here = 0  # questions that this process is answering
        self._starting = False
        self._not_before = 0.0
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    def ask(self, question: Question, index: PeopleIndex, here: Answer) -> SearchResult:
        """Answer a question in one of the processes, or here: where nobody else is being answered, while no
        process is ready, and where one dies.

        Args:
            question: The question.
            index: The version that questions read now.
            here: Answers a question in this process.
        """
        process = self._take(index)
        if process is not None:
            try:
                return process.ask(question)
            except (EOFError, OSError):
                self._drop(process, "died")
            finally:
                self._give_back(process)
        with self._lock:
            self._here += 1
        try:
            return here(question)
        finally:
            with self._lock:
                self._here -= 1

    def end_others(self, identity: tuple[str, int] | None) -> None:
        """End the processes that read another version of the index, which keep what this one has dropped."""
        with self._lock:
            others = [process for process in self._idle if process.identity != identity]
            self._idle = [process for process in self._idle if process.identity == identity]
            for process in self._busy:
                process.outdated = process.identity != identity
        for process in others:
            process.close()

    def close(self) -> None:
        """End all processes; those that answer a question now end after it."""
        self._closed.set()
        self.end_others(None)

    @property
    def pids(self) -> list[int]:
        """Process ids of those that are ready or answer a question."""
        with self._lock:
            return [process.pid for process in (*self._idle, *self._busy)]

    def _take(self, index: PeopleIndex) -> "_SearchProcess | None":
        if not self._most:
            return None
        identity = index.read_identity
        with self._lock:
            if not self._here and not self._busy:
                return None
            fit = [process for process in self._idle if process.identity == identity]
            if fit:
                process = fit[-1]
                self._idle.remove(process)
                self._busy.add(process)
                return process
            running = len(self._idle) + len(self._busy)
            if (
                not self._starting
                and running < self._most
                and not self._closed.is_set()
                and time.monotonic() >= self._not_before
            ):
                self._starting = True
                threading.Thread(target=self._start, args=(index,), name="par-start", daemon=True).start()
        return None

    def _start(self, index: PeopleIndex) -> None:
        """Start a process and let it take questions."""
        try:
            process = _SearchProcess(self._root, self._config, index)
        except (EOFError, OSError) as error:
            _log.warning("a process for questions could not be started: %s", error)
            with self._lock:
                self._starting, self._not_before = False, time.monotonic() + _PAUSE_S
            return
        with self._lock:
            self._starting = False
            if not self._closed.is_set():
                self._idle.append(process)
                if self._watch is None:
                    self._watch = threading.Thread(target=self._end_idle, name="par-idle", daemon=True)
                    self._watch.start()
                return
        process.close()

    def _give_back(self, process: "_SearchProcess") -> None:
        with self._lock:
            if process not in self._busy:
                return
            self._busy.discard(process)
            if not (process.outdated or self._closed.is_set()):
                self._idle.append(process)
                return
        process.close()

    def _drop(self, process: "_SearchProcess", how: str) -> None:
        with self._lock:
            self._busy.discard(process)
            self._idle = [one for one in self._idle if one is not process]
            self._not_before = time.monotonic() + _PAUSE_S
        _log.warning("the process %d for questions %s; this one answers", process.pid, how)
        process.close()

    def _end_idle(self) -> None:
        """Now and then, end processes that have nothing to do, and drop those that died."""
        while not self._closed.wait(_LOOK_EVERY_S):
            with self._lock:
                ended = [process for process in self._idle if process.has_ended]
                since = time.monotonic() - _IDLE_S
                idle = [process for process in self._idle if process.used_at < since]
                self._idle = [process for process in self._idle if process not in (*ended, *idle)]
            for process in ended:
                self._drop(process, "died")
            for process in idle:
                process.close()


class _SearchProcess:
    """A running ``search_process.py``.

    Raises:
        EOFError: It ended before it was ready.
        OSError: It cannot be started, or is not ready in time.
    """

    def __init__(self, store_root: Path, config: RunConfig, index: PeopleIndex) -> None:
        self.identity, self.outdated = index.read_identity, False
        self.used_at = time.monotonic()
        shared = index.resident_file
        ours, theirs = socket.socketpair()
        with theirs:
            passed = [theirs.fileno(), *([] if shared is None else [shared.fileno()])]
            command = [sys.executable, "-P", "-m", "par_core.serve.search_process", *map(str, passed)]
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **_ONE_THREAD},
                stdin=subprocess.PIPE,  # it ends with this process
                stdout=subprocess.DEVNULL,
                pass_fds=passed,
                start_new_session=True,  # Ctrl-C is for this process
            )
        self.pid = self._process.pid
        self._connection = Connection(ours.detach())
        try:
            self._connection.send((store_root, config, self.identity))
            if not self._connection.poll(_START_S):
                raise TimeoutError(f"it was not ready after {_START_S:.0f} s")
            self._connection.recv()
        except (EOFError, OSError):
            self.close()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def ask(self, question: Question) -> SearchResult:
        """Answer a question.

        Raises:
            EOFError: The process died.
            OSError: The same, seen when writing.
        """
        self._connection.send(question)
        answer: Any = self._connection.recv()
        self.used_at = time.monotonic()
        if isinstance(answer, BaseException):
            raise answer
        result: SearchResult = answer
        return result

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.kill()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.wait()
