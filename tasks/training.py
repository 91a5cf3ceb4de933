"""One training run, in this process or in several that torch's own launcher starts."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from par_core.errors import ParError
from par_core.training.job_settings import as_job
from par_core.training.jobs import run_job
from par_core.training.processes import processes

__all__ = ["train"]


def train(settings: Mapping[str, Any], n_processes: int) -> None:
    """Run or continue one job; its report is ``report.json`` in its folder.

    Args:
        settings: TrainingJob as JSON types.
        n_processes: Number of processes that train together; more than one by ``torchrun``.

    Raises:
        ParError: Several processes were started, and they failed.
    """
    job = as_job(settings)
    if n_processes == 1:
        with processes(job.device) as world:
            run_job(job, world)
        return
    job.out.mkdir(parents=True, exist_ok=True)
    file = job.out / "job.json"
    file.write_text(job.model_dump_json(indent=1))
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(n_processes),
    ]
    with (job.out / "launcher.log").open("ab") as log:
        done = subprocess.run(
            [*launcher, "-m", "par_core.training.launched", str(file)],
            # the processes import nothing from the user's current folder
            env={**os.environ, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    if done.returncode:
        raise ParError(
            f"{n_processes} training processes stopped with exit code {done.returncode}; see {Path(log.name)}"
        )
