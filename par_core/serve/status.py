"""The state of a store, as the status page and ``/api/status`` show it."""

import json
from dataclasses import dataclass
from typing import Final

from par_core.config import RunConfig
from par_core.gate.report import GateReport, last_gate
from par_core.models.profiles import describe_models
from par_core.stages.status import store_status
from par_core.store.commits import CommitRecord
from par_core.store.layout import Store
from par_core.store.run_progress import RunProgress, read_progress
from par_core.store.status_file import StatusReport
from par_core.version import __version__

__all__ = ["Run", "ServeStatus", "serve_status"]

_RUNS: Final = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One commit: what a run put into the index.

    Attributes:
        record: The record of the commit.
        at: Time of writing in seconds since 1970.
    """

    record: CommitRecord
    at: float


@dataclass(frozen=True, slots=True)
class ServeStatus:
    """State of a store, and the models that answer from it.

    Attributes:
        report: Files, people, versions, failures by status.
        gate: Report of the last quality gate, or None.
        runs: The last commits, newest first; at most ten.
        running: Whether a command is writing to the store at this moment.
        progress: How far the run is that is under way, or None.
        models: The models for questions, in one phrase.
        par_version: Version of PAR.
    """

    report: StatusReport
    gate: GateReport | None
    runs: tuple[Run, ...]
    running: bool
    progress: RunProgress | None
    models: str
    par_version: str


def serve_status(store: Store, config: RunConfig) -> ServeStatus:
    """Read the state that the store has written down.

    Raises:
        StoreError: The store is damaged.
    """
    runs = [
        Run(CommitRecord(**json.loads(path.read_bytes())), path.stat().st_mtime)
        for path in reversed(store.commits()[-_RUNS:])
    ]
    return ServeStatus(
        store_status(store),
        last_gate(store),
        tuple(runs),
        store.is_held(),
        read_progress(store),
        describe_models(config),
        __version__,
    )
