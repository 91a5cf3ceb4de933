"""One training run as a Prefect task: in this process, or by torch's own launcher in several."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from par_core.errors import ParError
from par_core.training.jobs import as_job, run_job
from par_core.training.processes import processes

__all__ = ["train_task"]


@task(name="train", task_run_name="train-{name}", cache_policy=NO_CACHE, persist_result=False)
def train_task(name: str, settings: Mapping[str, Any], n_processes: int) -> dict[str, Any]:
    """Run one job, or go on with it; returns its report.

    Args:
        name: For people.
        settings: A TrainingJob as JSON types.
        n_processes: More than one trains together, by ``torchrun``.
    """
    job = as_job(settings)
    if n_processes == 1:
        with processes(job.device) as world:
            return run_job(job, world)
    job.out.mkdir(parents=True, exist_ok=True)
    file = job.out / "job.json"
    file.write_text(job.model_dump_json(indent=1))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n_processes)]
    with (job.out / "launcher.log").open("ab") as log:
        done = subprocess.run([*launcher, "-m", "par_core.training.run", str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise ParError(f"{n_processes} training processes stopped with exit code {done.returncode}; see {Path(log.name)}")
    report: dict[str, Any] = json.loads((job.out / "report.json").read_text())
    return report
