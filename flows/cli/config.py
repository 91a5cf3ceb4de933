"""``par config``: the settings in force and where each comes from, and a check of all of them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.groups import ModelOptions, WorkerOptions, with_groups
from flows.cli.options import JsonOption
from par_core.plurals import number_of

__all__ = ["config"]

config = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Settings: show those in force and where each comes from, check a file and the environment.",
)


@config.command()
@with_groups
def show(
    store: Annotated[Path | None, typer.Option("--store", metavar="DIR", help="Folder of the store.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only settings that are not the default.")
    ] = False,
    models: ModelOptions = ModelOptions(),
    machine: WorkerOptions = WorkerOptions(),
    as_json: JsonOption = False,
) -> None:
    """Show every setting with its value and where it comes from: default, file, environment or option. Names
    and passwords in addresses are hidden.

    Examples:
    ```
    par config show --config par.toml
    par config show --changed --profile clip --json
    ```
    """
    from par_core.config_report import settings_in_force

    options = {
        "profile": models.profile,
        "weights_dir": models.weights_dir,
        "store": store,
        "machine": machine.settings(),
    }
    settings = settings_in_force(models.config, options)
    shown = [setting for setting in settings if not changed or setting.origin != "default"]
    if as_json:
        print(json.dumps([asdict(setting) for setting in shown], indent=2, ensure_ascii=False))
        return
    lines = [(setting.name, json.dumps(setting.value, ensure_ascii=False)) for setting in shown]
    wide, long = (max((len(line[column]) for line in lines), default=0) for column in (0, 1))
    for (name, value), setting in zip(lines, shown, strict=True):
        print(f"{name:{wide}}  {value:{min(long, 40)}}  {setting.origin}")


@config.command()
def check(
    file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a file of settings and the environment: unknown names, wrong types and ranges, paths that do not
    exist. All problems are named, and the exit code is 1 if there are any.

    Examples:
    ```
    par config check --config par.toml
    par config check
    ```
    """
    from par_core.config_report import check_settings

    found = check_settings(file)
    wrong = sum(problem.certain for problem in found)
    if as_json:
        print(json.dumps([asdict(problem) for problem in found], indent=2, ensure_ascii=False))
        raise typer.Exit(1 if wrong else 0)
    for problem in found:
        print(f"{'problem' if problem.certain else 'note'}: {problem}")
    checked = "the environment" if file is None else f"{file} and the environment"
    print(f"{checked}: {number_of(wrong, 'problem') if wrong else 'all is well'}")
    raise typer.Exit(1 if wrong else 0)
