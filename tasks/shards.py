"""Tasks of an index run: a worker segments and describes shards, one after another.

Safe to run twice: a shard that is finished is skipped.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from par_core.config import config_of
from par_core.errors import ParError
from par_core.models.out_of_memory import out_of_memory_may_pass
from par_core.node import on_this_node
from par_core.stages.attempts import attempt, end_attempt
from par_core.stages.names import ConfigIds
from par_core.stages.process import process_shard
from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store.plan_file import PlanFile

__all__ = ["StoppedError", "index_shard", "index_shards"]


class StoppedError(ParError):
    """The work on a range of shards ended with an error at one of them; those before are finished.

    Args:
        number: Number of that shard in the plan.
        error: The error; one that is not PAR's own becomes text, as its class may not travel.
    """

    def __init__(self, number: int, error: Exception) -> None:
        super().__init__(str(error))
        self.number = number
        self.error = error if isinstance(error, ParError) else ParError(f"{type(error).__name__}: {error}")

    def __reduce__(self) -> tuple[type["StoppedError"], tuple[int, ParError]]:
        return type(self), (self.number, self.error)


def index_shards(
    store: str, first: int, last: int, settings: Mapping[str, Any], ids: Mapping[str, str], attempt_name: str
) -> None:
    """Segment and describe a range of shards of the plan of a store, in order.

    Args:
        store: Folder of the store, absolute.
        first: Number of the first shard in the plan.
        last: Number of the shard after the last one.
        settings: A RunConfig as JSON types.
        ids: The driver's ConfigIds as JSON types.
        attempt_name: Name of the attempt; each shard may be begun once in it.

    Raises:
        StoppedError: An error of ``index_shard`` at one of the shards.
    """
    number = first
    try:
        run = _run_of(store, settings, ids)
        for shard_id in PlanFile.of(run.store).ids(range(first, last)):
            _index(run, shard_id, attempt_name)
            number += 1
    except Exception as error:
        raise StoppedError(number, error) from error


def index_shard(
    store: str, shard_id: str, settings: Mapping[str, Any], ids: Mapping[str, str], attempt_name: str
) -> None:
    """Segment and describe one shard of a store, such as one that replaces a part of a shard of the plan.

    Args:
        store: Folder of the store, absolute.
        shard_id: Id of the shard.
        settings: A RunConfig as JSON types.
        ids: The driver's ConfigIds as JSON types.
        attempt_name: Name of the attempt; it may be begun once.

    Raises:
        BadConfigError: This worker's models are not those of the driver; nothing was written.
        WorkerLostError: Another worker began this attempt and did not come back.
        TransientError: Storage or memory trouble that may pass.
    """
    _index(_run_of(store, settings, ids), shard_id, attempt_name)


def _run_of(store: str, settings: Mapping[str, Any], ids: Mapping[str, str]) -> Run:
    run = Run.of(Store.open(Path(store)), on_this_node(config_of(settings)))
    run.require_ids(ConfigIds(**ids))
    return run


def _index(run: Run, shard_id: str, attempt_name: str) -> None:
    if run.finished(shard_id):
        end_attempt(run.store, shard_id, attempt_name)  # of a worker that was lost just after it had finished
        return
    with attempt(run.store, shard_id, attempt_name), out_of_memory_may_pass(f"shard {shard_id}"):
        process_shard(run, shard_id)
