"""The flow over the runs of a training: one task a seed or fold. Run by ``flows.training`` with the runner of the day."""

from collections.abc import Mapping
from typing import Any

from prefect import flow

from tasks.training import train_task

__all__ = ["train_all"]


@flow(name="train", validate_parameters=False, persist_result=False)
def train_all(jobs: Mapping[str, Mapping[str, Any]], n_processes: int) -> dict[str, Any]:
    """Train every job.

    Args:
        jobs: TrainingJobs as JSON types, by name.
        n_processes: That train each job together.

    Returns:
        Each job's report, or the exception that ended it.
    """
    futures = {name: train_task.submit(name, job, n_processes) for name, job in jobs.items()}
    return {name: future.result(raise_on_failure=False) for name, future in futures.items()}
