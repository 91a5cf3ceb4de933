"""Made pictures for the command line: the shards of a plan are fanned out, and put together at the end."""

from typing import Any

from filelock import FileLock, Timeout

from flows.console.progress import Bar
from flows.shard_folder import finish_shards
from par_core.config import MachineConfig
from par_core.errors import BadConfigError
from par_core.made.folder import finish
from par_core.made.plan import MakingPlan
from tasks.making import make_shard

__all__ = ["make"]


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
    todo = plan.missing()
    if not todo:
        return

    def finished() -> Bar:
        missing = set(plan.missing())
        done = sum(len(plan.items_of(shard)) for shard in plan.shards if shard not in missing)
        return Bar(plan.kind, done, plan.items)

    def line(bar: Bar, seconds: float) -> str:
        return f"par: {plan.kind}: {bar.done}/{bar.total} after {seconds:.0f} s"

    finish_shards(
        plan.folder,
        todo,
        make_shard,
        machine,
        plan.items,
        finished=finished,
        line=line,
        log=plan.folder / "workers.log",
        quiet=quiet,
    )
