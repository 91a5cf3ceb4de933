"""Where the tasks of a run are carried out: threads of this process, a Dask cluster on this machine, or one that is there already.

The runner is injected and must not change the answer. One thread a worker process, one process a core: more threads only fight for the same cores.
"""

import logging
import os
from typing import TYPE_CHECKING, Any, Final, Literal

from par_core import __version__
from par_core.config import MachineConfig
from par_core.errors import BadConfigError

__all__ = ["choose_runner", "make_runner", "n_workers"]

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

RunnerName = Literal["threads", "dask"]

_SMALL_JOB: Final = 64  # images up to which starting worker processes costs more than they give
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def n_workers(machine: MachineConfig) -> int:
    """Workers of a local run: as configured, else one a core that this process may use."""
    return machine.workers or len(os.sched_getaffinity(0))


def choose_runner(machine: MachineConfig, n_images: int) -> RunnerName:
    """What ``auto`` means for a job of this size."""
    if machine.scheduler is not None:
        return "dask"
    if machine.runner == "auto":
        return "threads" if n_images <= _SMALL_JOB or n_workers(machine) == 1 else "dask"
    return machine.runner


def make_runner(machine: MachineConfig, name: RunnerName) -> "TaskRunner[Any]":
    """The task runner of Prefect for a choice.

    Raises:
        BadConfigError: The scheduler cannot be reached, or its workers have another version of PAR.
    """
    from prefect.task_runners import ThreadPoolTaskRunner

    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=n_workers(machine))
    import dask
    from distributed.security import Security
    from prefect_dask import DaskTaskRunner

    if machine.scheduler is not None:
        _check_versions(machine.scheduler)
        return DaskTaskRunner(address=machine.scheduler)
    dask.config.set({"distributed.nanny.pre-spawn-environ": dict.fromkeys(_ONE_THREAD, str(machine.threads_per_worker))})
    logging.getLogger("distributed").setLevel(logging.ERROR)  # Prefect's logging shows its every step otherwise
    return DaskTaskRunner(
        cluster_kwargs={
            "n_workers": n_workers(machine),
            "threads_per_worker": 1,
            "processes": True,
            "host": "127.0.0.1",
            "security": Security.temporary(),  # keys of this run alone: whoever can talk to a scheduler runs code as its user, and every user of a machine can
            "dashboard_address": "127.0.0.1:0",
            "silence_logs": "ERROR",
            "resources": {"GPU": 1} if machine.device == "cuda" else None,
            "memory_limit": 0,  # Dask cannot see the models' memory; its limits would only kill workers that are well
        }
    )


def _check_versions(address: str) -> None:
    from distributed import Client

    try:
        with Client(address, timeout="10s", set_as_default=False) as client:
            versions = client.run(_version)
    except (OSError, TimeoutError, ValueError) as error:
        raise BadConfigError(f"no Dask scheduler answers at {address}: {error}") from error
    other = {worker: version for worker, version in versions.items() if version != __version__}
    if not versions:
        raise BadConfigError(f"the Dask scheduler at {address} has no workers; start some with: dask worker {address} --nthreads 1")
    if other:
        raise BadConfigError(
            f"{len(other)} workers at {address} have another version of PAR than this one ({__version__}), such as {next(iter(other.items()))}"
        )


def _version() -> str:
    from par_core import __version__

    return __version__
