"""Training for the command line: seeds or folds become jobs, jobs go to workers, their reports become a table
of means and standard deviations.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from flows.console.lines import say
from flows.console.progress import Bar, show_progress
from flows.fan_out import ListJob, fan_out
from flows.runners import open_pool
from par_core.config import MachineConfig
from par_core.errors import BadConfigError, ParError, WorkerLostError
from par_core.metrics.runs import summary
from par_core.models.torch_extra import require_torch

__all__ = ["plan_jobs", "train"]

_LINE_EVERY_S: Final = 60.0


def plan_jobs(
    settings: Mapping[str, Any], out: Path, seeds: Sequence[int], folds: int | None
) -> dict[str, dict[str, Any]]:
    """Return the jobs by name: a single one, or one for each seed or fold in its own folder.

    Args:
        settings: Keys of a TrainingJob without ``out``, ``seed`` and ``fold``; None values take the default.
        out: Folder of the results.
        seeds: Seeds of the runs.
        folds: Number of parts into which the people are cut, each held out once; instead of several seeds.

    Raises:
        BadConfigError: There are both several seeds and folds.
    """
    common = {key: value for key, value in settings.items() if value is not None}
    if folds is not None and len(seeds) > 1:
        raise BadConfigError("several seeds or folds, not both")
    if folds is not None:
        shared = {**common, "shared": str(out), "seed": seeds[0], "folds": folds}
        return {f"fold-{i}": {**shared, "out": str(out / f"fold-{i}"), "fold": i} for i in range(folds)}
    if len(seeds) == 1:
        return {out.name: {**common, "out": str(out), "seed": seeds[0]}}
    shared = {**common, "shared": str(out)}
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
    """Train all jobs, or continue where an earlier call was stopped.

    Args:
        jobs: Jobs by name.
        out: Folder of ``summary.json`` and of the output of workers.
        machine: Machine settings; several workers train several jobs at once.
        n_processes: Number of processes that train each job together.
        quiet: Whether no progress is shown.
        verbose: Whether the output of workers stays on standard error.

    Returns:
        The summary: ``runs``, ``mean`` and ``std`` of the scores, and as ``scored_on`` the people who were
        scored, in words.

    Raises:
        BadConfigError: A setting is wrong, or PyTorch is not installed.
        ParError: A job failed; names it and the reason.
    """
    require_torch("training")
    from par_core.training.job_settings import as_job
    from tasks.training import train as train_one

    # wrong settings are reported before anything starts
    checked = {name: as_job(job) for name, job in jobs.items()}
    out.mkdir(parents=True, exist_ok=True)

    def lost(name: str, _: str) -> list[str]:
        raise WorkerLostError(
            f"the worker that trained {name} was lost; run the same command again to go on from the last"
            " checkpoint"
        )

    job = ListJob(
        list(jobs), lambda name, _: (train_one, (_absolute(jobs[name]), n_processes)), lost, len(jobs)
    )
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
    reports = {name: json.loads((run.out / "report.json").read_text()) for name, run in checked.items()}
    table = {
        "runs": {name: report["scores"] for name, report in reports.items()},
        **summary([report["scores"] for report in reports.values()]),
    }
    table["scored_on"] = next(iter(reports.values()))["scored_on"]
    (out / "summary.json").write_text(json.dumps(table, indent=1) + "\n")
    return table


def _absolute(job: Mapping[str, Any]) -> dict[str, Any]:
    """The job with absolute paths, for a worker that was started in another folder."""
    paths = {name: job.get(name) for name in ("root", "out", "shared", "start", "made")}
    named = {name: path for name, path in paths.items() if path is not None and str(path) != "compact"}
    return {**job, **{name: os.path.abspath(path) for name, path in named.items()}}


@contextmanager
def _watch(jobs: Mapping[str, Mapping[str, Any]], *, quiet: bool) -> Iterator[None]:
    """Show the progress of the jobs, read from their logs, while the block runs."""

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
