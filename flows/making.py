"""Made pictures for the command line: the shards of a plan are fanned out, and put together at the end."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from filelock import FileLock, Timeout

from flows.console.progress import Bar, say, show_progress
from flows.fan_out import ListJob, fan_out
from flows.runners import choose_runner, open_pool
from par_core.config import MachineConfig
from par_core.errors import BadConfigError, ParError, WorkerLostError
from par_core.made.folder import finish
from par_core.made.plan import MakingPlan
from tasks.making import make_shard

__all__ = ["make"]

_LINE_EVERY_S: Final = 30.0
_MOST_LOSSES: Final = 3  # of workers with one shard


def make(plan: MakingPlan, machine: MachineConfig, command: str, *, quiet: bool = False) -> dict[str, Any]:
    """Make everything that is missing, or go on where an earlier call was stopped.

    Args:
        plan: What is made.
        machine: Runner and workers; they change nothing of the result.
        command: What made it, for the manifest.
        quiet: Shows nothing.

    Returns:
        The manifest.

    Raises:
        BadConfigError: The folder holds other pictures, or another process is making them.
        ParError: A shard failed; names it and the reason.
    """
    if plan.folder.exists() and not plan.folder.is_dir():
        raise BadConfigError(f"{plan.folder} is a file, not a folder")
    plan.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(plan.folder / ".lock", blocking=False):
            plan.write()
            _run(plan, machine, quiet=quiet)
            return finish(plan, command)
    except Timeout as error:
        raise BadConfigError(f"another process is making pictures in {plan.folder}") from error


def _run(plan: MakingPlan, machine: MachineConfig, *, quiet: bool) -> None:
    todo, losses, folder = plan.missing(), Counter[str](), str(plan.folder.absolute())
    if not todo:
        return

    def lost(shard: str, _: str) -> list[str]:
        losses[shard] += 1
        if losses[shard] > _MOST_LOSSES:
            raise WorkerLostError(f"{losses[shard]} workers were lost with it")
        return [shard]

    work = ListJob(
        [str(shard) for shard in todo], lambda shard, _: (make_shard, (folder, int(shard))), lost, 1
    )

    def finished() -> list[Bar]:
        missing = set(plan.missing())
        done = sum(len(plan.items_of(shard)) for shard in plan.shards if shard not in missing)
        return [Bar(plan.kind, done, plan.items)]

    def line(bars: Sequence[Bar], seconds: float) -> str:
        return f"par: {plan.kind}: {bars[0].done}/{bars[0].total} after {seconds:.0f} s"

    with (
        open_pool(machine, choose_runner(machine, plan.items), say, plan.folder / "workers.log") as pool,
        show_progress(finished, line, every_s=_LINE_EVERY_S, quiet=quiet),
    ):
        failed = fan_out(work, pool, name=secrets.token_hex(4), say=say)
    for shard, error in failed.items():
        if isinstance(error, ParError) and not isinstance(error, WorkerLostError):
            raise error
        raise ParError(f"shard {shard} of {plan.folder}: {type(error).__name__}: {error}") from error
