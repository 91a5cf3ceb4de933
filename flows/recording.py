"""The record of a run in Prefect: its start, progress and end.

The work does not depend on it. Only this process talks to Prefect's server. If the server is away the run
continues: its results are committed before Prefect is informed, and a line names the part of the record that
is missing.
"""

import contextvars
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from flows.console.lines import say

__all__ = ["WITH_FAILURES", "Outcome", "Recorder", "in_short", "recorded"]

#: Name of the state of a run with exit code 1.
WITH_FAILURES: Final = "Completed with failures"

T = TypeVar("T", bound="Outcome")

_HEALTH_S: Final = 5.0
_SERVER_S: Final = 150.0  # time that a server may be away when a run ends
_SHORT: Final = 300  # characters shown of a server's error


class Outcome(Protocol):
    """Result of a run, as far as Prefect needs it."""

    @property
    def exit_code(self) -> int:
        """0 done, 1 done with failures, else failed."""

    def __str__(self) -> str:
        """One line for people."""


class Recorder:
    """Records nothing: for runs without a server. The subclass writes to Prefect."""

    records: bool = False
    """Whether anything is recorded."""

    def line(self, text: str) -> None:
        """Add a line to the log of the run."""

    def progress(self, percent: float, text: str) -> None:
        """Record the progress of the run, as per cent in [0, 100] and as a line."""

    def table(self, key: str, markdown: str) -> None:
        """Add a page about the run."""


class _PrefectRecorder(Recorder):
    """Writes to the log and the artifacts of the current flow run. If the server is away, one warning says so
    and it is not called again until it answers.
    """

    records = True

    def __init__(self) -> None:
        from prefect.logging import get_run_logger

        self._log = get_run_logger()
        self._context = contextvars.copy_context()
        self._artifact: Any = None
        self._away = False
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        self._log.info("%s", text)

    def progress(self, percent: float, text: str) -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        self.line(text)
        if self._artifact is None:
            self._artifact = self._tell(
                lambda: create_progress_artifact(progress=percent, key="par-progress", description=text)
            )
        else:
            self._tell(
                lambda: update_progress_artifact(
                    artifact_id=self._artifact, progress=percent, description=text
                )
            )

    def table(self, key: str, markdown: str) -> None:
        from prefect.artifacts import create_markdown_artifact

        self._tell(lambda: create_markdown_artifact(markdown, key=key))

    def _tell(self, call: Callable[[], Any]) -> Any:
        with self._lock:
            if self._away and not _answers(os.environ.get("PREFECT_API_URL", "")):
                return None
            try:
                self._away = False
                return self._context.copy().run(call)
            except Exception as error:  # noqa: BLE001 - the run is worth more than its record
                self._away = True
                say(f"par: warning: Prefect's server did not get the progress of the run: {in_short(error)}")
                return None


def recorded(
    name: str,
    store: str,
    run: str,
    body: Callable[[Recorder], T],
    unrecorded: Callable[[T], None] = lambda _: None,
) -> T:
    """Carry out a body as a flow run if PREFECT_API_URL names a server, else without a record.

    Within a flow run, such as one of a deployment, the body becomes part of that run.

    Args:
        name: Name of the flow.
        store: Folder of the store; with ``run`` the only parameter of the flow, as Prefect refuses large
            ones.
        run: Id of the run.
        body: Function that does the work; when it returns, everything must be on disk and all locks freed.
        unrecorded: Function that is called with the outcome if the server is away at the end and stays away;
            Prefect tries for minutes more, unless this ends the process.

    Returns:
        Return value of the body.
    """
    server = os.environ.get("PREFECT_API_URL")
    if _in_flow_run():
        outcome = body(_PrefectRecorder())
        _wait_for(server)
        return outcome
    if not server:
        return body(Recorder())
    # deployments/automations.yaml recognises a killed run by its missing heartbeats
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
    if not _answers(server):
        say(
            f"par: warning: no Prefect server answers at {server} (PREFECT_API_URL); this run is not"
            " recorded there"
        )
        return body(Recorder())
    return _as_flow(name, store, run, body, server, unrecorded)


def _as_flow(
    name: str,
    store: str,
    run: str,
    body: Callable[[Recorder], T],
    server: str,
    unrecorded: Callable[[T], None],
) -> T:
    from prefect import flow
    from prefect.states import Completed, Failed

    outcome: list[T] = []
    raised: list[BaseException] = []

    def carry_out(store: str, run: str) -> Any:
        try:
            outcome.append(body(_PrefectRecorder()))
        except BaseException as error:
            raised.append(error)
            raise
        if not _wait_for(server):
            unrecorded(outcome[0])
        code, text = outcome[0].exit_code, str(outcome[0])
        return (
            Completed(message=text)
            if code == 0
            else Completed(name=WITH_FAILURES, message=text)
            if code == 1
            else Failed(message=text)
        )

    try:
        flow(name=name, validate_parameters=False, persist_result=False)(carry_out)(
            store, run, return_state=True
        )
    # the body's own errors are in raised; this one is Prefect's, and the run is worth more than its record
    except Exception as error:  # noqa: BLE001
        say(f"par: warning: Prefect's server at {server} does not know how the run went: {in_short(error)}")
    if raised:
        raise raised[0]
    return outcome[0] if outcome else body(Recorder())


def _wait_for(server: str | None) -> bool:
    """Give a server that is away time to come back, so that it records the true end of a run: by itself
    Prefect would mark the run as failed. False if the server stays away.
    """
    ends, said = time.monotonic() + _SERVER_S, False
    while server and not _answers(server):
        if time.monotonic() > ends:
            say(
                f"par: warning: Prefect's server at {server} does not know how the run went: it does not"
                " answer"
            )
            return False
        if not said:
            say(
                f"par: the run is done; Prefect's server at {server} does not answer, and is waited for up to"
                f" {_SERVER_S:.0f} s to record that"
            )
            said = True
        time.sleep(1)
    return True


def in_short(error: BaseException) -> str:
    """Return an error in one line of bounded length: servers may repeat a request of a megabyte."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 4]} ..."


def _in_flow_run() -> bool:
    if "prefect.context" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def _answers(server: str) -> bool:
    try:
        with urllib.request.urlopen(f"{server.rstrip('/')}/health", timeout=_HEALTH_S):  # noqa: S310 - the address that the user gave to Prefect
            return True
    except urllib.error.HTTPError:
        return True  # the server wants a key, which Prefect's own client has
    except (OSError, ValueError):
        return False
