"""Observations for the command line and for deployments: as a Prefect flow over shards, or here where there is only one."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.progress import say
from flows.streams import children_print_to
from par_core.config import MachineConfig
from par_core.errors import ParError
from par_core.evaluate.observation import SHARD, CarryOut, Observation
from par_core.evaluate.observing import observe_here

__all__ = ["observing"]

_LOOK_EVERY_S: Final = 0.5
_LINE_EVERY_S: Final = 30.0


@contextmanager
def observing(machine: MachineConfig, *, quiet: bool = False, verbose: bool = False) -> Iterator[CarryOut]:
    """For the length of the block, what carries out observations.

    One shard that is left is done in this process, which takes less time than to start Prefect, unless the configuration names a runner or a scheduler.
    Prefect's server starts with the first observation that needs it, and serves them all.

    Args:
        machine: Runner and workers.
        quiet: Shows nothing.
        verbose: Lets Prefect speak.
    """
    with ExitStack() as stack:
        served = False

        def carry_out(observation: Observation) -> None:
            nonlocal served
            todo = observation.missing()
            if not todo:
                return
            if not quiet:
                say(f"par: {len(observation.pictures)} pictures, {len(todo)} of {len(observation.shards)} shards to do")
            if len(todo) == 1 and machine.scheduler is None and machine.runner == "auto":
                observe_here(observation)
                return
            if not served:
                _serve(stack, observation, verbose=verbose)
                served = True
            _run(observation, machine, todo, quiet=quiet, verbose=verbose)

        yield carry_out


def _serve(stack: ExitStack, observation: Observation, *, verbose: bool) -> None:
    from flows.server import api_server

    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    stack.enter_context(api_server(observation.folder / "prefect-server.log"))()


def _run(observation: Observation, machine: MachineConfig, todo: list[int], *, quiet: bool, verbose: bool) -> None:
    from flows.observing_flow import observe_shards
    from flows.runners import choose_runner, make_runner

    runner = choose_runner(machine, len(todo) * SHARD)
    with ExitStack() as stack:
        if runner == "dask" and machine.scheduler is None and not verbose:
            stack.enter_context(children_print_to(observation.folder / "workers.log"))
        if not quiet:
            stack.enter_context(_watch(observation))
        flow = observe_shards.with_options(task_runner=make_runner(machine, runner))
        failed = flow(str(observation.folder.absolute()), todo, machine.device == "cuda")
    for shard, error in failed.items():
        if isinstance(error, ParError):
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
