"""The missing shards of a folder, of predictions or made pictures, fanned out over workers with progress."""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from flows.console.lines import say
from flows.console.progress import Bar, show_progress
from flows.fan_out import ListJob, fan_out
from flows.runners import choose_runner, open_pool, with_work_for_all
from par_core.config import MachineConfig
from par_core.errors import ParError, WorkerLostError

__all__ = ["finish_shards"]

_LINE_EVERY_S: Final = 30.0
_MOST_LOSSES: Final = 3  # of workers with one shard


def finish_shards(
    folder: Path,
    todo: Sequence[int],
    task: Callable[[str, int], None],
    machine: MachineConfig,
    n_items: int,
    *,
    finished: Callable[[], Bar],
    line: Callable[[Bar, float], str],
    log: Path | None,
    quiet: bool,
) -> None:
    """Finish shards; after the first that fails no other is begun, as a part of the folder is of no use.

    Args:
        folder: The folder.
        todo: Numbers of its missing shards.
        task: Finishes one shard, by the absolute path of the folder and its number.
        machine: Runner and workers.
        n_items: Number of items in these shards, for the choice of the runner.
        finished: Returns how far the folder is.
        line: Returns a line on that, after some seconds.
        log: File for what workers print; None leaves it on standard error.
        quiet: Shows nothing.

    Raises:
        ParError: A shard failed; names it and the reason.
    """
    place, losses = str(folder.absolute()), Counter[str]()

    def lost(shard: str, _: str) -> list[str]:
        losses[shard] += 1
        if losses[shard] > _MOST_LOSSES:
            raise WorkerLostError(f"{losses[shard]} workers were lost with it")
        return [shard]

    work = ListJob([str(shard) for shard in todo], lambda shard, _: (task, (place, int(shard))), lost, 1)
    with (
        open_pool(with_work_for_all(machine, len(todo)), choose_runner(machine, n_items), say, log) as pool,
        show_progress(
            lambda: [finished()],
            lambda bars, seconds: line(bars[0], seconds),
            every_s=_LINE_EVERY_S,
            quiet=quiet,
        ),
    ):
        failed = fan_out(work, pool, name=secrets.token_hex(4), say=say)
    for shard, error in failed.items():
        if isinstance(error, ParError) and not isinstance(error, WorkerLostError):
            raise error
        raise ParError(f"shard {shard} of {folder}: {type(error).__name__}: {error}") from error
