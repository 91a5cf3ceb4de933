"""Predictions for the command line and deployments: fanned out over shards, or computed in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.console.lines import say
from flows.console.progress import Bar
from flows.shard_folder import finish_shards
from par_core.config import MachineConfig
from par_core.plurals import number_of
from par_core.predictions.cache import SHARD, Compute, PredictionJob
from par_core.predictions.compute import compute_here
from tasks.predictions import predict_shard

__all__ = ["prediction_runner"]


@contextmanager
def prediction_runner(
    machine: MachineConfig, *, quiet: bool = False, verbose: bool = False
) -> Iterator[Compute]:
    """Yield the function that computes the missing shards of a prediction job.

    A single missing shard is computed in this process, which takes less time than to start workers, unless
    the configuration names a runner or a scheduler.

    Args:
        machine: Runner and workers.
        quiet: Shows nothing.
        verbose: Leaves what workers print on standard error.
    """

    def compute(job: PredictionJob) -> None:
        todo = job.missing()
        if not todo:
            return
        if not quiet:
            say(
                f"par: {number_of(len(job.pictures), 'picture')}, {len(todo)} of"
                f" {number_of(len(job.shards), 'shard')} to do",
                event="plan",
            )
        if len(todo) == 1 and machine.scheduler is None and machine.runner == "auto":
            compute_here(job)
            return
        _run(job, machine, todo, quiet=quiet, verbose=verbose)

    yield compute


def _run(job: PredictionJob, machine: MachineConfig, todo: list[int], *, quiet: bool, verbose: bool) -> None:
    def finished() -> Bar:
        missing = set(job.missing())
        done = sum(len(job.pictures_of(shard)) for shard in job.shards if shard not in missing)
        return Bar("pictures", done, len(job.pictures))

    def line(bar: Bar, seconds: float) -> str:
        return f"par: {bar.done}/{bar.total} pictures after {seconds:.0f} s"

    finish_shards(
        job.folder,
        todo,
        predict_shard,
        machine,
        len(todo) * SHARD,
        finished=finished,
        line=line,
        log=None if verbose else job.folder / "workers.log",
        quiet=quiet,
    )
