"""Training for the command line: seeds or folds become jobs, jobs are fanned out, reports become a table of
means and standard deviations.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from flows.console.progress import Bar, say, show_progress
from flows.fan_out import Job, fan_out
from flows.runners import open_pool
from par_core.config import MachineConfig
from par_core.errors import BadConfigError, ParError, WorkerLostError
from par_core.metrics.runs import summary

__all__ = ["plan_jobs", "train"]

_LINE_EVERY_S: Final = 60.0


def plan_jobs(
    settings: Mapping[str, Any], out: Path, seeds: Sequence[int], folds: int | None
) -> dict[str, dict[str, Any]]:
    """One job, or one a seed or fold in a folder of its own.

    Args:
        settings: Of a TrainingJob but for ``out``, ``seed`` and ``fold``; None values take the default.
        out: Folder of the results.
        seeds: Of the runs.
        folds: Instead of several seeds: in how many parts the people are cut, each scored on once.

    Raises:
        BadConfigError: Both are asked for.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    if folds is not None and len(seeds) > 1:
        raise BadConfigError("several seeds or folds, not both")
    if folds is not None:
        shared = {**given, "shared": str(out), "seed": seeds[0], "folds": folds}
        return {f"fold-{i}": {**shared, "out": str(out / f"fold-{i}"), "fold": i} for i in range(folds)}
    if len(seeds) == 1:
        return {out.name: {**given, "out": str(out), "seed": seeds[0]}}
    shared = {**given, "shared": str(out)}
    return {f"seed-{seed}": {**shared, "out": str(out / f"seed-{seed}"), "seed": seed} for seed in seeds}


def train(
    jobs: Mapping[str, Mapping[str, Any]],
    out: Path,
    machine: MachineConfig,
    *,
    n_processes: int,
    quiet: bool,
    verbose: bool,
) -> dict[str, Any]:
    """Train all jobs, or go on where an earlier call was stopped.

    Args:
        jobs: By name.
        out: Folder of ``summary.json`` and of what workers print.
        machine: Several workers train several jobs at once.
        n_processes: That train each job together.
        quiet: Shows nothing.
        verbose: Leaves what workers print on standard error.

    Returns:
        The summary: ``runs``, ``mean`` and ``std`` of the scores, and in words, who was scored,
        as ``scored_on``.

    Raises:
        ParError: A job failed; says which and why.
    """
    from par_core.training.jobs import as_job
    from tasks.training import train as train_one

    # what is wrong is told before anything starts
    checked = {name: as_job(job) for name, job in jobs.items()}
    out.mkdir(parents=True, exist_ok=True)

    def lost(name: str, _: str) -> list[str]:
        raise WorkerLostError(
            f"the worker that trained {name} was lost; run the same command again to go on from the last"
            " checkpoint"
        )

    job = Job(list(jobs), lambda name, _: (train_one, (_absolute(jobs[name]), n_processes)), lost, len(jobs))
    runner: Literal["threads", "dask"] = (
        "dask" if (machine.workers or 1) > 1 or machine.scheduler else "threads"
    )
    with (
        open_pool(machine, runner, say, None if verbose else out / "workers.log") as pool,
        _watch(jobs, quiet=quiet),
    ):
        failed = fan_out(job, pool, name=secrets.token_hex(4), say=say)
    for name, error in failed.items():
        if isinstance(error, ParError):
            raise error
        raise ParError(f"{name}: {type(error).__name__}: {error}") from error
    reports = {name: json.loads((each.out / "report.json").read_text()) for name, each in checked.items()}
    told = {
        "runs": {name: report["scores"] for name, report in reports.items()},
        **summary([report["scores"] for report in reports.values()]),
    }
    told["scored_on"] = next(iter(reports.values()))["scored_on"]
    (out / "summary.json").write_text(json.dumps(told, indent=1) + "\n")
    return told


def _absolute(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job whose folders mean the same to a worker that was started elsewhere."""
    paths = {name: job.get(name) for name in ("root", "out", "shared", "start")}
    given = {name: path for name, path in paths.items() if path is not None and str(path) != "compact"}
    return {**job, **{name: os.path.abspath(path) for name, path in given.items()}}


@contextmanager
def _watch(jobs: Mapping[str, Mapping[str, Any]], *, quiet: bool) -> Iterator[None]:
    """Show how far the jobs are, read from their logs, for as long as the block runs."""

    def look() -> list[Bar]:
        logged = {name: _last(Path(str(job["out"]))) for name, job in jobs.items()}
        return [
            (
                Bar(name, last["step"], last["of"], _losses(last))
                if last
                else Bar(name, 0, jobs[name].get("steps"))
            )
            for name, last in logged.items()
        ]

    def line(bars: Sequence[Bar], _: float) -> str:
        return "\n".join(
            f"{bar.name}: step {bar.done} of {bar.total}; {bar.note}" for bar in bars if bar.note
        )

    with show_progress(look, line, every_s=_LINE_EVERY_S, quiet=quiet):
        yield


def _last(out: Path) -> dict[str, Any] | None:
    from par_core.training.loop import LOG

    file = out / LOG
    lines = file.read_text().splitlines() if file.is_file() else []
    try:
        return dict(json.loads(lines[-1])) if lines else None
    except json.JSONDecodeError:  # half a line, being written
        return None


def _losses(line: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" for name, value in line.items() if name not in ("step", "of", "seconds", "rate")
    )
