"""One shard of an evaluation as a Prefect task. Safe to run twice: a shard that is finished returns at once."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from par_core.evaluate.observation import Observation
from par_core.evaluate.observing import observe_shard
from tasks.shards import only_transient

__all__ = ["observe_shard_task"]


@task(
    name="observe",
    task_run_name="observe-{shard}",
    retries=2,
    retry_delay_seconds=[2.0, 20.0],
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def observe_shard_task(folder: str, shard: int) -> int:
    """Let the models look at one shard of an observation's folder; returns the number of pictures."""
    return observe_shard(Observation.open(Path(folder)), shard)
