"""Observations for the command line and for deployments: fanned out over shards, or here where there is only one."""

import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.fan_out import Job, fan_out
from flows.progress import say
from flows.runners import choose_runner, open_pool
from par_core.config import MachineConfig
from par_core.errors import ParError, WorkerLostError
from par_core.evaluate.observation import SHARD, CarryOut, Observation
from par_core.evaluate.observing import observe_here
from tasks.observing import observe

__all__ = ["observing"]

_LOOK_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 30.0
_MOST_LOSSES: Final = 3  # of workers with one shard


@contextmanager
def observing(machine: MachineConfig, *, quiet: bool = False, verbose: bool = False) -> Iterator[CarryOut]:
    """For the length of the block, what carries out observations.

    One shard that is left is done in this process, which takes less time than to start workers, unless the configuration names a runner or a scheduler.

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
            say(f"par: {len(observation.pictures)} pictures, {len(todo)} of {len(observation.shards)} shards to do")
        if len(todo) == 1 and machine.scheduler is None and machine.runner == "auto":
            observe_here(observation)
            return
        _run(observation, machine, todo, quiet=quiet, verbose=verbose)

    yield carry_out


def _run(observation: Observation, machine: MachineConfig, todo: list[int], *, quiet: bool, verbose: bool) -> None:
    """Finish shards; after the first that fails no other is begun, as figures of a part are of no use."""
    folder, losses = str(observation.folder.absolute()), Counter[str]()

    def lost(shard: str, _: str) -> list[str]:
        losses[shard] += 1
        if losses[shard] > _MOST_LOSSES:
            raise WorkerLostError(f"{losses[shard]} workers were lost with it")
        return [shard]

    job = Job([str(shard) for shard in todo], lambda shard, _: (observe, (folder, int(shard))), lost, 1)
    log = None if verbose else observation.folder / "workers.log"
    with open_pool(machine, choose_runner(machine, len(todo) * SHARD), say, log) as pool, _watch(observation) if not quiet else nullcontext():
        failed = fan_out(job, pool, name=secrets.token_hex(4), say=say)
    for shard, error in failed.items():
        if isinstance(error, ParError) and not isinstance(error, WorkerLostError):
            raise error
        raise ParError(f"shard {shard} of {observation.folder}: {type(error).__name__}: {error}") from error


@contextmanager
def _watch(observation: Observation) -> Iterator[None]:
    """Show how many pictures are finished, by the files of their shards, for as long as the block runs."""
    done = threading.Event()
    show = _draw_bar if sys.stderr.isatty() else _print_lines
    thread = threading.Thread(target=show, args=(lambda: _finished(observation), len(observation.pictures), done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _finished(observation: Observation) -> int:
    missing = set(observation.missing())
    return sum(len(observation.pictures_of(shard)) for shard in observation.shards if shard not in missing)


def _draw_bar(count: Callable[[], int], total: int, done: threading.Event) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("pictures", total=total)
        finished = False
        while not finished:
            finished = done.wait(_LOOK_EVERY_S)
            progress.update(bar, completed=count())


def _print_lines(count: Callable[[], int], total: int, done: threading.Event) -> None:
    started = time.monotonic()
    while not done.wait(_LINE_EVERY_S):
        say(f"par: {count()}/{total} pictures after {time.monotonic() - started:.0f} s")
