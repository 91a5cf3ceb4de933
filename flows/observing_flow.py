"""The flow over the shards of an observation: composition only. Run by ``flows.observing`` with the runner of the day."""

from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

import dask
from prefect import flow
from prefect.futures import PrefectFuture

from tasks.observing import observe_shard_task

__all__ = ["observe_shards"]

_IN_FLIGHT: Final = 64  # shards submitted and not yet collected


@flow(name="observe", validate_parameters=False, persist_result=False)
def observe_shards(folder: str, shards: Sequence[int], on_gpu: bool) -> dict[int, BaseException]:
    """Finish shards of an observation; after the first that fails no other is begun, as figures of a part are of no use.

    Args:
        folder: Of the observation.
        shards: Their numbers.
        on_gpu: Each task asks Dask for one of the workers' resource ``GPU``.

    Returns:
        What ended the shards that could not be finished.
    """
    failed: dict[int, BaseException] = {}
    todo, waiting = deque(shards), deque[tuple[int, PrefectFuture[Any]]]()
    while (todo and not failed) or waiting:
        while todo and len(waiting) < _IN_FLIGHT and not failed:
            shard = todo.popleft()
            with dask.annotate(resources={"GPU": 1}) if on_gpu else nullcontext():
                waiting.append((shard, observe_shard_task.submit(folder, shard)))
        shard, future = waiting.popleft()
        result = future.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            failed[shard] = result
    return failed
