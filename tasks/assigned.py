"""The task of an index run for a worker that shares no folder with the run: everything it reads and writes is
on the object store, but for a folder of its own that goes with the task.

Safe to run twice, late, or for a run that has ended: see ``par_core.object_store.assignments``.
"""

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from par_core.config import config_of
from par_core.errors import BadConfigError, ParError, StoreError, TransientError
from par_core.models.out_of_memory import out_of_memory_may_pass
from par_core.node import on_this_node
from par_core.object_store.assignments import AssignedStore, Assignment
from par_core.stages.assigned_work import AssignedShard, AssignedWork, fetch_shard, sent_shard
from par_core.stages.names import ConfigIds
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.store.layout import Store
from tasks.scratch import scratch_folder
from tasks.shards import StoppedError

__all__ = ["index_assigned"]


def index_assigned(
    place: tuple[str, str, int],
    attempt_name: str,
    first: int | None,
    settings: Mapping[str, Any],
    ids: Mapping[str, str],
) -> None:
    """Segment and describe the shards of an assignment, in order.

    Args:
        place: URL, id and epoch of the store, see ``AssignedStore``.
        attempt_name: Name of the attempt.
        first: Number of the first shard in the plan; None for one shard that replaces a part of another.
        settings: A RunConfig as JSON types.
        ids: The driver's ConfigIds as JSON types.

    Raises:
        StoppedError: An error at one of the shards, where ``first`` is given; else the error itself.
        BadConfigError: This worker cannot write to the store, or its models are not those of the driver.
        WorkerLostError: Another worker began a shard in this attempt and did not come back.
        StoreError: The run does not hold the store any more.
        TransientError: Storage or memory trouble that may pass.
    """
    number = first
    try:
        config = on_this_node(config_of(settings))
        who = f"{socket.gethostname()}, process {os.getpid()}"
        with _named():
            assignment = Assignment(
                AssignedStore(*place), attempt_name, who, patience=config.machine.patience_s
            )
            work = AssignedWork.of(assignment.work())
        with scratch_folder() as folder:
            with _named():
                store = work.lay_out(assignment.objects, folder)
            run = Run.of(store, config)
            run.require_ids(ConfigIds(**ids))
            for shard in work.shards:
                number = None if first is None else shard.number
                _work_on(run, shard, assignment)
    except Exception as error:
        if number is None:
            raise
        raise StoppedError(number, error) from error


def _work_on(run: Run, shard: AssignedShard, assignment: Assignment) -> None:
    with _named():
        if not assignment.begin(shard.shard_id):
            return
    try:
        with _named():
            before = fetch_shard(assignment.objects, run.store, shard)
        with out_of_memory_may_pass(f"shard {shard.shard_id}"):
            process_shard(run, shard.shard_id)
        with _named():
            assignment.require_held()
            files = sent_shard(assignment.objects, run.store, shard, before, assignment.epoch)
            assignment.answer(shard.shard_id, files)
    except BaseException:
        with contextlib.suppress(ParError):
            assignment.end(shard.shard_id)
        raise
    _empty(run.store)


def _empty(store: Store) -> None:
    for stage in ("segment", "describe"):
        shutil.rmtree(store.root / stage, ignore_errors=True)


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """Let errors of the object store name the worker: it has credentials and a network of its own."""
    try:
        yield
    except (TransientError, BadConfigError, StoreError) as error:
        kind = next(kind for kind in (TransientError, BadConfigError, StoreError) if isinstance(error, kind))
        raise kind(f"the worker on {socket.gethostname()}: {error}") from error
