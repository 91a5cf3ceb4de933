"""Observations for the command line and for deployments: fanned out over shards, or here where there is only
one.
"""

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from flows.console.progress import Bar, say, show_progress
from flows.fan_out import Job, fan_out
from flows.runners import choose_runner, open_pool
from par_core.config import MachineConfig
from par_core.errors import ParError, WorkerLostError
from par_core.predictions.cache import SHARD, CarryOut, Observation
from par_core.predictions.compute import observe_here
from tasks.predictions import observe

__all__ = ["observing"]

_LINE_EVERY_S: Final = 30.0
_MOST_LOSSES: Final = 3  # of workers with one shard


@contextmanager
def observing(machine: MachineConfig, *, quiet: bool = False, verbose: bool = False) -> Iterator[CarryOut]:
    """For the length of the block, what carries out observations.

    One shard that is left is done in this process, which takes less time than to start workers, unless the
    configuration names a runner or a scheduler.

    Args:
        machine: Runner and workers.
        quiet: Shows nothing.
        verbose: Leaves what workers print on standard error.
    """

    def carry_out(observation: Observation) -> None:
        todo = observation.missing()
        if not todo:
            return
        if not quiet:
            say(
                f"par: {len(observation.pictures)} pictures, {len(todo)} of {len(observation.shards)} shards"
                " to do"
            )
        if len(todo) == 1 and machine.scheduler is None and machine.runner == "auto":
            observe_here(observation)
            return
        _run(observation, machine, todo, quiet=quiet, verbose=verbose)

    yield carry_out


def _run(
    observation: Observation, machine: MachineConfig, todo: list[int], *, quiet: bool, verbose: bool
) -> None:
    """Finish shards; after the first that fails no other is begun, as figures of a part are of no use."""
    folder, losses = str(observation.folder.absolute()), Counter[str]()

    def lost(shard: str, _: str) -> list[str]:
        losses[shard] += 1
        if losses[shard] > _MOST_LOSSES:
            raise WorkerLostError(f"{losses[shard]} workers were lost with it")
        return [shard]

    job = Job([str(shard) for shard in todo], lambda shard, _: (observe, (folder, int(shard))), lost, 1)

    def finished() -> list[Bar]:
        missing = set(observation.missing())
        done = sum(
            len(observation.pictures_of(shard)) for shard in observation.shards if shard not in missing
        )
        return [Bar("pictures", done, len(observation.pictures))]

    def line(bars: Sequence[Bar], seconds: float) -> str:
        return f"par: {bars[0].done}/{bars[0].total} pictures after {seconds:.0f} s"

    log = None if verbose else observation.folder / "workers.log"
    with (
        open_pool(machine, choose_runner(machine, len(todo) * SHARD), say, log) as pool,
        show_progress(finished, line, every_s=_LINE_EVERY_S, quiet=quiet),
    ):
        failed = fan_out(job, pool, name=secrets.token_hex(4), say=say)
    for shard, error in failed.items():
        if isinstance(error, ParError) and not isinstance(error, WorkerLostError):
            raise error
        raise ParError(f"shard {shard} of {observation.folder}: {type(error).__name__}: {error}") from error
