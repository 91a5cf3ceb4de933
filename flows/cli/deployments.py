"""``par deployments``: a check of what is deployed in Prefect."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import JsonOption

__all__ = ["deployments"]

_RUNS = 2

deployments = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Deployments for Prefect: check parameters and schedules before the night does.",
)


@deployments.callback()
def _group() -> None:
    """Deployments for Prefect: check parameters and schedules before the night does."""


@deployments.command()
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File of deployments, as prefect deploy takes it.")
    ] = Path("prefect.yaml"),
    as_json: JsonOption = False,
) -> None:
    """Check deployments for what Prefect accepts and what fails in the night: parameters and settings that do
    not exist or have a wrong value, relative paths, time zones, hours that the change of summer time leaves
    out or repeats, and intervals that move. Exit code 1 if there are problems.

    Examples:
    ```
    par deployments check deployments/prefect.yaml
    ```
    """
    from flows.deployment_check import check_deployments, read_deployments
    from flows.schedule_check import next_runs

    now = datetime.now(UTC)
    found = check_deployments(read_deployments(file), now)
    wrong = sum(len(each.problems) for each in found)
    if as_json:
        names = ("name", "problems", "notes")
        print(json.dumps([{name: getattr(each, name) for name in names} for each in found], indent=2))
        raise typer.Exit(1 if wrong else 0)
    for each in found:
        for problem in each.problems:
            print(f"{each.name}: problem: {problem}")
        for note in dict.fromkeys(each.notes):
            print(f"{each.name}: note: {note}")
        for schedule in each.schedules if not each.problems else ():
            runs = ", ".join(f"{moment:%Y-%m-%d %H:%M %Z}" for moment in next_runs(schedule, now, _RUNS))
            off = "" if schedule.get("active", True) else " (not active)"
            print(f"{each.name}: next runs{off}: {runs}")
    schedules = sum(len(each.schedules) for each in found)
    end = f"{wrong} problems" if wrong else "all is well"
    print(f"{len(found)} deployments, {schedules} schedules: {end}")
    raise typer.Exit(1 if wrong else 0)
