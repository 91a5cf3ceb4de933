"""Predictions for the command line and deployments: fanned out over shards, or computed in this process."""

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from flows.console.progress import Bar, say, show_progress
from flows.fan_out import ListJob, fan_out
from flows.runners import choose_runner, open_pool
from par_core.config import MachineConfig
from par_core.errors import ParError, WorkerLostError
from par_core.predictions.cache import SHARD, Compute, PredictionJob
from par_core.predictions.compute import compute_here
from tasks.predictions import predict_shard

__all__ = ["prediction_runner"]

_LINE_EVERY_S: Final = 30.0
_MOST_LOSSES: Final = 3  # of workers with one shard


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
            say(f"par: {len(job.pictures)} pictures, {len(todo)} of {len(job.shards)} shards to do")
        if len(todo) == 1 and machine.scheduler is None and machine.runner == "auto":
            compute_here(job)
            return
        _run(job, machine, todo, quiet=quiet, verbose=verbose)

    yield compute


def _run(job: PredictionJob, machine: MachineConfig, todo: list[int], *, quiet: bool, verbose: bool) -> None:
    """Finish shards; after the first that fails no other is begun, as scores of a part are of no use."""
    folder, losses = str(job.folder.absolute()), Counter[str]()

    def lost(shard: str, _: str) -> list[str]:
        losses[shard] += 1
        if losses[shard] > _MOST_LOSSES:
            raise WorkerLostError(f"{losses[shard]} workers were lost with it")
        return [shard]

    work = ListJob(
        [str(shard) for shard in todo], lambda shard, _: (predict_shard, (folder, int(shard))), lost, 1
    )

    def finished() -> list[Bar]:
        missing = set(job.missing())
        done = sum(len(job.pictures_of(shard)) for shard in job.shards if shard not in missing)
        return [Bar("pictures", done, len(job.pictures))]

    def line(bars: Sequence[Bar], seconds: float) -> str:
        return f"par: {bars[0].done}/{bars[0].total} pictures after {seconds:.0f} s"

    log = None if verbose else job.folder / "workers.log"
    with (
        open_pool(machine, choose_runner(machine, len(todo) * SHARD), say, log) as pool,
        show_progress(finished, line, every_s=_LINE_EVERY_S, quiet=quiet),
    ):
        failed = fan_out(work, pool, name=secrets.token_hex(4), say=say)
    for shard, error in failed.items():
        if isinstance(error, ParError) and not isinstance(error, WorkerLostError):
            raise error
        raise ParError(f"shard {shard} of {job.folder}: {type(error).__name__}: {error}") from error
