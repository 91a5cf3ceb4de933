"""The two stages that run once for each shard, as Prefect tasks.

They are safe to run twice: a shard whose manifest is there returns at once. Only paths, ids, settings and counts cross the task boundary.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from par_core.config import config_of
from par_core.errors import TransientError
from par_core.stages.describe import describe_shard
from par_core.stages.result import ShardResult
from par_core.stages.segment import segment_shard
from par_core.store.layout import Store

__all__ = ["describe_shard_task", "only_transient", "segment_shard_task"]

_DELAYS_S = [2.0, 20.0]


def only_transient(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Retry what may pass (storage, memory), never bad input or a bug."""
    return isinstance(state.result(raise_on_failure=False), TransientError)


@task(
    name="segment",
    task_run_name="segment-{shard_id}",
    retries=2,
    retry_delay_seconds=_DELAYS_S,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def segment_shard_task(store: str, shard_id: str, settings: Mapping[str, Any]) -> ShardResult:
    """Segment one shard of a store with the settings of a RunConfig."""
    return segment_shard(Store.open(Path(store)), shard_id, config_of(settings))


@task(
    name="describe",
    task_run_name="describe-{shard_id}",
    retries=2,
    retry_delay_seconds=_DELAYS_S,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def describe_shard_task(store: str, shard_id: str, settings: Mapping[str, Any], segmented: Any) -> ShardResult:
    """Describe one shard; ``segmented`` makes Prefect wait for the stage before."""
    return describe_shard(Store.open(Path(store)), shard_id, config_of(settings))
