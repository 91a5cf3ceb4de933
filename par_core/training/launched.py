"""Run one training job from a file: what ``torchrun`` starts in every process.

torchrun --standalone --nproc-per-node 4 -m par_core.training.launched job.json
"""

import json
import sys
from pathlib import Path

from par_core.training.job_settings import as_job
from par_core.training.jobs import run_job
from par_core.training.processes import processes

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Train."""
    job = as_job(json.loads(Path(arguments[0]).read_text()))
    with processes(job.device) as world:
        run_job(job, world)


if __name__ == "__main__":
    main(sys.argv[1:])
