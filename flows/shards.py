"""The flow over the shards of a plan: composition only. Run by ``flows.index`` with the runner of the day."""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

import dask
from prefect import flow
from prefect.futures import PrefectFuture

from tasks.shards import describe_shard_task, segment_shard_task

__all__ = ["process_shards"]

_FAILURES_IN_A_ROW: Final = 3  # shards; then the machine or the storage is at fault, and going on would only waste the night
_IN_FLIGHT: Final = 64  # shards submitted and not yet collected: enough for every worker, few enough for the scheduler


@flow(name="process-shards", validate_parameters=False, persist_result=False)
def process_shards(store: str, shards: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, str]:
    """Segment and describe every shard; a shard is described as soon as it is segmented.

    With the device ``cuda`` each task asks Dask for one of the workers' resource ``GPU``.

    Args:
        store: Folder of the store.
        shards: ``shard_id`` and ``segmented`` of each.
        settings: A RunConfig as JSON types.

    Returns:
        The reason for each shard that could not be finished.
    """
    failed: dict[str, str] = {}
    in_a_row = 0
    on_gpu = settings["machine"]["device"] == "cuda"
    waiting: deque[tuple[str, list[PrefectFuture[Any]]]] = deque()
    todo = deque(shards)
    while todo or waiting:
        while todo and len(waiting) < _IN_FLIGHT and in_a_row < _FAILURES_IN_A_ROW:
            shard = todo.popleft()
            with dask.annotate(resources={"GPU": 1}) if on_gpu else nullcontext():
                stages = [] if shard["segmented"] else [segment_shard_task.submit(store, shard["shard_id"], settings)]
                stages.append(describe_shard_task.submit(store, shard["shard_id"], settings, stages[0] if stages else None))
            waiting.append((shard["shard_id"], stages))
        if not waiting:
            return failed | {shard["shard_id"]: "not tried: too many shards in a row had failed" for shard in todo}
        shard_id, stages = waiting.popleft()
        error = _first_error(stages)
        if error is not None:
            failed[shard_id], in_a_row = f"{type(error).__name__}: {error}", in_a_row + 1
        else:
            in_a_row = 0
    return failed


def _first_error(stages: Sequence[PrefectFuture[Any]]) -> BaseException | None:
    """Wait for the stages of a shard in their order; one whose predecessor failed never runs, and its result must not be asked for."""
    for future in stages:
        result = future.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            return result
    return None
